import type { Rule } from "../rule.ts";
import { list } from "../values.ts";

const holdsData = new Set([
  "aws:ebs/volume:Volume",
  "aws:s3/bucket:Bucket",
  "aws:s3/bucketV2:BucketV2",
  "aws:rds/instance:Instance",
  "aws:rds/cluster:Cluster",
  "aws:dynamodb/table:Table",
  "aws:efs/fileSystem:FileSystem",
]);

/**
 * A policy pack is told of what a stack is to hold, and not of what goes: the engine calls it for no deletion, and for
 * a replacement with the new inputs only. What does stop both is the engine's own protection, in a preview already.
 * So this rule sees to it that the protection is there, unless a dated permission takes it away.
 */
export const dataProtected: Rule = {
  name: "data-protected",
  description:
    "In production, data volumes, buckets and databases are protected from deletion and replacement.",
  comply:
    "give the resource the option protect: true; to delete or replace it on purpose, berth:allow: [{ change: delete or replace, resource: its name, until: YYYY-MM-DD, why: … }]",
  check({ type, name, props, protect }, stack) {
    if (!stack.production) return [];
    const allowed = stack.permissions.some(({ resource }) => resource === name);
    if (type === "aws:ec2/instance:Instance") {
      return list(props.ebsBlockDevices).length > 0 && !protect && !allowed
        ? ["ebsBlockDevices holds volumes that go with the instance, and it is not protected"]
        : [];
    }
    if (!holdsData.has(type) || allowed) return [];
    return [
      ...(protect ? [] : ["it is not protected"]),
      ...(props.forceDestroy === true ? ["forceDestroy would empty it when it is deleted"] : []),
    ];
  },
};
