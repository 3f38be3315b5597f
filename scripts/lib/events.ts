/**
 * The engine's events, as `pulumi up --json` writes them, one a line:
 * https://www.pulumi.com/docs/iac/cli/commands/pulumi_up/ and `apitype.EngineEvent` in Pulumi's SDK.
 */
interface EngineEvent {
  readonly resourcePreEvent?: { readonly metadata: StepMetadata };
  readonly resOutputsEvent?: { readonly metadata: StepMetadata };
  readonly resOpFailedEvent?: { readonly metadata: StepMetadata };
  readonly diagnosticEvent?: { readonly urn?: string; readonly message: string; readonly severity: string };
  readonly summaryEvent?: {
    readonly durationSeconds: number;
    readonly resourceChanges: Readonly<Record<string, number>>;
  };
}

interface StepMetadata {
  readonly op: string;
  readonly urn: string;
}

/** What became of an `up` or a `destroy`. */
export interface Summary {
  /** How many resources each operation was carried out on; `same` for those left alone. */
  readonly changes: Readonly<Record<string, number>>;
}

const verbs: Readonly<Record<string, string>> = {
  create: "made",
  update: "changed",
  delete: "removed",
  replace: "replaced",
  "create-replacement": "replaced",
  "delete-replaced": "the old one removed",
};

/** Turns the engine's events into lines for a person: what is done, how long it took, what went wrong. */
export class EventReader {
  readonly #write: (line: string) => void;
  readonly #began = new Map<string, number>();
  readonly #said = new Map<string, Set<string>>();
  #summary: Summary | undefined;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  /** What the engine said at its end; undefined when it did not come to one. */
  get summary(): Summary | undefined {
    return this.#summary;
  }

  /** The names of the resources that are being worked on, with the seconds since they began. */
  get running(): readonly { readonly name: string; readonly seconds: number }[] {
    return [...this.#began]
      .filter(([urn]) => isOwn(urn))
      .map(([urn, since]) => ({ name: nameOf(urn), seconds: (performance.now() - since) / 1000 }));
  }

  /** Takes one line of the engine's output. */
  read(line: string): void {
    const event = eventIn<EngineEvent>(line);
    if (event === undefined) {
      if (line.trim() !== "") this.#write(line);
    } else if (event.resourcePreEvent) {
      const { op, urn } = event.resourcePreEvent.metadata;
      if (op in verbs) this.#began.set(urn, performance.now());
    } else if (event.resOutputsEvent) {
      this.#finished(event.resOutputsEvent.metadata);
    } else if (event.resOpFailedEvent) {
      this.#began.delete(event.resOpFailedEvent.metadata.urn);
    } else if (event.diagnosticEvent) {
      this.#diagnostic(event.diagnosticEvent);
    } else if (event.summaryEvent) {
      this.#summary = { changes: event.summaryEvent.resourceChanges };
    }
  }

  #finished({ op, urn }: StepMetadata): void {
    const since = this.#began.get(urn);
    this.#began.delete(urn);
    if (since === undefined || !isOwn(urn)) return;
    const seconds = (performance.now() - since) / 1000;
    this.#write(`  ${nameOf(urn).padEnd(24)} ${verbs[op] ?? op}, ${seconds.toFixed(1)} s`);
  }

  #diagnostic({ urn = "", message, severity }: { urn?: string; message: string; severity: string }): void {
    if (severity === "debug" || (severity === "info" && urn === "")) return;
    const said = this.#said.get(urn) ?? new Set();
    this.#said.set(urn, said);
    // A failed command is reported with all that it printed, most of which has been shown already.
    const lines = message
      .replace(/^(error: )?(exit status|Process exited with status) \d+: running ".*":\n?/s, "")
      .split("\n")
      .map((line) => line.trimEnd())
      .filter((line) => line !== "" && line !== "update failed" && !said.has(line));
    if (lines.length === 0) return;
    if (severity === "error") this.#write(urn === "" ? "  failed:" : `  ${nameOf(urn)} failed:`);
    for (const line of lines) {
      said.add(line);
      this.#write(`    ${line}`);
    }
  }
}

/** The event in a line of the engine's; undefined for anything else that it says. */
export function eventIn<Event>(line: string): Event | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as Event;
  } catch {
    return undefined;
  }
}

/** The last part of a resource's URN. */
export const nameOf = (urn: string): string => urn.slice(urn.lastIndexOf("::") + 2);

/** Components and the stack itself take no time of their own. */
const isOwn = (urn: string) =>
  !urn.split("::")[2]?.split("$").pop()?.startsWith("berth:") && !urn.includes("::pulumi:pulumi:Stack::");
