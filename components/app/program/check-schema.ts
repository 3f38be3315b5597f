import { z } from "zod";

/** `app.check`. */
export const checkSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe("Whether a release runs `check --deploy`. An error stops the release."),
    tags: z
      .array(z.string().regex(/^[\w.-]+$/, { error: "expected the tag of a check, such as security" }))
      .default([])
      .describe(
        "Runs only the checks with these tags, such as `security`, `models` or `urls`; `manage.py check --list-tags` lists them. Default: all checks except those of databases.",
      ),
  })
  .prefault({})
  .describe("What Django checks before a release goes live.");

export type Check = z.output<typeof checkSchema>;
