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
    "You type these in a checkout of Berth. Options and words come after `--`, because npm keeps what stands before it:",
    "`npm run logs -- web -s prod`. `--help` after the `--` shows the command's part of this page.",
    "",
    "- **The stack** is `local` unless you name another with `-s NAME`. A command's first line says which stack it is about.",
    "- **Where a stack's state is.** Berth keeps it in `.berth/`. For stacks of a team, name the backend in the environment; see",
    "  [pull-requests.md](pull-requests.md#in-a-pipeline).",
    "- **Options** stand anywhere, as `--stack prod`, `--stack=prod` or `-s prod`. With `npm run ssh` and `npm run scratch`, they",
    "  stand before the command that runs on the host.",
    "- **Berth refuses what it does not understand**, with status 2 and before it does anything: an unknown option or word, a",
    "  missing value, an unexpected word, the same option twice, a stack that does not exist. The error says what was expected,",
    "  and what you may have meant.",
    "- **A failure** ends with status 1. `npm run ssh` and `npm run pulumi` pass on the status of what they ran. `npm run status`",
    "  ends with 1 if something is wrong with the stack, and with 3 if a host could not be asked ([status.md](status.md)).",
    "  `npm start` also ends with 1 if the release went live and the front page answers with an error of the server (5xx).",
    "",
    ...sections,
  ].join("\n");
}
