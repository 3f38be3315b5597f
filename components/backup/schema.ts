import { z } from "zod";
import { bucketName } from "../aws/media-schema.ts";
import { awsRegion } from "../aws/schema.ts";

const path = z
  .string()
  .regex(/^\/[A-Za-z0-9._/-]+$/, { error: "expected an absolute path, such as /mnt/backups" })
  .refine((value) => !value.split("/").includes(".."), { error: "expected a path without '..'" })
  .refine((value) => !/^\/(home|root|run\/user|usr|boot|efi|etc)(\/|$)/.test(value), {
    error:
      "expected a path outside of /home, /root, /run/user, /usr, /boot, /efi and /etc, where PostgreSQL writes nothing",
  });

const directory = z.strictObject({
  kind: z.literal("directory").describe("A directory on the host, such as a disk that is mounted there."),
  path: path.describe(
    "The directory. It must exist and belong to root, and only root may write to it; other accounts must be able to enter it (mode 755). Backups on the host's own disk are lost with the host.",
  ),
});

const s3 = z
  .strictObject({
    kind: z.literal("s3").describe("A bucket of Amazon S3, or of another service that speaks its protocol."),
    bucket: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, { error: "expected the name of a bucket" })
      .describe("The bucket. It must exist; turn versioning on for it."),
    region: z.string().min(1).default("us-east-1").describe("Its region."),
    endpoint: z
      .string()
      .regex(/^[a-z0-9.-]+(:\d+)?$/, {
        error: "expected a host name, with a port where it is not 443, such as s3.example.com:9000",
      })
      .optional()
      .describe("Where the service answers, by HTTPS. Default: Amazon S3 in that region."),
    addressing: z
      .enum(["path", "host"])
      .optional()
      .describe(
        "Where the bucket's name stands in its address: `path` (ENDPOINT/BUCKET) or `host` (BUCKET.ENDPOINT), which Alibaba OSS and Tencent COS ask for. Default: `host` for Amazon S3, otherwise `path`.",
      ),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]*[A-Za-z0-9]$/, {
        error: "expected a path without a slash at either end, such as berth/shop",
      })
      .optional()
      .describe(
        "What the names of all objects begin with. Default: the stack and the application, such as `prod-shop`.",
      ),
    accessKey: z.string().min(1).describe("The id of the key."),
    secretKey: z
      .string()
      .min(1)
      .describe("The key: `pulumi config set --secret --path 'backup.place.secretKey'`."),
    ca: z
      .string()
      .includes("-----BEGIN CERTIFICATE-----", { error: "expected a certificate in PEM" })
      .optional()
      .describe(
        "The certificate of the authority that the endpoint's certificate is checked with, in PEM. Default: those that Debian trusts.",
      ),
  })
  .refine(({ addressing, endpoint = "" }) => addressing !== "host" || !/^[\d.]+(:\d+)?$/.test(endpoint), {
    path: ["addressing"],
    error: "expected `path` with an endpoint that is an IP address: there are no names below it",
  });

const aws = z.strictObject({
  kind: z
    .literal("aws")
    .describe(
      "A bucket of Amazon S3 that the stack makes, with an access key for the host that can add to it and destroy nothing. It stays in AWS when you destroy the stack.",
    ),
  region: awsRegion
    .optional()
    .describe("The bucket's AWS region. Default: that of the EC2 host, otherwise that of `media`."),
  bucket: bucketName
    .optional()
    .describe("The bucket's name, which must be unique in the world. Default: a generated one."),
  keepDeleted: z
    .int()
    .min(1)
    .max(3650)
    .default(30)
    .describe(
      "For how many days the bucket keeps what was deleted or overwritten: so long you have to notice an intruder. You pay for it meanwhile.",
    ),
});

const sftp = z.strictObject({
  kind: z
    .literal("sftp")
    .describe(
      "An account on another server that speaks SFTP, such as a storage box. Berth makes the key; the first deployment fails and shows the line to enter there.",
    ),
  host: z
    .string()
    .regex(/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/, {
      error: "expected a host name or an IPv4 address, such as backups.example.com",
    })
    .describe("The server."),
  port: z.int().min(1).max(65535).default(22).describe("Its port of SSH."),
  user: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/, { error: "expected the name of an account" })
    .describe("The account there."),
  path: z
    .string()
    .regex(/^(\/[A-Za-z0-9._-]+)+\/?$/, { error: "expected an absolute path, such as /backups/shop" })
    .refine((value) => !value.split("/").includes(".."), { error: "expected a path without '..'" })
    .describe(
      "The directory there, for this stack alone, as `pwd` in `sftp` shows paths. It is made where it is missing.",
    ),
  hostKeys: z
    .array(
      z.string().regex(/^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|ssh-rsa) [A-Za-z0-9+/]+={0,2}$/, {
        error: "expected a host key as 'ssh-keyscan' shows it behind the host's name: its type, and the key",
      }),
    )
    .min(1)
    .describe(
      "All host keys that the server shows: `ssh-keyscan -p PORT HOST`, each line without the host's name. Compare them with what its operator says.",
    ),
  privateKey: z
    .string()
    .includes("-----BEGIN OPENSSH PRIVATE KEY-----", {
      error: "expected a private key as 'ssh-keygen -t ed25519' writes it, without a passphrase",
    })
    .optional()
    .describe(
      "A private key of your own that the account lets in, as a secret. Default: one that is made and kept in the stack's state.",
    ),
});

const days = (about: string, least: number, otherwise: number) =>
  z.int().min(least).max(3650).default(otherwise).describe(about);

const time = (otherwise: string, about: string) =>
  z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/, { error: `expected a time in quotes, such as "${otherwise}"` })
    .default(otherwise)
    .describe(about);

export const backupSchema = z.strictObject({
  place: z.discriminatedUnion("kind", [directory, s3, sftp, aws]).describe("Where backups are kept."),
  passphrase: z
    .string()
    .min(20)
    .regex(/^[!-~]+$/, { error: "expected printable ASCII characters without spaces" })
    .optional()
    .describe(
      "What backups are encrypted with. Default: one that is made and kept in the stack's state; `npm run backups -- --show-passphrase` shows it. Without it nobody can read the backups.",
    ),
  keep: z
    .strictObject({
      points: days("For how many days every point in time of the database can be restored.", 1, 7),
      daily: days("For how many days the backup of each day is kept.", 1, 30),
      monthly: z.int().min(0).max(120).default(12).describe("For how many months one backup is kept."),
    })
    .prefault({})
    .describe("How long backups are kept."),
  time: time("04:00", "When the daily backup begins, in UTC."),
  uploads: z
    .enum(["hourly", "daily"])
    .default("hourly")
    .describe("How often uploaded files are copied. Only new and changed ones travel."),
  drill: z
    .strictObject({
      every: z
        .enum(["week", "never"])
        .default("week")
        .describe("How often. With `never`, `npm run backups -- --drill` still runs one."),
      day: z
        .enum(["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"])
        .default("sunday")
        .describe("On which day of the week."),
      time: time("05:00", "When it begins, in UTC."),
    })
    .prefault({})
    .describe(
      "A drill restores the newest backup into a scratch database on the host, checks it, measures it and throws it away.",
    ),
  walLimit: z
    .int()
    .min(64)
    .max(1_048_576)
    .default(1024)
    .describe(
      "How much of the database's log (WAL) may wait on the host's disk while the place cannot be reached, in MiB. Beyond it the log is given up, so that the disk does not fill: the points in time until the next backup are then lost.",
    ),
});

export type BackupConfig = z.output<typeof backupSchema>;
