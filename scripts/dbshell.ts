// npm run dbshell: the database's own shell, with the rights that a stack's application has.
import { resolve } from "node:path";
import { run } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import { runInside } from "./lib/inside.ts";
import { databaseShellOf } from "./lib/stack.ts";

const root = resolve(import.meta.dirname, "..");

await run(commands.dbshell, async ({ stack }) => await runInside(root, stack, databaseShellOf));
