// What the release program is told.
import * as pulumi from "@pulumi/pulumi";
import { type Process, processFacts, processKinds } from "../processes/processes.ts";

/** A line each, so that a preview shows which one changes. */
export const factsText = (facts: pulumi.Input<object>): pulumi.Output<string> =>
  pulumi.output(facts).apply((known) => JSON.stringify(known, null, 2));

/** What it must know of the processes to prepare a release and to take it live. */
export const factsOf = (processes: readonly Process[]) => ({
  processes: processFacts(processes),
  kinds: processKinds,
});
