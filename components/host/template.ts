import { readFileSync } from "node:fs";
import { Liquid } from "liquidjs";

/** What a slot may be filled with. Lists and records are for Liquid's own `for` and `if`. */
export type SlotValue =
  | string
  | number
  | boolean
  | readonly SlotValue[]
  | { readonly [key: string]: SlotValue };
export type Slots = Readonly<Record<string, SlotValue>>;

const liquid = new Liquid({
  strictVariables: true,
  strictFilters: true,
  ownPropertyOnly: true,
  // The same text on every computer; and to find out a computer's own language takes long.
  locale: "en",
});

/**
 * Fills the named slots of a configuration file kept beside its component (`*.liquid`).
 *
 * @throws when the template has a slot that is not filled, or a value is given for which it has no slot: both are
 * mistakes of the component, and neither may reach a host.
 */
export function renderTemplate(path: string, slots: Slots): string {
  const parsed = liquid.parse(readFileSync(path, "utf8"), path);
  const known = new Set(liquid.globalVariablesSync(parsed));
  const unfilled = [...known].filter((name) => !Object.hasOwn(slots, name));
  if (unfilled.length > 0) {
    throw new Error(`${path}: its slot ${unfilled.join(", ")} is not filled`);
  }
  const unknown = Object.keys(slots).filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw new Error(`${path}: has no slot named ${unknown.join(", ")}; it has: ${[...known].join(", ")}`);
  }
  return liquid.renderSync(parsed, slots);
}
