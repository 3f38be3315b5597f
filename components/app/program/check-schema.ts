import { z } from "zod";

/** `berth:app.check`. */
export const checkSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe("Whether a release runs `check --deploy`. An error that it finds stops the release."),
    tags: z
      .array(z.string().regex(/^[\w.-]+$/, { error: "expected the tag of a check, such as security" }))
      .default([])
      .describe(
        "The tags of the checks that run, such as `security`, `models` or `urls`; see `manage.py check --list-tags`. Default: all but those of databases.",
      ),
  })
  .prefault({})
  .describe("What Django checks before a release goes live.");

export type Check = z.output<typeof checkSchema>;
