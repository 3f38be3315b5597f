import { z } from "zod";
import { settingName } from "../service/forms.ts";

const group = z.strictObject({
  name: settingName.describe("The setting's name: the environment variable, and NAME in `${secrets.NAME}`."),
  length: z
    .int()
    .min(8)
    .max(512)
    .default(64)
    .describe("How many characters it has; with `alphabet: base64`, how many random bytes stand behind it."),
  alphabet: z
    .enum(["alphanumeric", "hex", "base64"])
    .default("alphanumeric")
    .describe(
      "`alphanumeric`: letters and digits. `hex`: 0 to 9 and a to f. `base64`: random bytes in URL-safe base64; with a length of 32, a Fernet key.",
    ),
  generation: z.int().min(1).default(1).describe("A higher number makes a new secret, once."),
});

/** `app.generate`. */
export const generateSchema = z
  .array(z.union([settingName, group]))
  .refine(
    (all) => new Set(all.map((one) => (typeof one === "string" ? one : one.name))).size === all.length,
    {
      error: "expected each name once",
    },
  )
  .default([])
  .describe(
    "Secret settings that Berth makes up and keeps in the stack's state, such as a pepper or a key for encryption: `[API_TOKEN_PEPPER, {name: FERNET_KEY, alphabet: base64, length: 32}]`. See docs/deploying-your-application.md.",
  );

export type GenerateConfig = z.output<typeof generateSchema>;
export type Generated = z.output<typeof group>;

/** Each of them with all that decides about it. */
export const generatedOf = (generate: GenerateConfig): Generated[] =>
  generate.map((one) => (typeof one === "string" ? group.parse({ name: one }) : one));
