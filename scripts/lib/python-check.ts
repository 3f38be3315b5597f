// What checks Berth's own Python.
import { spawn } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { digestOf, readKnown, writeKnown } from "./known.ts";
import { pythonWith } from "./python.ts";

/** What mypy checks: packages by their names, and the files of these folders, each as a module. */
const packages = ["host_drift", "host_status", "notices", "release"];
const folders = [
  "bench/contenders/pyinfra",
  "components/backup/program",
  "components/docker",
  "components/mongodb",
  "components/nginx/certificate/program",
  "components/reboots",
  "components/system",
  "scripts/lib/on-host",
  "test/program",
];

/** Where Berth's own Python lies: those, the packages, and what other Pythons run. */
const places = [
  ...folders,
  "components/app/release",
  "components/ec2",
  "components/host/drift",
  "components/status/program",
  "examples/consumer-python",
  "packages/outputs-python",
  "test/engine",
];

function typed(root: string): string[] {
  const modules = globSync(
    folders.map((folder) => `${folder}/*.py`),
    { cwd: root },
  ).map((path) => basename(path, ".py"));
  // It tests what runs with the application's own Python, however old, and has no types.
  const own = modules.filter((name) => /^[a-z]\w*$/.test(name) && name !== "test_arrival").sort();
  return [...packages.flatMap((name) => ["-p", name]), ...own.flatMap((name) => ["-m", name])];
}

/**
 * Checks Berth's own Python with ruff, for style and faults, and with mypy, for types.
 *
 * @param known the file that keeps what was clean in earlier runs; the same text is not checked twice
 * @returns what they found, nothing when there is no fault
 */
export async function checkPython(root: string, known: string): Promise<string> {
  const pinned = "scripts/python-requirements.txt";
  const files = globSync(
    places.map((place) => `${place}/**/*.py`),
    { cwd: root },
  ).sort();
  const read = (path: string) => readFileSync(join(root, path), "utf8");
  const digest = digestOf(["pyproject.toml", pinned, ...files].map((path) => [path, read(path)]));
  if (readKnown(known).has(digest)) return "";
  const programs = await pythonWith(join(root, pinned), "python-tools");
  const calls = [
    ["ruff", "format", "--no-cache", "--diff", "--quiet", ...places],
    ["ruff", "check", "--no-cache", "--quiet", "--output-format=concise", ...places],
    ["mypy", "--no-error-summary", `--cache-dir=${join(dirname(known), "mypy")}`, ...typed(root)],
  ];
  const found = await Promise.all(
    calls.map(([name = "", ...args]) => said(root, join(programs, "python"), ["-m", name, ...args])),
  );
  writeKnown(known, found.every((one) => one === "") ? [digest] : []);
  return found.join("");
}

/** What a program says where it finds something; nothing where it does not. */
function said(root: string, program: string, args: readonly string[]): Promise<string> {
  return new Promise((settle, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
    }
    child.once("error", reject);
    child.once("close", (code) => settle(code === 0 ? "" : text || `${program} ended with ${code}\n`));
  });
}
