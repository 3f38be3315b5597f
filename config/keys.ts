import { configSchema } from "../components/site/rules.ts";

/**
 * Waits for something to be made of a stack's configuration. What is wrong with an argument is told by its key: the lines of
 * an error that begin with an argument, such as `app.source.git: …`, begin with `berth:` then, as the stack's file has it.
 */
export async function byKeys<Made>(making: Promise<Made>): Promise<Made> {
  try {
    return await making;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const told = withKeys(error.message);
    // The engine shows the stack of an error that it does not expect, which begins with the message.
    if (error.stack !== undefined) error.stack = error.stack.replace(error.message, () => told);
    error.message = told;
    throw error;
  }
}

/** A message in which the arguments at the beginning of lines are keys. */
export function withKeys(message: string): string {
  const names = Object.keys(configSchema.shape).join("|");
  return message.replace(new RegExp(`^(\\s*)(?=(?:${names})[.[:])`, "gm"), "$1berth:");
}
