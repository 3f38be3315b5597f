// npm run pins: writes the requirements, with hashes, of the programs from PyPI that hosts install: components/app/release/pins.
// Needs uv (https://docs.astral.sh/uv/), which resolves them. Only wheels for hosts that Berth knows are let in: no
// source is built, so there is nothing else to trust than what is pinned.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { pinsFile, type Tool, tools } from "../components/app/web/tools.ts";
import { run } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";

/** A package's files: https://packaging.python.org/en/latest/specifications/simple-repository-api/ */
interface Project {
  readonly files: readonly {
    readonly filename: string;
    readonly hashes: { readonly sha256: string };
    readonly yanked: boolean | string;
  }[];
}

/** The oldest Python that each is installed with; what serves an application runs on the application's own. */
const oldest: Readonly<Record<Tool, string>> = {
  uv: "3.11",
  gunicorn: "3.9",
  uwsgi: "3.9",
  uvicorn: "3.9",
  poetry: "3.11",
  node: "3.11",
};

const needless = /sys_platform == '(darwin|win32|emscripten)'$|^os_name == 'nt'$/;

async function writePins(tool: Tool): Promise<void> {
  const resolved = execFileSync(
    "uv",
    [
      ...["pip", "compile", "--quiet", "--universal", "--no-annotate", "--no-header"],
      ...["--python-version", oldest[tool], "-"],
    ],
    { input: tools[tool].join("\n"), encoding: "utf8" },
  );
  const pins = resolved
    .trim()
    .split("\n")
    .filter((line) => !needless.test(line.split(" ; ")[1] ?? ""));
  const texts = await Promise.all(pins.map((pin) => withHashes(pin, oldest[tool])));
  const title = `# ${tools[tool]
    .join(", ")
    .replaceAll("==", " ")
    .replaceAll(/; [^,]*/g, "")}\n# Made by: npm run pins\n`;
  writeFileSync(pinsFile(tool), title + texts.join(""));
}

async function withHashes(pin: string, python: string): Promise<string> {
  const [, name = "", version = ""] = /^([\w.-]+)==([^ ]+)/.exec(pin) ?? [];
  const answer = await fetch(`https://pypi.org/simple/${name}/`, {
    headers: { Accept: "application/vnd.pypi.simple.v1+json" },
  });
  if (!answer.ok)
    throw new Error(`https://pypi.org/simple/${name}/ answered ${answer.status}, and 200 was expected.`);
  const { files } = (await answer.json()) as Project;
  const hashes = files
    .filter(({ filename, yanked }) => yanked === false && isWanted(filename, version, python))
    .map(({ hashes: { sha256 } }) => `    --hash=sha256:${sha256}`);
  if (hashes.length === 0)
    throw new Error(`PyPI has no wheel of ${name} ${version} for hosts that Berth knows.`);
  return `${[pin, ...hashes.sort()].join(" \\\n")}\n`;
}

/** Whether a file is a wheel of this version for Linux with glibc, x86-64 or ARM, and a Python that may install it. */
function isWanted(file: string, version: string, python: string): boolean {
  const parts = /^[^-]+-([^-]+)(?:-\d[^-]*)?-([^-]+)-([^-]+)-([^-]+)\.whl$/.exec(file);
  if (parts === null || parts[1] !== version) return false;
  const [, , interpreter = "", abi = "", platform = ""] = parts;
  const minor = Number(python.split(".")[1]);
  const one = /^cp3(\d+)$/.exec(interpreter)?.[1];
  const fits =
    /py3/.test(interpreter) ||
    (one !== undefined && (abi === "abi3" || (abi === interpreter && Number(one) >= minor)));
  return fits && /^any$|manylinux.*_(x86_64|aarch64)$/.test(platform);
}

await run(commands.pins, async () => {
  for (const tool of Object.keys(tools) as Tool[]) await writePins(tool);
  return 0;
});
