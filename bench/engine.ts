import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { readEngine } from "../engine/acquire.ts";
import { berthEnvironment } from "../engine/checkout.ts";
import { type Spent, site } from "./contender.ts";
import { measure } from "./measure.ts";

/** A Pulumi program in a folder of its own, with the checkout's packages, run by the engine the checkout uses. */
export interface Project {
  /** `pulumi up --skip-preview`; fails when it did not do what was expected. */
  up(stack: string, expected?: "no-changes"): Promise<Spent>;
  /** The same while a load is measured: looking at the memory would take time from it. */
  upUnderLoad(stack: string): Promise<Spent>;
  /** An `up` without changes whose memory is looked at closely; its time means nothing. */
  watch(stack: string): Promise<Spent>;
  init(stack: string, config: Readonly<Record<string, unknown>>): Promise<void>;
  configure(stack: string, config: Readonly<Record<string, unknown>>): void;
  destroy(stack: string): Promise<void>;
  /** Where the state of a stack lies. */
  stateFile(stack: string): string;
}

function project(root: string, folder: string): Project {
  const engine = readEngine(root);
  const state = join(folder, ".state");
  mkdirSync(state, { recursive: true });
  // The checkout's own, but for the backend: a bench leaves nothing in a user's state.
  const env = {
    ...berthEnvironment(root, engine),
    PULUMI_BACKEND_URL: `file://${state}`,
  };
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const file = (stack: string) => join(folder, `Pulumi.${stack}.yaml`);
  const call = (args: readonly string[], interval?: number) =>
    measure({
      command: engine.cli,
      args: [...args, "--non-interactive", "--color=never"],
      cwd: folder,
      env,
      ...(interval === undefined ? {} : { interval }),
    });
  const up = ["up", "--yes", "--skip-preview"];
  return {
    up: (stack, expected) =>
      call([...up, ...(expected === undefined ? [] : ["--expect-no-changes"]), "--stack", stack]),
    upUnderLoad: (stack) => call([...up, "--stack", stack], 3_600_000),
    watch: (stack) => call([...up, "--expect-no-changes", "--stack", stack], 10),
    async init(stack, config) {
      await call(["stack", "init", stack]);
      this.configure(stack, config);
    },
    configure(stack, config) {
      // The salt of the stack's secrets stays.
      const before = existsSync(file(stack)) ? parse(readFileSync(file(stack), "utf8")) : {};
      writeFileSync(file(stack), stringify({ ...before, config }));
    },
    async destroy(stack) {
      await call(["destroy", "--yes", "--skip-preview", "--stack", stack]);
    },
    stateFile: (stack) => join(state, ".pulumi/stacks/berth", `${stack}.json`),
  };
}

/** Berth's own program, in a copy, so that its stacks are none of the checkout's. */
export function berthProject(root: string, folder: string): Project {
  mkdirSync(folder, { recursive: true });
  const sources = readdirSync(root).filter((name) => name.endsWith(".ts"));
  for (const part of [
    ...sources,
    "components",
    "config",
    "cloud-init",
    "Pulumi.yaml",
    "package.json",
    site.app,
  ])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  return project(root, folder);
}

/** The least that a Pulumi program can be. */
export function emptyProject(root: string, folder: string): Project {
  mkdirSync(folder, { recursive: true });
  cpSync(join(root, "package.json"), join(folder, "package.json"));
  // As Pulumi makes it, in plain JavaScript: nothing of what Berth's own Pulumi.yaml does for speed.
  const runtime = { name: "nodejs", options: { packagemanager: "npm", typescript: false } };
  writeFileSync(join(folder, "Pulumi.yaml"), stringify({ name: "empty", runtime, main: "index.js" }));
  writeFileSync(join(folder, "index.js"), "export {};\n");
  return project(root, folder);
}
