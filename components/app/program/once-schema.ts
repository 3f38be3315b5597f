import { z } from "zod";
import { processNamePattern } from "../processes/processes.ts";

const once = z.strictObject({
  name: z
    .string()
    .regex(processNamePattern, {
      error: "expected a lower-case letter, then letters, digits, hyphens or underscores, 23 at most",
    })
    .describe(
      "The name under which the host records that the command has run. With another name it runs again.",
    ),
  command: z
    .string()
    .min(1)
    .describe(
      "The command, as you would type it in a shell, such as `python manage.py createsuperuser --noinput`.",
    ),
  timeout: z.int().min(1).max(3600).default(600).describe("How long it may take, in seconds."),
});

/** `app.once`. */
export const onceSchema = z
  .array(once)
  .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, {
    error: "expected names of which no two are the same",
  })
  .default([])
  .describe(
    "Commands that run only once for the stack, such as making the first superuser. They run in this order, after the migrations and before the release goes live. If one fails, the release stops, and the next try runs the command again; see docs/deploying-your-application.md.",
  );

/** A command that runs once in a stack's life. */
export type Once = z.output<typeof once>;
