import { z } from "zod";
import { hostKey } from "../../service/forms.ts";

const directorySource = z.strictObject({
  directory: z
    .string()
    .min(1)
    .describe("The application's directory, relative to the directory of Pulumi.yaml."),
});
const gitSource = z.strictObject({
  git: z
    .string()
    .regex(/^(https:\/\/|ssh:\/\/|[\w.-]+@[\w.-]+:)\S+$/, {
      error: "expected a git URL: https://…, ssh://… or git@host:path",
    })
    .describe("URL of the repository. For a URL by SSH, Berth makes a deploy key."),
  ref: z.string().min(1).default("HEAD").describe("Branch, tag or full commit id."),
  path: z
    .string()
    .regex(/^(\.|[\w.-]+(\/[\w.-]+)*)$/, { error: "expected a relative path without a slash at its ends" })
    .default(".")
    .describe("The application's directory in the repository."),
  hostKey: hostKey
    .optional()
    .describe("The git server's host key, for a URL by SSH. Berth knows those of github.com and gitlab.com."),
});

export const sourceSchema = z.union([directorySource, gitSource]);
