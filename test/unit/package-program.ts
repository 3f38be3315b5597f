// A program of its own, which has the packed components in its node_modules, and of the checkout's packages only those
// that the package asks for.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { components, type NpmPackage, packPackage } from "../../scripts/lib/package.ts";

const root = resolve(import.meta.dirname, "../..");

/** The examples of docs/using-components.md, by what they are written in. */
export function examples(language: "ts" | "sh"): string[] {
  const page = readFileSync(join(root, "docs/using-components.md"), "utf8");
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, "gm"))].map(
    ([, text = ""]) => text,
  );
}

/** Packs a package and installs it into a program, with what it asks for; what the packed file holds, by its paths. */
export function installPackage(program: string, which: NpmPackage = components): string[] {
  const packed = packPackage(root, join(program, "packing/package"), which);
  const modules = join(program, "node_modules");
  mkdirSync(modules, { recursive: true });
  execFileSync("tar", ["-xzf", packed, "-C", modules]);
  renameSync(join(modules, "package"), join(modules, which.name));
  const { dependencies, peerDependencies } = JSON.parse(
    readFileSync(join(modules, which.name, "package.json"), "utf8"),
  );
  linkPackages(program, Object.keys({ ...dependencies, ...peerDependencies }));
  const listed = execFileSync("tar", ["-tzf", packed], { encoding: "utf8" });
  rmSync(join(program, "packing"), { recursive: true });
  return listed
    .trim()
    .split("\n")
    .map((path) => path.replace(/^package\//, ""));
}

/** Installs some of the checkout's packages into a program. */
export function linkPackages(program: string, names: readonly string[]): void {
  const modules = join(program, "node_modules");
  for (const name of names) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
}
