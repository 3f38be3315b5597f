import { z } from "zod";
import { mediaDirectory, mediaPublic } from "../app/settings/places.ts";
import { awsRegion } from "./schema.ts";

export const bucketName = z
  .string()
  .regex(/^(?=.{3,63}$)(?!xn--|sthree-|amzn-s3-demo-)[a-z0-9][a-z0-9-]*[a-z0-9]$/, {
    error: "expected a bucket's name: 3 to 63 lower-case letters, digits and hyphens",
  });

export const mediaSchema = z.strictObject({
  store: z
    .enum(["host", "s3"])
    .default("host")
    .describe("Where uploaded files are kept: on the host's disk, or in an S3 bucket that the stack makes."),
  directory: mediaDirectory,
  public: mediaPublic,
  region: awsRegion.optional().describe("The bucket's AWS region. Default: that of the EC2 host."),
  bucket: bucketName
    .optional()
    .describe("The bucket's name, which must be unique in the world. Default: a generated one."),
  access: z
    .enum(["role", "user"])
    .optional()
    .describe(
      "How the application uses the bucket: with the instance's role, or with an IAM user's key. Default: `role` on EC2, `user` elsewhere.",
    ),
  mayDelete: z.boolean().default(true).describe("Whether the application may delete files."),
  oldVersions: z
    .int()
    .min(1)
    .default(30)
    .describe("For how many days you can restore a file that was replaced or deleted."),
  retainBucket: z
    .boolean()
    .default(true)
    .describe(
      "Whether the bucket stays in AWS when you destroy the stack, or when another bucket takes its place. You pay for it until you delete it. To have it deleted with all its files, deploy `false` before you destroy the stack.",
    ),
  publicFiles: z
    .strictObject({
      folder: z
        .string()
        .regex(/^[A-Za-z0-9_][\w.-]*(\/[A-Za-z0-9_][\w.-]*)*$/, {
          error: "expected a folder of the bucket without slashes at its ends, such as static",
        })
        .describe("The folder: the beginning of the files' names."),
      by: z
        .enum(["cloudfront", "s3"])
        .default("cloudfront")
        .describe(
          "`cloudfront`: served by CloudFront; the bucket itself stays private. `s3`: served by the bucket, whose folder is public.",
        ),
    })
    .optional()
    .describe("A folder of the bucket that everyone may read, for static files. Default: none."),
});
