// What the simulated AWS account holds: a folder of plain JSON files, one a thing. Several providers of one engine
// work on it at the same time, so whatever reads and then writes does it under the cloud's lock.
import { createHash, randomBytes } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Properties, Value } from "../../../engine/plugins/values.ts";

/** What the test's harness says of the cloud: `cloud.json` in its folder. */
export interface CloudSettings {
  readonly region: string;
  readonly account: string;
  readonly moto: {
    readonly endpoint: string;
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
  };
}

export interface Thing {
  readonly id: string;
  readonly [property: string]: Value;
}

export const folder = process.env.BERTH_CLOUD ?? "";

export const settings = (): CloudSettings => {
  if (folder === "") {
    throw new Error("BERTH_CLOUD is not set: the simulated AWS is started by test/cloud/harness.ts only");
  }
  return JSON.parse(readFileSync(join(folder, "cloud.json"), "utf8"));
};

/** Six characters that tell this cloud's machines and tables from another's. */
export const cloudId = (place = folder) => createHash("sha256").update(place).digest("hex").slice(0, 6);

/** An id as EC2 makes them: `vol-0` and sixteen hexadecimal digits. */
export const newId = (prefix: string) => `${prefix}-0${randomBytes(8).toString("hex")}`;

export const arn = (service: string, rest: string, options: { global?: boolean } = {}) => {
  const { region, account } = settings();
  return `arn:aws:${service}:${options.global ? "" : region}:${account}:${rest}`;
};

const place = (kind: string, id = "") => join(folder, kind, id && `${encodeURIComponent(id)}.json`);

export function find(kind: string, id: Value | undefined): Thing | undefined {
  try {
    return JSON.parse(readFileSync(place(kind, `${id}`), "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

export function all(kind: string, matches: (thing: Thing) => boolean = () => true): Thing[] {
  if (!existsSync(place(kind))) return [];
  const names = readdirSync(place(kind)).filter((name) => name.endsWith(".json") && !name.startsWith("."));
  return names
    .sort()
    .flatMap((name) => find(kind, decodeURIComponent(name.slice(0, -5))) ?? [])
    .filter(matches);
}

export function put(kind: string, thing: Properties & { id: string }): void {
  mkdirSync(place(kind), { recursive: true });
  const file = place(kind, thing.id);
  const unfinished = join(place(kind), `.${process.pid}-${randomBytes(4).toString("hex")}`);
  writeFileSync(unfinished, `${JSON.stringify(thing, null, 1)}\n`, { mode: 0o600 });
  renameSync(unfinished, file);
}

export const drop = (kind: string, id: Value | undefined) => rmSync(place(kind, `${id}`), { force: true });

/** A failure as AWS words it. */
export class AwsError extends Error {
  constructor(operation: string, code: string, message: string) {
    super(`${operation}: api error ${code}: ${message}`);
    this.name = code;
  }
}

/** The thing, or AWS's complaint that there is none. */
export function need(kind: string, id: Value | undefined, operation: string, code: string): Thing {
  const thing = find(kind, id);
  if (!thing) throw new AwsError(operation, code, `The ID '${id}' does not exist`);
  return thing;
}

/** Notes that an operation of AWS's interface was used; the harness shows them all, as `ec2:RunInstances`. */
export function called(...operations: string[]): void {
  appendFileSync(join(folder, "calls"), operations.map((one) => `${one}\n`).join(""));
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

let turn: Promise<unknown> = Promise.resolve();

/** Does `work` while no other process and no other call of this one does any. */
export function locked<Result>(work: () => Result | Promise<Result>): Promise<Result> {
  const file = join(folder, "lock");
  const take = async () => {
    for (;;) {
      try {
        writeFileSync(file, `${process.pid}`, { flag: "wx" });
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      breakStale(file);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    try {
      return await work();
    } finally {
      rmSync(file, { force: true });
    }
  };
  const mine = turn.then(take, take);
  turn = mine.catch(() => {});
  return mine;
}

/** A provider that was killed leaves its lock; of several that find it, one takes it away. */
function breakStale(file: string): void {
  try {
    const owner = Number(readFileSync(file, "utf8"));
    // Just made, and its owner not yet written.
    if (owner === 0 ? Date.now() - statSync(file).mtimeMs < 5000 : isAlive(owner)) return;
    const taken = `${file}.stale-${process.pid}`;
    renameSync(file, taken);
    rmSync(taken);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
