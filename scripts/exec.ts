// npm run exec: a command in the live release of a stack's application, as its account and with its settings.
import { resolve } from "node:path";
import { run, UsageError } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import { runInside } from "./lib/inside.ts";

const root = resolve(import.meta.dirname, "..");

await run(commands.exec, async ({ stack, command }) => {
  if (command.length === 0) {
    throw new UsageError(
      "expected a command, such as: npm run exec -- python manage.py migrate --plan. 'npm run ssh' logs in.",
    );
  }
  return await runInside(root, stack, () => command);
});
