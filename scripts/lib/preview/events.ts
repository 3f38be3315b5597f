// What a preview is, read from the engine's events: `pulumi preview --json`, one a line. See `apitype.EngineEvent` in
// Pulumi's SDK.
import { eventIn, nameOf } from "../events.ts";
import type { StateResource } from "../removal.ts";

/** A resource as the engine has it. Secrets are no values there, but marks: see {@link isSecret}. */
export type State = StateResource;

export type Operation = "create" | "update" | "replace" | "delete" | "import";

/** A resource that would change. */
export interface Change {
  readonly operation: Operation;
  readonly urn: string;
  readonly type: string;
  /** The last part of its URN. */
  readonly name: string;
  /** As it is; undefined for a new one. */
  readonly old: State | undefined;
  /** As it would be; undefined for one that goes. */
  readonly new: State | undefined;
  /** Paths of the properties that differ. */
  readonly properties: readonly string[];
}

/** What a policy pack has found. */
export interface Finding {
  readonly rule: string;
  /** Whether it stops the deployment. */
  readonly isMandatory: boolean;
  readonly message: string;
}

/** Something that the engine or a provider has said. */
export interface Remark {
  /** The resource that it is about. */
  readonly name: string | undefined;
  readonly message: string;
}

export interface Preview {
  readonly changes: readonly Change[];
  /** Every resource of the stack as it would be or, if it would go, is: those that stay the same among them. */
  readonly resources: readonly State[];
  readonly findings: readonly Finding[];
  readonly warnings: readonly Remark[];
  /** Why the preview failed; none when it did not. */
  readonly failures: readonly Remark[];
}

interface Metadata {
  readonly op: string;
  readonly urn: string;
  readonly type: string;
  readonly old?: State | null;
  readonly new?: State | null;
  readonly diffs?: readonly string[] | null;
  readonly detailedDiff?: Readonly<Record<string, unknown>> | null;
}

interface EngineEvent {
  readonly resourcePreEvent?: { readonly metadata: Metadata };
  readonly resOutputsEvent?: { readonly metadata: Metadata };
  readonly diagnosticEvent?: { readonly urn?: string; readonly message: string; readonly severity: string };
  readonly policyEvent?: {
    readonly message: string;
    readonly policyName: string;
    readonly enforcementLevel: string;
  };
  readonly summaryEvent?: { readonly result?: string };
}

const operations: Readonly<Record<string, Operation>> = {
  create: "create",
  update: "update",
  delete: "delete",
  replace: "replace",
  "create-replacement": "replace",
  "delete-replaced": "replace",
  import: "import",
  "import-replacement": "replace",
};

/** The engine's mark of a secret. */
const secretSignature = "4dabf18193072939515e22adb298388d";

/** The engine's word for what is not known before it is made. */
export const notYetKnown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export const isSecret = (value: unknown): boolean =>
  typeof value === "object" && value !== null && secretSignature in value;

/**
 * Reads a preview.
 *
 * @param output what the engine wrote to its standard output
 * @param errors what it wrote to its standard error
 * @param code its exit status
 */
export function readPreview(output: string, errors: string, code: number): Preview {
  const changes = new Map<string, Change>();
  const resources = new Map<string, State>();
  const findings: Finding[] = [];
  const warnings: Remark[] = [];
  const failures: Remark[] = [];
  const stray: string[] = [];
  let result: string | undefined;

  for (const line of output.split("\n")) {
    const event = eventIn<EngineEvent>(line);
    if (event === undefined) {
      if (line.trim() !== "") stray.push(line);
      continue;
    }
    const metadata = event.resourcePreEvent?.metadata ?? event.resOutputsEvent?.metadata;
    if (metadata !== undefined) {
      const state = metadata.new ?? metadata.old;
      if (state) resources.set(metadata.urn, state);
      const operation = operations[metadata.op];
      if (operation !== undefined)
        changes.set(metadata.urn, merged(changes.get(metadata.urn), metadata, operation));
    } else if (event.policyEvent !== undefined) {
      const { message, policyName, enforcementLevel } = event.policyEvent;
      findings.push({
        rule: policyName,
        isMandatory: enforcementLevel === "mandatory",
        message: message.trim(),
      });
    } else if (event.diagnosticEvent !== undefined) {
      const { urn = "", message, severity } = event.diagnosticEvent;
      const remark = { name: urn === "" ? undefined : nameOf(urn), message: message.trim() };
      if (severity === "error") failures.push(remark);
      if (severity === "warning") warnings.push(remark);
    } else if (event.summaryEvent !== undefined) result = event.summaryEvent.result ?? "succeeded";
  }
  const failed = code !== 0 || result !== "succeeded";
  if (failed && failures.length === 0) {
    const said = [errors, ...stray].join("\n").trim();
    failures.push({ name: undefined, message: said || `the engine ended with ${code} and gave no reason` });
  }
  return {
    changes: [...changes.values()],
    resources: [...resources.values()],
    findings,
    warnings,
    failures: failed ? failures : [],
  };
}

/** A replacement is told in several events, and the properties that differ in only some of them. */
function merged(before: Change | undefined, metadata: Metadata, operation: Operation): Change {
  const { urn, type, old, new: next, diffs, detailedDiff } = metadata;
  const detailed = Object.keys(detailedDiff ?? {});
  const properties = detailed.length > 0 ? detailed : (diffs ?? []);
  return {
    operation: before?.operation === "replace" ? "replace" : operation,
    urn,
    type,
    name: nameOf(urn),
    old: old ?? before?.old,
    new: next ?? before?.new,
    properties: [...new Set([...(before?.properties ?? []), ...properties])],
  };
}
