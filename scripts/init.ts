// npm run init: looks at an application's directory, and writes the file of a stack that deploys it.
import { existsSync, statSync, writeFileSync } from "node:fs";
import { basename, isAbsolute, relative, resolve } from "node:path";
import { run, UsageError } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import { look } from "./lib/init/look.ts";
import { report } from "./lib/init/report.ts";
import { applicationName, stackFile } from "./lib/init/stack-file.ts";

const root = resolve(import.meta.dirname, "..");

await run(commands.init, ({ stack: named, print, directory: typed }) => {
  // npm runs it in the checkout, wherever it was typed.
  const directory = resolve(process.env.INIT_CWD ?? process.cwd(), typed);
  if (!existsSync(directory) || !statSync(directory).isDirectory()) {
    throw new UsageError(`DIRECTORY: expected the directory of an application; found none at ${directory}.`);
  }
  if (directory === root) {
    throw new UsageError("DIRECTORY: expected the directory of an application; found Berth's own.");
  }
  const name = applicationName(basename(directory));
  const stack = named ?? name;
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/.test(stack)) {
    throw new UsageError(
      `--stack: expected letters, digits, dots, hyphens and underscores; found '${stack}'.`,
    );
  }
  const file = `Pulumi.${stack}.yaml`;
  if (!print && existsSync(resolve(root, file))) {
    throw new UsageError(
      `${file} is there already, and is not overwritten. Name another stack with -s, or look at what would be written with --print.`,
    );
  }
  const facts = look(directory);
  const place = isAbsolute(typed) ? facts.directory : relative(root, facts.directory);
  const text = stackFile(facts, { stack, name, directory: place });
  if (print) process.stdout.write(text);
  // What another has written since is not overwritten either.
  else writeFileSync(resolve(root, file), text, { flag: "wx" });
  if (!print) console.error(`berth: wrote ${file}`);
  // Names and texts of the application may hold what a terminal obeys.
  console.error(report({ ...facts, directory: place }, stack, file).replaceAll(/[^\P{C}\n]/gu, "?"));
  return 0;
});
