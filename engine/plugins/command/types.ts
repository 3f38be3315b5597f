// What running a command takes and gives.
import type { Context } from "../provider.ts";

/** The inputs of a command, plain: what is run, and all that shapes the run. */
export interface CommandInputs {
  readonly create?: string;
  readonly update?: string;
  readonly delete?: string;
  readonly stdin?: string;
  readonly logging?: "stdout" | "stderr" | "stdoutAndStderr" | "none";
  readonly environment?: Readonly<Record<string, string>>;
  /** @default true */
  readonly addPreviousOutputInEnv?: boolean;
  readonly connection?: Connection;
  readonly interpreter?: readonly string[];
  readonly dir?: string;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  readonly privateKey?: string;
  readonly privateKeyPassword?: string;
  readonly agentSocketPath?: string;
  /** Failed attempts to dial before giving up; -1: never. */
  readonly dialErrorLimit: number;
  /** Seconds; 0: no limit. */
  readonly perDialTimeout: number;
  /** The server's public key in OpenSSH's format; without it any key is accepted. */
  readonly hostKey?: string;
}
export interface Connection extends Endpoint {
  readonly proxy?: Endpoint;
}

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

export type Run = (
  command: string,
  inputs: CommandInputs,
  previous: Output,
  context: Context,
) => Promise<Output>;
