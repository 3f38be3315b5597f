import { z } from "zod";

export const copySchema = z.strictObject({
  scrub: z
    .string()
    .min(1)
    .optional()
    .describe(
      "A command of the application that makes the data less personal, such as `python manage.py scrub`. It runs with the live release's settings, in a network in which there is nothing but the copy of the database, after its migrations.",
    ),
  sql: z
    .string()
    .min(1)
    .optional()
    .describe(
      "A file with SQL that does so, next to the stack's file, such as `scrub.sql`. It runs with the rights that the application has, before the command.",
    ),
});

export type CopyConfig = z.output<typeof copySchema>;
