// The Python package for readers of outputs, as a source distribution: a file that pip installs. It is pure Python, and
// nothing has to be installed here to make it.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "smol-toml";
import { create } from "tar";

const source = "packages/outputs-python";
const files = [
  "pyproject.toml",
  "README.md",
  "berth_outputs/__init__.py",
  "berth_outputs/contract.py",
  "berth_outputs/py.typed",
];

/**
 * Packs it into a folder.
 *
 * @returns the path of the packed file
 */
export async function packPython(root: string, folder: string): Promise<string> {
  const { project } = parse(readFileSync(join(root, source, "pyproject.toml"), "utf8")) as unknown as {
    project: { name: string; version: string; description: string; "requires-python": string };
  };
  // As the specification of source distributions has it.
  const name = `${project.name.replaceAll("-", "_")}-${project.version}`;
  const work = join(folder, name);
  rmSync(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  for (const file of files) await cp(join(root, source, file), join(work, file));
  await cp(join(root, "LICENSE"), join(work, "LICENSE"));
  const facts = {
    "Metadata-Version": "2.1",
    Name: project.name,
    Version: project.version,
    Summary: project.description,
    "Requires-Python": project["requires-python"],
  };
  const lines = Object.entries(facts).map(([key, value]) => `${key}: ${value}\n`);
  writeFileSync(join(work, "PKG-INFO"), lines.join(""));
  const packed = join(folder, `${name}.tar.gz`);
  await create({ gzip: true, portable: true, cwd: folder, file: packed }, [name]);
  rmSync(work, { recursive: true });
  return packed;
}
