import { z } from "zod";

export const driftSchema = z.strictObject({
  ignore: z
    .array(
      z
        .string()
        .regex(/^(\/\S+|[A-Za-z0-9@:_.-]+\.(service|timer|socket|path|mount|target)|[a-z_][a-z0-9_.+*-]*)$/, {
          error:
            "expected a path such as /etc/nginx/conf.d/berth.conf, or the name of a unit, package or account, as 'npm run drift' shows it",
        })
        .refine((pattern) => !/^[/*?]*$/.test(pattern), {
          error: "expected less than everything: name what 'npm run drift' shows",
        }),
    )
    .default([])
    .describe(
      "What `npm run drift` leaves out: paths, or names of units, packages or accounts, as it shows them. `*` stands for any text, such as `/etc/systemd/system/nginx.service.d/*`.",
    ),
});
