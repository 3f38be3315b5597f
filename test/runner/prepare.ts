// What several test files need, made once before them: the engine's CLI, the image of hosts, moto, FerretDB.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { ferretProgram } from "../../components/mongodb/ferretdb.ts";
import { builtCli } from "../../engine/build.ts";
import type { Progress } from "../../engine/progress.ts";
import { motoPython } from "../cloud/moto.ts";

/** Promises of what is being made; each rejects with what to do when it can't be. */
export interface Preparations {
  /** The CLI is built. */
  readonly engine: Promise<unknown>;
  /** What BERTH_IMAGE is for hosts whose packages are installed. */
  readonly image: Promise<string>;
  /** The Python with moto is there. */
  readonly moto: Promise<unknown>;
  /** FerretDB is built. */
  readonly ferretdb: Promise<unknown>;
}

/** What a test file needs, by the folder that it is in. */
export type Need = keyof Preparations;

/** The files whose hosts have a MongoDB. */
const withMongoDb = ["test/e2e/hosts.test.ts", "test/e2e/mongodb.test.ts"];

export function needsOf(file: string): readonly Need[] {
  if (file.startsWith("test/unit/")) return [];
  if (file.startsWith("test/engine/")) return ["engine"];
  if (file.startsWith("test/cloud/")) return ["engine", "image", "moto"];
  return ["engine", "image", ...(withMongoDb.includes(file) ? (["ferretdb"] as const) : [])];
}

/** Begins to make what is needed, all at the same time; `inside` is how a command comes into a world. */
export function prepare(
  root: string,
  needs: ReadonlySet<Need>,
  inside: (name: string) => readonly string[],
  progress: Progress,
): Preparations {
  const wanted = <Made>(need: Need, make: () => Promise<Made>): Promise<Made> => {
    const made = needs.has(need) ? make() : new Promise<Made>(() => {});
    // Who waits for it is told; until somebody does, it is not unhandled.
    made.catch(() => {});
    return made;
  };
  return {
    engine: wanted("engine", () => builtCli(root, progress)),
    image: wanted("image", () => image(root, inside("image"), progress)),
    moto: wanted("moto", async () => {
      const step = progress.step("making ready moto, which stands in for AWS");
      await motoPython();
      step.done();
    }),
    ferretdb: wanted("ferretdb", async () => {
      const step = progress.step("making ready FerretDB, which is built once");
      await ferretProgram("x86_64");
      step.done();
    }),
  };
}

async function image(root: string, inside: readonly string[], progress: Progress): Promise<string> {
  const step = progress.step("making ready the image of the tests' hosts");
  const [command = process.execPath, ...args] = [
    ...inside,
    process.execPath,
    join(root, "test/e2e/image.ts"),
  ];
  const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  const code = await new Promise((settle, reject) => child.once("error", reject).once("close", settle));
  if (code !== 0) {
    step.failed();
    throw new Error("the image of the tests' hosts could not be made; why is said above.");
  }
  step.done();
  return said.trim();
}
