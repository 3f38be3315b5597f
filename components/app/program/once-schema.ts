import { z } from "zod";
import { processNamePattern } from "../processes/processes.ts";

const once = z.strictObject({
  name: z
    .string()
    .regex(processNamePattern, {
      error: "expected a lower-case letter, then letters, digits, hyphens or underscores, 23 at most",
    })
    .describe("Under this name the host records that the command is done. Another name runs it again."),
  command: z
    .string()
    .min(1)
    .describe("The command, as a shell takes it, such as `python manage.py createsuperuser --noinput`."),
  timeout: z.int().min(1).max(3600).default(600).describe("How long it may take, in seconds."),
});

/** `berth:app.once`. */
export const onceSchema = z
  .array(once)
  .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, {
    error: "expected names of which no two are the same",
  })
  .default([])
  .describe(
    "Commands that run once in the stack's life, in this order: after the migrations and before the release goes live, as migrations do. One that fails stops the release and is tried again; see docs/deploying-your-application.md.",
  );

/** A command that runs once in a stack's life. */
export type Once = z.output<typeof once>;
