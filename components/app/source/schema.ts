import { z } from "zod";
import { hostKey } from "../../service/forms.ts";

const directorySource = z.strictObject({
  directory: z
    .string()
    .min(1)
    .describe("Path of the application's directory, from the directory of Pulumi.yaml."),
});
const gitSource = z.strictObject({
  git: z
    .string()
    .regex(/^(https:\/\/|ssh:\/\/|[\w.-]+@[\w.-]+:)\S+$/, {
      error: "expected a git URL: https://…, ssh://… or git@host:path",
    })
    .describe(
      "URL of the repository. One that is reached by SSH is read with a deploy key that Berth makes.",
    ),
  ref: z.string().min(1).default("HEAD").describe("Branch, tag or full commit id."),
  path: z
    .string()
    .regex(/^(\.|[\w.-]+(\/[\w.-]+)*)$/, { error: "expected a relative path without a slash at its ends" })
    .default(".")
    .describe("The application's directory in the repository."),
  hostKey: hostKey
    .optional()
    .describe(
      "Host key of the git server, for a URL that is reached by SSH. Known for github.com and gitlab.com.",
    ),
});

export const sourceSchema = z.union([directorySource, gitSource]);
