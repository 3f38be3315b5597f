// Whether what an application pins has ready-made wheels for Debian's Python.
import { parse as parseToml } from "smol-toml";
import type { Files } from "./files.ts";
import { isBefore } from "./specifiers.ts";

/** The first versions of common packages with wheels for Python 3.13 and for 3.12. Before, they are built by a compiler. */
const firstWheels: Readonly<Record<string, readonly [of13: string, of12: string]>> = {
  cffi: ["1.17.0", "1.16.0"],
  greenlet: ["3.1.0", "3.0.0"],
  lxml: ["5.3.0", "4.9.3"],
  multidict: ["6.0.5", "6.0.5"],
  numpy: ["2.1.0", "1.26.0"],
  pandas: ["2.2.3", "2.1.1"],
  pillow: ["10.4.0", "10.0.1"],
  "psycopg2-binary": ["2.9.10", "2.9.8"],
  "pydantic-core": ["2.20.0", "2.6.0"],
  pyyaml: ["6.0.2", "6.0.1"],
};

/** The newest Python that has wheels of all that a file pins, where that is not 3.13, and the package that says so. */
export function pythonOfWheels(files: Files, file: string): { minor: number; because: string } | undefined {
  const pins = file.endsWith(".lock") ? pinsOfLock(files.read(file)) : pinsOfRequirements(files.read(file));
  const late = pins.flatMap(([name, version]) => {
    const [of13, of12] = firstWheels[name] ?? [];
    if (of13 === undefined || of12 === undefined || !isBefore(version, of13)) return [];
    return [
      {
        minor: isBefore(version, of12) ? 11 : 12,
        because: `${name} ${version} has no wheel for Debian's own, 3.13`,
      },
    ];
  });
  return late.sort((a, b) => a.minor - b.minor)[0];
}

type Pin = readonly [name: string, version: string];
const plain = (name: string) => name.toLowerCase().replaceAll(/[-_.]+/g, "-");

const pinsOfRequirements = (text = ""): Pin[] =>
  [...text.matchAll(/^\s*([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*==\s*(\d[\w.]*)/gm)].map(
    ([, name, version]) => [plain(name as string), version as string],
  );

function pinsOfLock(text = ""): Pin[] {
  try {
    const { package: all } = parseToml(text) as { package?: { name?: unknown; version?: unknown }[] };
    return (all ?? []).flatMap(({ name, version }) =>
      typeof name === "string" && typeof version === "string" ? [[plain(name), version] as const] : [],
    );
  } catch {
    return [];
  }
}
