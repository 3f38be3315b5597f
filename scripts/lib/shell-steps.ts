import { spawn } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { digestOf, readKnown, writeKnown } from "./known.ts";

/** One call of shellcheck. */
interface Call {
  readonly args: readonly string[];
  /** All text that it looks at: its answer is the same while this is. */
  readonly text: string;
  /** The path that stands for its standard input in what it says. @default the files are among the arguments */
  readonly path?: string;
}

/**
 * Checks every shell file with shellcheck. The scripts of steps are checked as they run, behind the shell library,
 * which gives them their functions; those of one service together, for they may share slots.
 *
 * @param known the file that keeps what was clean in earlier runs; the same text is not checked twice
 * @returns what shellcheck found, nothing when there is no fault
 */
export async function checkShell(root: string, known: string): Promise<string> {
  const version = await shellcheck(root, { args: ["--version"], text: "" });
  const digest = ({ args, text }: Call) => digestOf([version, args, text]);
  const clean = readKnown(known);
  const calls = [...stepCalls(root), ...standaloneCalls(root)];
  const findings = await inParallel(calls, async (call) =>
    clean.has(digest(call)) ? "" : shellcheck(root, call),
  );
  writeKnown(known, calls.filter((_, index) => findings[index] === "").map(digest));
  return findings.join("");
}

/** The text of each step, as it runs. */
function stepCalls(root: string): Call[] {
  const library = globSync("components/host/lib/*.sh", { cwd: root }).sort();
  const steps = globSync("components/**/*.sh", { cwd: root, exclude: ["components/host/**"] }).sort();
  const read = (path: string) => readFileSync(join(root, path), "utf8");
  const hosts = globSync("components/host/{look,connect}*.sh", { cwd: root }).sort();
  // The looks at a machine have functions of their own.
  const looking = "components/host/look.sh";
  return [...steps, ...hosts].map((path) => {
    // A step may be made of several files, which share their slots and what the first of them sets.
    const beside = steps.filter((other) => dirname(other) === dirname(path));
    const common = join(dirname(path), "common.sh");
    const shared = [
      ...(basename(path).startsWith("look") && path !== looking ? [looking] : []),
      ...(steps.includes(common) && path !== common ? [common] : []),
    ];
    return {
      args: ["--exclude=SC2034,SC2016,SC2317", "-"],
      path,
      text: [
        "step=name claim=value",
        slots(beside.map(read)),
        ...[...library, ...shared, path].map(read),
      ].join("\n"),
    };
  });
}

/** Every slot that the scripts declare, filled. */
function slots(scripts: readonly string[]): string {
  const names = scripts.flatMap((text) => [...text.matchAll(/^: "\$\{(\w+)\?/gm)].map((match) => match[1]));
  return [...new Set(names)].map((name) => `${name}=value`).join("\n");
}

/** The scripts that run by themselves, each with those that it sources. */
function standaloneCalls(root: string): Call[] {
  const scripts = globSync(
    [
      "components/host/local/*.sh",
      "components/host/find.sh",
      "components/host/reach.sh",
      "engine/**/*.sh",
      "scripts/**/*.sh",
      "bench/**/*.sh",
      "scripts/node",
      ".ci/run",
    ],
    { cwd: root },
  ).sort();
  // Any of them may source any other.
  const text = scripts.map((path) => readFileSync(join(root, path), "utf8")).join("\n");
  return scripts.map((path) => ({ args: ["-x", path], text }));
}

/** As many at a time as this computer has processors; the answers are in the order of the calls. */
async function inParallel(
  calls: readonly Call[],
  answer: (call: Call) => Promise<string>,
): Promise<readonly string[]> {
  const answers: string[] = [];
  const left = calls.entries();
  const worker = async () => {
    for (const [index, call] of left) answers[index] = await answer(call);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return answers;
}

function shellcheck(root: string, { args, text, path }: Call): Promise<string> {
  return new Promise((resolve, reject) => {
    // Nobody's own .shellcheckrc has a say: what is clean here is clean everywhere.
    const child = spawn("shellcheck", ["--norc", "-s", "bash", ...args], { cwd: root });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (part: string) => {
        said += part;
      });
    }
    child.once("error", () =>
      reject(new Error("shellcheck is not installed (Debian: apt-get install shellcheck)")),
    );
    child.once("close", (code, signal) => {
      if (code !== 0 && said === "") reject(new Error(`shellcheck ended with ${code ?? signal}`));
      else resolve(path === undefined ? said : said.replaceAll("In -", `In ${path}`));
    });
    child.stdin.on("error", () => {}).end(path === undefined ? "" : text);
  });
}
