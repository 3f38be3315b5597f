import { z } from "zod";
import { findingCodes } from "./codes.ts";

const target = z.string().regex(/^[a-z][a-z0-9+-]*:\/\/\S+$/i, {
  error:
    "expected a URL of Apprise, such as mailtos://USER:PASSWORD@example.org or slack://TOKENS; see https://github.com/caronc/apprise/wiki",
});

const named = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/, { error: "expected a name of lower-case letters, digits and hyphens" });

export const noticesSchema = z.strictObject({
  targets: z
    .record(named, target)
    .refine((targets) => Object.keys(targets).length > 0, { error: "expected at least one target" })
    .describe(
      "Who is told: by a name of your own, a URL of [Apprise](https://github.com/caronc/apprise/wiki). It holds a password or a token, so set it with `npm run pulumi -- config set --secret --path 'notify.targets.NAME' -s STACK`, which asks for it.",
    ),
  ignore: z
    .array(z.enum(findingCodes))
    .default([])
    .describe("Findings that are not told, by their codes in docs/status.md, such as `reboot`."),
  queueOlderThan: z
    .int()
    .min(1)
    .max(10_080)
    .default(15)
    .describe(
      "After how many minutes you are told that the next task of a queue still waits: in Redis, of Celery, RQ or huey.",
    ),
  logins: z
    .boolean()
    .default(false)
    .describe(
      "Whether you are told when an account of `admins`, or root, logs in to a host by SSH: who, from where and when.",
    ),
});

export type NoticesConfig = z.output<typeof noticesSchema>;
