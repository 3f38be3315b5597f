// The policy pack: pulumi preview --policy-pack policy. docs/policy.md describes every rule.
import { PolicyPack } from "@pulumi/policy";
import { policies } from "./rule.ts";
import { waiversInForce } from "./rules/exceptions.ts";
import { rules } from "./rules/index.ts";
import { currentStack, type Stack } from "./stack.ts";

// Read when first asked: `pulumi policy` commands load a pack without a stack.
let known: Stack | undefined;
const stack = () => {
  known ??= currentStack(rules.filter(({ waivable }) => waivable !== false).map(({ name }) => name));
  return known;
};

new PolicyPack("berth", { policies: [...policies(rules, stack), waiversInForce(stack)] });
