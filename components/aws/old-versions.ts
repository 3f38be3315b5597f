/** How long an upload in parts may stay unfinished before its parts are thrown away, in days. */
const unfinishedUploadDays = 7;

/**
 * The rules of a bucket that keeps versions: what is no longer current goes after some days, and so does what an upload that
 * never ended has left.
 *
 * @param id of the first rule
 */
export const oldVersionRules = (id: string, days: number) => [
  {
    id,
    status: "Enabled",
    filter: { prefix: "" },
    noncurrentVersionExpiration: { noncurrentDays: days },
    // The mark of a deleted object, once no version of it is left.
    expiration: { expiredObjectDeleteMarker: true },
  },
  {
    id: "unfinished-uploads",
    status: "Enabled",
    filter: { prefix: "" },
    abortIncompleteMultipartUpload: { daysAfterInitiation: unfinishedUploadDays },
  },
];
