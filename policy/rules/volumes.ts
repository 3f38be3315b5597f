import { type Resource, type Rule, shown } from "../rule.ts";
import { group, list, unknown, type Value } from "../values.ts";

/** Disks are encrypted, and say so: what an account does by default may change. */
export const volumeEncrypted: Rule = {
  name: "volume-encrypted",
  description: "Every volume is encrypted.",
  comply: "set encrypted: true on the volume, and on each block device of an instance, its root one included",
  check: (resource) =>
    disks(resource).flatMap(({ where, encrypted }) =>
      [true, "true", unknown].includes(encrypted as string) ? [] : [`${where} is ${shown(encrypted)}`],
    ),
};

function disks({ type, props }: Resource): { where: string; encrypted: Value }[] {
  switch (type) {
    case "aws:ebs/volume:Volume":
      return [{ where: "encrypted", encrypted: props.encrypted }];
    case "aws:ec2/instance:Instance":
      return [
        {
          where: "rootBlockDevice.encrypted",
          encrypted: props.rootBlockDevice === unknown ? unknown : group(props.rootBlockDevice).encrypted,
        },
        ...list(props.ebsBlockDevices).map((device, index) => ({
          where: `ebsBlockDevices[${index}].encrypted`,
          encrypted: device === unknown ? unknown : group(device).encrypted,
        })),
      ];
    case "aws:ec2/launchTemplate:LaunchTemplate":
      // A device without `ebs` is one that is left out, or an instance store, which AWS encrypts.
      return list(props.blockDeviceMappings).flatMap((device, index) =>
        group(device).ebs === undefined
          ? []
          : [
              {
                where: `blockDeviceMappings[${index}].ebs.encrypted`,
                encrypted: group(group(device).ebs).encrypted,
              },
            ],
      );
    default:
      return [];
  }
}
