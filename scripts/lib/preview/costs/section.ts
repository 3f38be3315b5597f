// What a deployment would cost more or less in the cloud, by AWS's list of prices.
import type { Change, Preview, State } from "../events.ts";
import type { Section } from "../section.ts";
import { joined, type Phrase, say } from "../words.ts";
import { list, type Price, priceOf } from "./prices.ts";

interface Cost {
  readonly change: Change;
  readonly before: Price;
  readonly after: Price;
}

const nothing: Price = { kind: "monthly", dollars: 0 };
const dollarsOf = (price: Price) => (price.kind === "monthly" ? price.dollars : 0);
const isKnown = ({ before, after }: Cost) => before.kind === "monthly" && after.kind === "monthly";

/** The resources of AWS whose price differs, and those whose price is not known. */
function costsOf(changes: readonly Change[]): Cost[] {
  return changes
    .filter(({ type }) => type.startsWith("aws:"))
    .map((change): Cost => {
      const { operation, old, new: next } = change;
      const price = (state: State | undefined) => (state === undefined ? nothing : priceOf(state));
      // What is imported is paid for already, and what is retained still is.
      const isKept = old?.retainOnDelete === true && (operation === "delete" || operation === "replace");
      const after = operation === "delete" ? nothing : price(next);
      if (operation === "import") return { change, before: after, after };
      return { change, before: isKept || operation === "create" ? nothing : price(old), after };
    })
    .filter((cost) => {
      if (isKnown(cost)) return Math.abs(dollarsOf(cost.after) - dollarsOf(cost.before)) >= 0.005;
      // What stays as dear as it is, whatever that is, is no difference.
      return (
        JSON.stringify(cost.before) !== JSON.stringify(cost.after) || cost.change.operation === "replace"
      );
    })
    .sort((a, b) => dollarsOf(b.after) - dollarsOf(b.before) - (dollarsOf(a.after) - dollarsOf(a.before)));
}

const number = (dollars: number) => dollars.toFixed(2);
const signed = (dollars: number) => `${dollars < 0 ? "−" : "+"}${number(Math.abs(dollars))}`;

const sumOf = (costs: readonly Cost[]) =>
  costs.filter(isKnown).reduce((sum, { before, after }) => sum + dollarsOf(after) - dollarsOf(before), 0);

/** For the headline. */
export function costPhrases(changes: readonly Change[]): Phrase[] {
  const sum = sumOf(costsOf(changes));
  return Math.abs(sum) < 0.005 ? [] : [[`${signed(sum)} dollars a month by AWS's list`]];
}

export function costsSection(changes: readonly Change[], { resources }: Preview): Section | undefined {
  const costs = costsOf(changes);
  if (costs.length === 0) return undefined;
  const told = costs.filter(isKnown);
  const byUse = costs.filter(({ before, after }) => [before, after].some(({ kind }) => kind === "by use"));
  const unknown = costs.filter(({ before, after }) => [before, after].some(({ kind }) => kind === "unknown"));
  const region = regionOf(resources);
  const where: Phrase =
    region === list.region
      ? [""]
      : region === undefined
        ? [" Other regions differ"]
        : [...say` The stack is in ${region}, where prices differ`];
  return {
    heading: "What it costs",
    lines: [
      [
        `${signed(sumOf(costs))} dollars a month, by AWS's list of ${list.when} for ${list.region}, without tax and discounts.`,
        ...where,
        ...(where[0] === "" ? [] : ["."]),
      ],
      ...(byUse.length === 0 ? [] : [["Paid by use, and not in the sum: ", ...named(byUse)]]),
      ...unknown.map(({ change, before, after }): Phrase => {
        const price = [after, before].find(({ kind }) => kind === "unknown") as Price & { kind: "unknown" };
        return [...say`Not in the sum: ${change.name}. Berth's table does not have `, ...say`${price.what}`];
      }),
    ],
    parts: [],
    ...(told.length === 0
      ? {}
      : {
          table: {
            head: ["resource", "now", "then", "difference"],
            rows: told.map(({ change, before, after }) => [
              say`${change.name}`,
              [number(dollarsOf(before))],
              [number(dollarsOf(after))],
              [signed(dollarsOf(after) - dollarsOf(before))],
            ]),
          },
        }),
  };
}

const named = (costs: readonly Cost[]): Phrase =>
  joined(
    costs.map(({ change }) => say`${change.name}`),
    ", ",
  );

/** Where the stack is: what its provider says, or a zone in it. */
function regionOf(resources: readonly State[]): string | undefined {
  const said = resources.map(({ type, inputs }) => [type, inputs?.region, inputs?.availabilityZone] as const);
  const [, region] =
    said.find(([type, region]) => type === "pulumi:providers:aws" && typeof region === "string") ?? [];
  const [, , zone] =
    said.find(([, , zone]) => typeof zone === "string" && /^[a-z]+(-[a-z]+)+-\d[a-z]$/.test(zone)) ?? [];
  return (region as string | undefined) ?? (zone as string | undefined)?.slice(0, -1);
}
