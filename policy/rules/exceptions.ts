import type { StackValidationPolicy } from "@pulumi/policy";
import type { Rule } from "../rule.ts";
import type { Stack } from "../stack.ts";

/** An exception that is over, or that nobody can understand, is taken out again. */
export const exceptions: Rule = {
  name: "exceptions",
  description: "Every entry of berth:allow and berth:waive says what, until when and why, and is not over.",
  comply: "correct the entry or take it out; until then it has no effect",
  waivable: false,
  check: ({ type }, stack) => (type === "pulumi:pulumi:Stack" ? [...stack.faults] : []),
};

/** Shows, wherever the pack runs, what it looks away from. */
export function waiversInForce(stack: () => Stack): StackValidationPolicy {
  return {
    name: "waivers-in-force",
    description: "Rules that this stack's configuration waives for a time.",
    enforcementLevel: "advisory",
    validateStack(_args, report) {
      for (const { rule, resource, until, why } of stack().waivers) {
        report(`'${rule}' is waived for ${resource} until ${until}: ${why}`);
      }
    },
  };
}
