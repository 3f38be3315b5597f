// A program of its own, which has the packed components in its node_modules, and of the checkout's packages only those
// that the package asks for.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { packPackage } from "../../scripts/lib/package.ts";

const root = resolve(import.meta.dirname, "../..");

/** The examples of docs/using-components.md, by what they are written in. */
export function examples(language: "ts" | "sh"): string[] {
  const page = readFileSync(join(root, "docs/using-components.md"), "utf8");
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, "gm"))].map(
    ([, text = ""]) => text,
  );
}

/** Packs the components and installs them into a program; what the packed file holds, by its paths. */
export function installPackage(program: string): string[] {
  const packed = packPackage(root, join(program, "packing/package"));
  const modules = join(program, "node_modules");
  mkdirSync(modules, { recursive: true });
  execFileSync("tar", ["-xzf", packed, "-C", modules]);
  renameSync(join(modules, "package"), join(modules, "berth"));
  const { dependencies } = JSON.parse(readFileSync(join(modules, "berth/package.json"), "utf8"));
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
  const listed = execFileSync("tar", ["-tzf", packed], { encoding: "utf8" });
  rmSync(join(program, "packing"), { recursive: true });
  return listed
    .trim()
    .split("\n")
    .map((path) => path.replace(/^package\//, ""));
}
