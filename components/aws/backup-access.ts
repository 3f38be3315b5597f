/**
 * What a host may do with the bucket of its backups: list it, and read, write and delete objects. A deleted object only
 * becomes an older version; deleting versions is what the host may not.
 */
const objectActions = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"] as const;
const bucketActions = ["s3:ListBucket"] as const;

/** The same as an IAM policy in JSON. */
export function backupPolicy(bucketArn: string): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      { Sid: "List", Effect: "Allow", Action: bucketActions, Resource: [bucketArn] },
      { Sid: "AddAndHide", Effect: "Allow", Action: objectActions, Resource: [`${bucketArn}/*`] },
    ],
  });
}

/**
 * The policy of the bucket itself, in JSON. It refuses the host all else, whatever policies its user may get one day: above
 * all to delete versions, and to change versioning, lifecycle and this policy. Nobody comes in over plain HTTP.
 *
 * @param userArn the user whose key the host has. It stands in a condition: a principal would mean this one user, and not
 * another of its name
 */
export function backupBucketPolicy(bucketArn: string, userArn: string): string {
  const both = [bucketArn, `${bucketArn}/*`];
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "RefusePlainHttp",
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: both,
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
      {
        Sid: "HostTakesNothingAway",
        Effect: "Deny",
        Principal: "*",
        NotAction: [...bucketActions, ...objectActions],
        Resource: both,
        Condition: { ArnEquals: { "aws:PrincipalArn": userArn } },
      },
    ],
  });
}
