import type { Rule } from "../rule.ts";
import { bucketEncrypted, bucketPrivate } from "./buckets.ts";
import { dataProtected } from "./data-protected.ts";
import { dockerGroup } from "./docker.ts";
import { exceptions } from "./exceptions.ts";
import { hostKeyReplaced } from "./host-key.ts";
import { iamManagedPolicy, iamTrust, iamWildcard } from "./iam.ts";
import { metadataTokens } from "./metadata.ts";
import { sshFromAnywhere } from "./ssh.ts";
import { tagged } from "./tags.ts";
import { userDataSecret } from "./user-data.ts";
import { volumeEncrypted } from "./volumes.ts";

/** Every rule that stops a preview or an update. */
export const rules: readonly Rule[] = [
  sshFromAnywhere,
  volumeEncrypted,
  bucketEncrypted,
  bucketPrivate,
  metadataTokens,
  iamWildcard,
  iamManagedPolicy,
  iamTrust,
  userDataSecret,
  hostKeyReplaced,
  dataProtected,
  dockerGroup,
  tagged,
  exceptions,
];
