// npm run package: packs the components for other programs; see docs/using-components.md.
import { join, relative, resolve } from "node:path";
import { run } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import { packPackage } from "./lib/package.ts";

await run(commands.package, () => {
  const root = resolve(import.meta.dirname, "..");
  console.log(relative(process.cwd(), packPackage(root, join(root, ".berth/package"))));
  return 0;
});
