import { z } from "zod";

const part = String.raw`(?!\.{1,2}(?:\/|$)|\.git(?:\/|$)|\.venv(?:\/|$)|node_modules(?:\/|$)|__pycache__(?:\/|$))[\w.+@-]+`;

const path = z.string().regex(new RegExp(`^${part}(\\/${part})*$`), {
  error:
    "expected a path in the application's directory, such as shop/local_settings.py: relative, without '..', and not in .git, .venv, node_modules or __pycache__",
});

const replace = z
  .boolean()
  .default(false)
  .describe(
    "Whether it replaces a file of the source. Otherwise Berth refuses a release whose source has the file.",
  );

const template = z.strictObject({
  from: z
    .string()
    .min(1)
    .describe(
      "A text file on your computer; the path is relative to `Pulumi.yaml`. Berth fills in `${postgres.password}` and other references in it.",
    ),
  replace,
});

const inline = z.strictObject({
  content: z.string().describe("The text itself, instead of `from`, with the same references."),
  replace,
});

/** `app.files`: see {@link openFiles}. */
export const filesSchema = z
  .record(path, z.union([template, inline]))
  .default({})
  .describe(
    "Files that the application needs but its source does not have, such as `shop/local_settings.py` or `.env`, by their path in the application's directory. A changed file counts as a changed setting; see docs/deploying-your-application.md.",
  );

export type FilesConfig = z.output<typeof filesSchema>;
