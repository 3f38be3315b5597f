// npm run console: the shell of Django or Flask, in the live release of a stack's application.
import { resolve } from "node:path";
import { run } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import { runInside } from "./lib/inside.ts";
import { consoleOf } from "./lib/stack.ts";

const root = resolve(import.meta.dirname, "..");

await run(commands.console, async ({ stack }) => await runInside(root, stack, consoleOf));
