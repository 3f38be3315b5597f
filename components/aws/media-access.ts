/**
 * What an application may do with its bucket, as an IAM policy in JSON: list it, and read, create and update its
 * objects; nothing else anywhere. Creating in parts (multipart upload) is part of `s3:PutObject`; an application may
 * also take back what it left half uploaded. https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
 *
 * @param bucketArn such as `arn:aws:s3:::shop-prod-media`
 * @param mayDelete whether it may delete objects; in a versioned bucket a deleted one can be had back for a while
 */
export function mediaPolicy(bucketArn: string, mayDelete: boolean): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      { Sid: "List", Effect: "Allow", Action: ["s3:ListBucket"], Resource: [bucketArn] },
      {
        Sid: "Objects",
        Effect: "Allow",
        Action: [
          "s3:GetObject",
          "s3:PutObject",
          "s3:AbortMultipartUpload",
          ...(mayDelete ? ["s3:DeleteObject"] : []),
        ],
        Resource: [`${bucketArn}/*`],
      },
    ],
  });
}
