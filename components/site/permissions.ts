import { z } from "zod";
import { lastDay } from "../aws/permission.ts";

const permission = {
  // Without quotes a day is a time to YAML.
  until: z
    .string()
    .transform((day) => lastDay(day) ?? day)
    .pipe(z.iso.date({ error: "expected a date such as 2026-12-31" }))
    .describe("The last day of the exception, in UTC, 30 days ahead at most."),
  why: z.string().min(1).describe("The reason, for those who read it later."),
};
export const allowSchema = z.strictObject({
  change: z.enum(["delete", "replace"]).describe("What may happen."),
  resource: z
    .string()
    .min(1)
    .describe(
      "Name of the resource, as previews show it. `data` allows a change of the names under which the stack keeps its data.",
    ),
  ...permission,
});
export const waiveSchema = z.strictObject({
  rule: z.string().min(1).describe("Name of the rule; see docs/policy.md."),
  resource: z.string().min(1).describe("Name of the resource, as previews show it."),
  ...permission,
});
