import { getZoneOutput } from "@pulumi/aws/route53/getZone.js";
import { Record as ZoneRecord } from "@pulumi/aws/route53/record.js";
import * as pulumi from "@pulumi/pulumi";

export interface DnsArgs {
  /** Name of a public Route 53 zone of the account; undefined where names are looked after elsewhere. */
  readonly zone: string | undefined;
  /** Whether records that are there are overwritten. @default false: Route 53 refuses to make them once more */
  readonly takeOver?: boolean;
  /** Names that lead to the address. */
  readonly names: readonly string[];
  /** An IPv4 address. */
  readonly address: pulumi.Input<string>;
}

/** How long others may remember a record, in seconds: as long as one waits when an address changes after all. */
const ttl = 300;

/** Records for the site's names: made where the stack has their zone, told of where it has not. */
export class Dns extends pulumi.ComponentResource {
  /** Records to make by hand, such as `shop.example.org A 203.0.113.7`; none when all were made. */
  readonly toDo: pulumi.Output<string[]>;

  constructor(name: string, args: DnsArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:aws:Dns", name, {}, options);
    const { zone, names, address } = args;
    const own = zone === undefined ? [] : names.filter((fqdn) => isIn(fqdn, zone));
    if (zone !== undefined && own.length > 0) {
      const { zoneId } = getZoneOutput({ name: zone, privateZone: false }, { parent: this });
      for (const fqdn of own) {
        new ZoneRecord(
          `${name}-${fqdn}`,
          {
            zoneId,
            name: fqdn,
            type: "A",
            ttl,
            records: [address],
            ...(args.takeOver ? { allowOverwrite: true } : {}),
          },
          { parent: this },
        );
      }
    }
    const others = names.filter((fqdn) => !own.includes(fqdn));
    this.toDo = pulumi.output(address).apply((ip) => others.map((fqdn) => `${fqdn} A ${ip}`));
    this.registerOutputs();
  }
}

/** Whether a zone holds the records of a name. */
export function isIn(fqdn: string, zone: string): boolean {
  const end = zone.replace(/\.$/, "").toLowerCase();
  return fqdn === end || fqdn.endsWith(`.${end}`);
}
