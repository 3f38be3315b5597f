// Whether the site's names can have their records.
import { getZone } from "@pulumi/aws/route53/getZone.js";
import { isIn } from "../dns.ts";
import { type Ask, asked, unclear } from "./answers.ts";
import { recordFaults } from "./records.ts";
import type { CloudWishes } from "./wishes.ts";

export async function zoneFaults(
  { host, zone, names = [], takeOver = false }: CloudWishes,
  ask: Ask,
): Promise<string[]> {
  if (zone === undefined) return [];
  const key = "site.zone";
  const answer = await asked(getZone({ name: zone, privateZone: false }, ask), /no matching/);
  if (answer.error !== undefined) return [unclear(key, answer.error)];
  if (answer.value === undefined) {
    return [
      `${key}: expected a public Route 53 zone of this account; found no "${zone}". ` +
        "All of them: aws route53 list-hosted-zones. Without the key the output 'dns' says which records to make.",
    ];
  }
  const inside = names.filter((name) => isIn(name, zone));
  if (host !== undefined && inside.length > 0) {
    const id = answer.value.zoneId;
    const records = await asked(recordFaults({ name: zone, id }, inside, takeOver, ask));
    return records.value ?? [unclear(key, records.error)];
  }
  return names.length === 0 || inside.length > 0
    ? []
    : [`${key}: expected the zone of one of the site's names (${names.join(", ")}); found "${zone}".`];
}
