import { getEips } from "@pulumi/aws/ec2/getEips.js";
import { getRecords } from "@pulumi/aws/route53/getRecords.js";
import type * as pulumi from "@pulumi/pulumi";
import { firstHost } from "../../host/host.ts";
import { hostTags } from "../naming.ts";

/** What Berth makes is an A record. A CNAME leaves no room for it, and an AAAA leads IPv6 elsewhere. */
const inTheWay = ["A", "AAAA", "CNAME"];

/**
 * Records that lead a new stack's names to another place, which Route 53 would refuse to make once more, after all else
 * was made. Of a stack that has its address already, A and AAAA records may be its own, changed by hand for a while; a CNAME
 * never is.
 *
 * @param zone the zone's name and id
 * @param names the site's names in it
 * @param takeOver whether an A record is to be overwritten
 */
export async function recordFaults(
  zone: { readonly name: string; readonly id: string },
  names: readonly string[],
  takeOver: boolean,
  ask: pulumi.InvokeOptions,
): Promise<string[]> {
  const isNew = (await getEips({ tags: hostTags(firstHost) }, ask)).publicIps.length === 0;
  // Route 53 writes a '*' as \052.
  const pattern = (name: string) => name.replaceAll(".", "\\.").replace("*", "(\\*|\\\\052)");
  const nameRegex = `^(${names.map(pattern).join("|")})\\.?$`;
  const { resourceRecordSets } = await getRecords({ zoneId: zone.id, nameRegex }, ask);
  return resourceRecordSets
    .filter(({ type }) => (isNew ? inTheWay.includes(type) && !(takeOver && type === "A") : type === "CNAME"))
    .map(({ name, type, resourceRecords, aliasTarget }) => {
      const values = (resourceRecords ?? []).map(({ value }) => value).join(", ");
      const found =
        `${name.replace(/\.$/, "").replace("\\052", "*")} ${type} ${values || (aliasTarget?.dnsName ?? "")}`.trim();
      const next =
        type === "A"
          ? "To move the name to this stack: site.takeOver: true. To try the stack first: leave site.zone out; the output 'dns' says what to make later. docs/aws.md has both."
          : "Delete that record in Route 53 when the name is to move.";
      return `site.zone: expected no record in ${zone.name} that leads to another place; found ${found}. ${next}`;
    });
}
