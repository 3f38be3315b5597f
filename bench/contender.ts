import type { BareHost } from "./host.ts";

/** One way of taking the example application to production. All start from the same bare host. */
export interface Contender {
  readonly name: string;
  /** The version of the tool, for the record. */
  readonly version: string;
  /** Whatever is made once, before anything is measured. */
  prepare(): Promise<void>;
  /** Everything, from a bare host to a site that answers. */
  bootstrap(host: BareHost): Promise<Spent>;
  /** The same once more, with nothing to do. */
  again(host: BareHost): Promise<Spent>;
  /** One line of nginx's configuration is another one: `client_max_body_size`. */
  changeLine(host: BareHost): Promise<Spent>;
}

/** What a run has cost. */
export interface Spent {
  /** Seconds from the start of the command to its end. */
  readonly seconds: number;
  /** Processor seconds, user and system, of the command and its processes on this computer. */
  readonly cpu: number;
  /** The most resident memory of the command and its processes together, in MiB; shared pages count for each. */
  readonly peak: number;
}

/** What the site is for every contender. */
export const site = {
  domain: "logbook.test",
  maxBody: 20,
  otherMaxBody: 21,
  app: "examples/django",
} as const;
