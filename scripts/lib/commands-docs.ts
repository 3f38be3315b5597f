import { helpText } from "./command-line.ts";
import { commands } from "./commands.ts";

/** The page about what people type, made from what the commands declare. */
export function commandsPage(): string {
  const sections = Object.values(commands).map((command) => {
    return [`## ${command.typed}`, "", "```text", helpText(command), "```", ""].join("\n");
  });
  return [
    "# Commands",
    "",
    "<!-- Made from scripts/lib/commands.ts by `npm run docs`; change it there. -->",
    "",
    "You type these in a checkout of Berth. npm takes what stands before `--` for itself, so options and words come after it:",
    "`npm run logs -- web -s prod`. `--help` after the `--` shows what is on this page.",
    "",
    "- **The stack** is `local` unless you name another with `-s NAME`. A command's first line says which stack it is about.",
    "- **Options** stand anywhere, as `--stack prod`, `--stack=prod` or `-s prod`. With `npm run ssh` and `npm run scratch`, they",
    "  stand before the command that runs on the host.",
    "- **What is not understood is refused**, with status 2 and before anything is done: an unknown option or word, a missing",
    "  value, a word too many, the same option twice, a stack that does not exist. The error says what was expected, and what",
    "  you may have meant.",
    "- **What fails** ends with status 1. `npm run ssh` and `npm run pulumi` pass on the status of what they ran. `npm run status`",
    "  ends with 1 where something is wrong with the stack, and with 3 where a host could not be asked ([status.md](status.md)).",
    "",
    ...sections,
  ].join("\n");
}
