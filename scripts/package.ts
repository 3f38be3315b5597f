// npm run package: packs what other programs use; see docs/using-components.md and docs/outputs.md.
import { join, relative, resolve } from "node:path";
import { run } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import { components, packPackage, reader } from "./lib/package.ts";
import { packPython } from "./lib/package-python.ts";

await run(commands.package, async () => {
  const root = resolve(import.meta.dirname, "..");
  const packed = [
    packPackage(root, join(root, ".berth/package"), components),
    packPackage(root, join(root, ".berth/package-outputs"), reader),
    await packPython(root, join(root, ".berth")),
  ];
  for (const path of packed) console.log(relative(process.cwd(), path));
  return 0;
});
