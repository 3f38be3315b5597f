// A preview in the log of a pipeline.
import { randomBytes } from "node:crypto";
import { fstatSync } from "node:fs";

/**
 * The text for the log of a step. GitHub's takes commands out of it, such as `::add-mask::` and `##[error]`, also from
 * within a line and from files that the preview shows. Between these two lines it takes none, and no file knows the word
 * that ends this:
 * https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#stopping-and-starting-workflow-commands
 */
export function forLog(text: string, env: NodeJS.ProcessEnv, isFile = isFileOut()): string {
  if (!env.GITHUB_ACTIONS || isFile) return text;
  const word = randomBytes(16).toString("hex");
  return `::stop-commands::${word}\n${text}\n::${word}::`;
}

/** Whether stdout goes into a file, and so into no log. */
const isFileOut = () => fstatSync(1).isFile();
