import { z } from "zod";
import { accountName } from "../service/forms.ts";
import { faultOfSetting } from "./settings.ts";

const setting = z.union([
  z.string().regex(/^[^\p{Cc}]{1,1000}$/u, { error: "expected one line of text" }),
  z.number(),
  z.boolean(),
]);

export const postgresSchema = z.strictObject({
  enabled: z.boolean().default(true).describe("Whether the application has a database."),
  version: z
    .int()
    .refine((value) => value === 17, {
      error:
        "expected 17. Berth does not move a database from one major version to another: dump it, make a new stack, load it there",
    })
    .default(17)
    .describe(
      "The major version of PostgreSQL. Berth refuses a change, because you must move the data by hand.",
    ),
  database: accountName.optional().describe("Name of the database. Default: the application's name."),
  role: accountName.optional().describe("Name of the role that owns it. Default: the application's name."),
  extensions: z
    .array(
      z
        .string()
        .regex(/^[a-z][a-z0-9_-]{0,62}$/, { error: "expected the name of an extension, such as postgis" }),
    )
    .default([])
    .describe(
      "Extensions that only the superuser may create, such as `postgis`, `vector` or `pg_stat_statements`. They are in the schema `extensions`, which is in the sessions' search path. Berth installs the Debian packages of `postgis` and `vector`; for others, name the package in `app.packages`. An extension that you remove here stays in the database.",
    ),
  settings: z
    .record(z.string(), setting)
    .superRefine((settings, context) => {
      for (const name of Object.keys(settings)) {
        const fault = faultOfSetting(name);
        if (fault !== undefined)
          context.addIssue({ code: "custom", path: [name], message: fault, input: name });
      }
    })
    .default({})
    .describe(
      "Settings of PostgreSQL, by their names, such as `work_mem: 16MB` or `shared_preload_libraries: pg_stat_statements`. They win over Berth's own. PostgreSQL checks them before they are used, and Berth goes back to the ones of before if it does not start with them. The preview shows which of them restart it.",
    ),
});
