import { z } from "zod";
import { accountName, sshKey } from "../service/forms.ts";

export const adminSchema = z.strictObject({
  name: accountName.describe("Name of the account."),
  keys: z.array(sshKey).min(1).describe("SSH public keys that can log in."),
});
