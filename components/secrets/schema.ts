import { z } from "zod";
import { urlPassword } from "../service/forms.ts";
import { type ServiceSecret, serviceSecrets } from "../services.ts";

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
const generation = (what: string) => z.int().min(1).default(1).describe(`The generation of ${what}.`);

/** A key for each secret of a service. */
const ofServices = <Schema>(schema: (what: string) => Schema) =>
  Object.fromEntries(Object.entries(serviceSecrets).map(([key, what]) => [key, schema(what)])) as Readonly<
    Record<ServiceSecret, Schema>
  >;

export const secretsSchema = z.strictObject({
  ...ofServices((what) =>
    urlPassword
      .optional()
      .describe(`${sentence(what)} 16 or more letters, digits and \`. _ ~ -\`: it stands in a URL.`),
  ),
  signingKey: z.string().min(32).optional().describe("Django's SECRET_KEY. 32 or more characters."),
  basicAuth: z
    .string()
    .min(8)
    .optional()
    .describe("The password that `site.basicAuth` asks for. 8 or more characters."),
  mirror: z
    .enum(["none", "secrets-manager", "parameter-store"])
    .default("none")
    .describe(
      "Copies the stack's secrets to AWS Secrets Manager or SSM's Parameter Store, where other teams can read them. Only for stacks on EC2.",
    ),
});

export const rotateSchema = z.strictObject({
  ...ofServices((what) => generation(`${what}; the previous one stays valid until the new one is live`)),
  signingKey: generation("Django's SECRET_KEY. A change logs everyone out"),
  basicAuth: generation("the password that `site.basicAuth` asks for"),
  backup: generation(
    "the key of the IAM user that writes backups, with `backup.place.kind: aws`; the previous one works until the next rotation",
  ),
  media: generation("the IAM user's key; the previous one works until the next rotation"),
});
