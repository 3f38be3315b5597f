import { z } from "zod";

const part = String.raw`(?!\.{1,2}(?:\/|$)|\.git(?:\/|$)|\.venv(?:\/|$)|node_modules(?:\/|$)|__pycache__(?:\/|$))[\w.+@-]+`;

const path = z.string().regex(new RegExp(`^${part}(\\/${part})*$`), {
  error:
    "expected a path in the application's directory, such as shop/local_settings.py: relative, without '..', and not in .git, .venv, node_modules or __pycache__",
});

const replace = z
  .boolean()
  .default(false)
  .describe("Whether it takes the place of a file that the source has. Otherwise such a release is refused.");

const template = z.strictObject({
  from: z
    .string()
    .min(1)
    .describe(
      "A text file on your computer, seen from `Pulumi.yaml`. `${postgres.password}` and the like in it stand for what the stack has.",
    ),
  replace,
});

const inline = z.strictObject({
  content: z.string().describe("The text itself, in place of `from`, with the same references."),
  replace,
});

/** `berth:app.files`: see {@link openFiles}. */
export const filesSchema = z
  .record(path, z.union([template, inline]))
  .default({})
  .describe(
    "Files that the application expects in its directory and that its source does not have, such as `shop/local_settings.py` or `.env`, by their path there. A changed file is a changed setting; see docs/deploying-your-application.md.",
  );

export type FilesConfig = z.output<typeof filesSchema>;
