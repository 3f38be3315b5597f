// What the providers' tests share. Each test runs under Berth's providers in Node and, where BERTH_REAL_PLUGINS names
// a folder with the vendor's, under those too: what a test expects is thereby what users of Pulumi get.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Engine, type Origin, type Result, withEngine, withoutRealPlugins } from "./harness.ts";

/** Runs a test under both kinds of providers. */
export function underBoth(promise: string, body: (trial: Trial, origin: Origin) => Promise<void>): void {
  for (const origin of ["node", "real"] as const) {
    const skip = origin === "real" ? withoutRealPlugins : false;
    test(`${promise} (${origin} providers)`, { skip, timeout: 300_000 }, async (t) => {
      await body(await Trial.start(await withEngine(t, { plugins: origin, languageHost: "node" })), origin);
    });
  }
}

/** For what only Berth's own providers promise. */
export function underNode(promise: string, body: (trial: Trial) => Promise<void>): void {
  test(promise, { timeout: 300_000 }, async (t) => {
    await body(await Trial.start(await withEngine(t, { plugins: "node" })));
  });
}

export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly inputs: Record<string, unknown>;
  readonly outputs: Record<string, unknown>;
}

/** What 'pulumi stack init' has made for the first of a file's tests; the others begin with a copy. */
let begun: { readonly state: string; readonly stack: string } | undefined;

/** One stack of a project whose program the test exchanges. */
export class Trial {
  readonly engine: Engine;
  private cwd = "";

  private constructor(engine: Engine) {
    this.engine = engine;
  }

  static async start(engine: Engine): Promise<Trial> {
    const trial = new Trial(engine);
    trial.cwd = engine.project({ "index.ts": "" });
    const state = fileURLToPath(`${engine.env.PULUMI_BACKEND_URL}`);
    const file = join(trial.cwd, "Pulumi.t.yaml");
    if (begun) {
      cpSync(begun.state, state, { recursive: true });
      writeFileSync(file, begun.stack);
    } else {
      await engine.succeed(["stack", "init", "t"], { cwd: trial.cwd });
      const copy = mkdtempSync(join(tmpdir(), "berth-begun-"));
      process.once("exit", () => rmSync(copy, { recursive: true, force: true }));
      cpSync(state, copy, { recursive: true });
      begun = { state: copy, stack: readFileSync(file, "utf8") };
    }
    engine.env.PULUMI_STACK = "t";
    return trial;
  }

  /** The folder of the project. */
  get folder(): string {
    return this.cwd;
  }

  async write(program: string): Promise<void> {
    writeFileSync(`${this.cwd}/index.ts`, `${IMPORTS}\n${program}\n`);
  }

  /** `pulumi up` of a program (or of the last one); a failure throws with all that was said. */
  async up(program?: string, ...options: string[]): Promise<Result> {
    if (program !== undefined) await this.write(program);
    return this.engine.succeed(["up", "--yes", "--skip-preview", ...options], { cwd: this.cwd });
  }

  /** `pulumi up` of a program that has to fail: all that was said. */
  async fails(program: string): Promise<string> {
    await this.write(program);
    const result = await this.engine.pulumi(["up", "--yes", "--skip-preview"], { cwd: this.cwd });
    if (result.code === 0) throw new Error(`pulumi up did not fail:\n${result.stdout}`);
    return result.stdout + result.stderr;
  }

  /** Fails unless `pulumi up` changes nothing. */
  unchanged(): Promise<Result> {
    return this.up(undefined, "--expect-no-changes");
  }

  preview(...options: string[]): Promise<Result> {
    return this.engine.succeed(["preview", ...options], { cwd: this.cwd });
  }

  destroy(): Promise<Result> {
    return this.engine.succeed(["destroy", "--yes", "--skip-preview"], { cwd: this.cwd });
  }

  /** The stack's outputs in plain. */
  async outputs(): Promise<Record<string, unknown>> {
    const { stdout } = await this.engine.succeed(["stack", "output", "--json", "--show-secrets"], {
      cwd: this.cwd,
    });
    return JSON.parse(stdout);
  }

  /** The state as it lies in the backend: secrets are encrypted. */
  async exported(): Promise<string> {
    return (await this.engine.succeed(["stack", "export"], { cwd: this.cwd })).stdout;
  }

  /** A resource in the state, by its name; with secrets in plain under `{ plaintext }` when asked for. */
  async resource(name: string, secrets = false): Promise<StateResource> {
    const args = ["stack", "export", ...(secrets ? ["--show-secrets"] : [])];
    const { stdout } = await this.engine.succeed(args, { cwd: this.cwd });
    const { resources } = JSON.parse(stdout).deployment as { resources: StateResource[] };
    const found = resources.find(({ urn }) => urn.endsWith(`::${name}`));
    if (!found)
      throw new Error(`no resource ${name} in the state; there are ${resources.map(({ urn }) => urn)}`);
    return found;
  }
}

/** Whether a value in the state is a secret. */
export function isSecret(value: unknown): boolean {
  return typeof value === "object" && value !== null && "ciphertext" in value;
}

const IMPORTS = `import * as pulumi from "@pulumi/pulumi";
import * as command from "@pulumi/command";
import * as random from "@pulumi/random";
import * as tls from "@pulumi/tls";`;
