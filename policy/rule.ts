import type { Policies } from "@pulumi/policy";
import type { Stack } from "./stack.ts";
import { plain, type Value, type Values } from "./values.ts";

/** A resource as rules see it: before it is made or changed, with the inputs that it will have. */
export interface Resource {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly props: Values;
  /** Whether the engine refuses to delete and to replace it. */
  readonly protect: boolean;
  /** What its provider is configured with. */
  readonly provider: Values;
}

/** A resource in the whole of its stack: at the end of a preview or an update, with its outputs. */
export interface StackResource extends Resource {
  /** For each property the URNs of the resources from whose outputs it is made. */
  readonly madeFrom: Readonly<Record<string, readonly string[]>>;
}

/** What a rule has found: one sentence that names the property and what it holds, but no secret. */
export interface Finding {
  readonly resource: Resource;
  readonly fault: string;
}

export interface Rule {
  /** The name by which the rule is waived. */
  readonly name: string;
  /** What is forbidden, in a line. */
  readonly description: string;
  /** What to write instead. */
  readonly comply: string;
  /** Whether `berth:waive` may name it. @default true */
  readonly waivable?: boolean;
  /** Faults of one resource: judged before the resource is made or changed. */
  readonly check?: (resource: Resource, stack: Stack) => string[];
  /** Faults that only the whole stack shows: in an update they are judged when all has been made. */
  readonly checkStack?: (resources: readonly StackResource[], stack: Stack) => Finding[];
}

/** What to show for a finding, or undefined where the stack's configuration waives it. */
export function message(rule: Rule, { resource, fault }: Finding, stack: Stack): string | undefined {
  const waived = stack.waivers.some(
    (waiver) => waiver.rule === rule.name && [resource.name, resource.urn].includes(waiver.resource),
  );
  if (waived) return undefined;
  return [
    `${resource.name} (${resource.type}) breaks the rule '${rule.name}': ${fault}.`,
    `To comply: ${rule.comply}.`,
    ...(rule.waivable === false ? [] : [waiving(rule, resource, stack)]),
  ].join("\n");
}

const waiving = (rule: Rule, resource: Resource, stack: Stack) =>
  `To waive it for a time, in Pulumi.${stack.name}.yaml: berth:waive: [{ rule: ${rule.name}, resource: ${resource.name}, until: YYYY-MM-DD, why: … }].`;

/** The rules in the form that the policy SDK takes. */
export function policies(rules: readonly Rule[], stack: () => Stack): Policies {
  return rules.map((rule) => {
    const { name, description, check, checkStack } = rule;
    const head = { name, description, enforcementLevel: "mandatory" as const };
    if (check) {
      return {
        ...head,
        validateResource(args, report) {
          const resource = resourceOf(args);
          for (const fault of check(resource, stack())) {
            const text = message(rule, { resource, fault }, stack());
            if (text !== undefined) report(text);
          }
        },
      };
    }
    return {
      ...head,
      validateStack(args, report) {
        const resources = args.resources.map((one) => ({
          ...resourceOf(one),
          madeFrom: Object.fromEntries(
            Object.entries(one.propertyDependencies).map(([key, from]) => [key, from.map(({ urn }) => urn)]),
          ),
        }));
        for (const finding of checkStack?.(resources, stack()) ?? []) {
          const text = message(rule, finding, stack());
          if (text !== undefined) report(text, finding.resource.urn);
        }
      },
    };
  });
}

function resourceOf(given: {
  urn: string;
  type: string;
  name: string;
  props: Record<string, unknown>;
  opts: { protect: boolean };
  provider?: { props: Record<string, unknown> };
}): Resource {
  return {
    urn: given.urn,
    type: given.type,
    name: given.name,
    props: plain(given.props) as Values,
    protect: given.opts.protect,
    provider: (plain(given.provider?.props ?? {}) ?? {}) as Values,
  };
}

/** What a rule shows of a value: never more than a word. */
export function shown(value: Value): string {
  if (typeof value === "symbol") return "a value that is not known yet";
  return value === undefined ? "nothing" : JSON.stringify(value);
}
