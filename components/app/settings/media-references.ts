import type * as pulumi from "@pulumi/pulumi";
import type { References } from "./references.ts";

type Settings = Readonly<Record<string, pulumi.Input<string>>>;

/** What an application may refer to that has names of its own for its bucket, and the settings that have it anyway. */
const plain = {
  "media.bucket": "BUCKET_NAME",
  "media.region": "AWS_DEFAULT_REGION",
  "media.publicFolder": "PUBLIC_FILES_FOLDER",
  "media.publicUrl": "PUBLIC_FILES_URL",
} as const;
const secret = {
  "media.accessKeyId": "AWS_ACCESS_KEY_ID",
  "media.secretAccessKey": "AWS_SECRET_ACCESS_KEY",
} as const;

/** The names that there are: a host's role has no key, and not every bucket has public files. */
export const mediaNames = (bucket: {
  readonly byKey: boolean;
  readonly hasPublicFiles: boolean;
}): string[] => [
  ...Object.keys(plain).filter((name) => bucket.hasPublicFiles || !name.startsWith("media.public")),
  ...(bucket.byKey ? Object.keys(secret) : []),
];

/** What these stand for, given the settings of an application that has a bucket. */
export function mediaReferences(settings: {
  readonly env: Settings;
  readonly secrets: Settings;
}): References {
  const those = (names: Readonly<Record<string, string>>, from: Settings) =>
    Object.fromEntries(
      Object.entries(names).flatMap(([name, setting]) =>
        from[setting] === undefined ? [] : [[name, from[setting]]],
      ),
    );
  return { plain: those(plain, settings.env), secret: those(secret, settings.secrets) };
}
