// Asks the person at the terminal to type the stack's name before something that cannot be taken back easily.
import { createInterface } from "node:readline";
import { UsageError } from "./command-line.ts";

/**
 * Whether the person has typed the stack's name.
 *
 * @param question what it is typed for
 * @param unasked what is said where there is no terminal to ask at
 */
export async function isMeant(stack: string, question: string, unasked: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new UsageError(unasked);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await new Promise((answer) => {
      // Ctrl-C and Ctrl-D.
      terminal.once("close", () => answer(false));
      terminal.question(`${question} (${stack}): `, (typed) => answer(typed.trim() === stack));
    });
  } finally {
    terminal.close();
  }
}
