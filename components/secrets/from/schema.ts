import { z } from "zod";
import { settingName } from "../../service/forms.ts";
import { wordsOf } from "./words.ts";

/** Stands in a command for the name that is asked for. */
export const placeholder = "{name}";

/** A word of a command, or a part of one: never an option that the command does not have in the stack's file. */
const place = z.string().regex(/^[^-\p{Cc}][^\p{Cc}]*$/u, {
  error: "expected the name in the store, such as stripe/key: one line that does not begin with '-'",
});

const keys = z.strictObject({
  command: z
    .string()
    .regex(/^[^\p{Cc}]*$/u, { error: "expected a command on one line" })
    .describe(
      "The command, such as `op read op://shop/{name}/password`. With `{name}` in it, it runs once for each name and prints the value. Without, it runs once and prints all of them. No shell reads it: quotes and backslashes group words, and nothing is expanded.",
    ),
  format: z
    .enum(["json", "dotenv"])
    .optional()
    .describe(
      "What a command without `{name}` prints: one JSON object, or lines of `NAME=value`. Required there.",
    ),
  names: z
    .union([
      z.array(settingName).refine((names) => new Set(names).size === names.length, {
        error: "expected each name once",
      }),
      z.record(settingName, place),
    ])
    .refine((names) => Object.keys(names).length > 0, { error: "expected one name or more" })
    .describe(
      "The settings: `[STRIPE_KEY, EMAIL_PASSWORD]`, or each with its name in the store: `{STRIPE_KEY: stripe/key}`.",
    ),
  timeout: z
    .int()
    .min(1)
    .max(600)
    .default(60)
    .describe("How many seconds the command has, for all names together."),
});

/** `app.secretFrom`. */
export const secretFromSchema = keys
  .superRefine(({ command, format }, context) => {
    const fault = (key: string, message: string, input: unknown) =>
      context.addIssue({ code: "custom", path: [key], message, input });
    try {
      wordsOf(command);
    } catch (error) {
      fault("command", (error as Error).message, command);
    }
    const isOneByOne = command.includes(placeholder);
    if (isOneByOne && format !== undefined)
      fault("format", `expected none: with ${placeholder}, the command prints the value itself`, format);
    if (!isOneByOne && format === undefined) {
      const message = `expected json or dotenv, because the command has no ${placeholder} and prints all values at once`;
      fault("format", message, format);
    }
  })
  .optional()
  .describe(
    "Secret settings that a command reads where your team keeps them: 1Password, AWS Secrets Manager, Vault, sops. It runs on your computer in every preview and `up`. A changed value there is a changed setting here. See docs/secrets-from-elsewhere.md.",
  );

export type SecretFrom = z.output<typeof keys>;

/** The settings that come from there, each with its name in the store. */
export const placesOf = (from: SecretFrom | undefined): Readonly<Record<string, string>> =>
  from === undefined
    ? {}
    : Array.isArray(from.names)
      ? Object.fromEntries(from.names.map((name) => [name, name]))
      : from.names;
