// What a provider of the engine is: what it is asked, and what it answers.
import type { Properties } from "./values.ts";

/** How a resource's changes are carried out: paths that changed, and whether that means a new resource. */
export interface Difference {
  /** Path of each change, in Pulumi's notation, and its kind; `replace` kinds make the engine replace. */
  readonly changes: ReadonlyMap<string, DifferenceKind>;
  /** Only names of properties, no paths: the engine compares the values itself. @default false */
  readonly plain?: boolean;
}
export type DifferenceKind = "add" | "addReplace" | "delete" | "deleteReplace" | "update" | "updateReplace";

export interface Failure {
  readonly property: string;
  readonly reason: string;
}

export type Severity = "debug" | "info" | "warning" | "error";

/** What an operation knows of its surroundings. */
export interface Context {
  readonly urn: string;
  readonly name: string;
  /** Aborted when the user cancels, when the resource's own timeout is over, and when the engine is gone. */
  readonly signal: AbortSignal;
  /** Sends a line to the engine; a `status` line is progress, shown while it lasts and not kept. */
  log(severity: Severity, message: string, options?: { status: boolean }): void;
}

export interface Resource {
  check(
    news: Properties,
    olds: Properties,
    context: Context,
  ): Promise<{ inputs: Properties; failures: Failure[] }>;
  diff(request: {
    id: string;
    state: Properties;
    news: Properties;
    oldInputs: Properties;
  }): Promise<Difference>;
  create(
    request: { inputs: Properties; preview: boolean },
    context: Context,
  ): Promise<{ id: string; state: Properties }>;
  update?(
    request: { id: string; state: Properties; inputs: Properties; preview: boolean },
    context: Context,
  ): Promise<Properties>;
  delete?(request: { id: string; state: Properties }, context: Context): Promise<void>;
  /**
   * Refresh and import. An empty `id` says that the resource is gone.
   * @default the state as it is; a resource without state (an import) is refused
   */
  read?(request: { id: string; state: Properties; inputs: Properties }): Promise<{
    id: string;
    state: Properties;
    inputs: Properties;
  }>;
}

/** An invoke: its arguments and the provider's configuration in, its result out. */
export type ProviderFunction = (args: Properties, config: Properties) => Promise<Properties>;

export interface Provider {
  readonly name: string;
  readonly version: string;
  /** Type token → the module that implements it, loaded when it is first used. */
  readonly resources: Readonly<Record<string, () => Promise<Resource>>>;
  /** Function token → what an invoke of it gives. Values come without secret marks. @default none */
  readonly functions?: Readonly<Record<string, ProviderFunction>>;
  /**
   * Takes what the program configures this provider with (strings, and nested values as JSON text, as the SDK sends
   * them), without secret marks. Comes before any other call; an error ends the deployment with its message.
   * @default every configuration is taken, and ignored
   */
  configure?(config: Properties): Promise<void>;
  /** Why it does nothing at all: a deployment that uses it ends with this message. @default none */
  readonly refusal?: string;
  /** Properties that this provider keeps in its own state, beside what the user configures. */
  readonly ownState?: Properties;
  /**
   * Inputs come without secret marks; the engine puts them on the outputs of the same name, as it does with the
   * real provider of this kind. @default false
   */
  readonly plainInputs?: boolean;
}

/** The message for everything that the real provider has and this one has not. */
export function notAvailable(what: string): string {
  return `${what}: not available from the registry build; install Pulumi from its site`;
}
