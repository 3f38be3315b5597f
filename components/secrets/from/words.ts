/** What stands in a command, one after the other: quoted text, a quoted character, blanks, anything else. */
const parts = /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|(\s+)|([^\s'"\\]+)/gsy;

/** What a shell would not leave as it is. */
const ofShell = /[|&;<>()$`]/;

/**
 * The words of a command as a shell splits them, by blanks, quotes and backslashes. Nothing in them is expanded, and a command
 * that counts on a shell is refused.
 *
 * @throws {Error} saying what was expected
 */
export function wordsOf(command: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  let read = 0;
  for (const [part, single, double, escaped, blanks, bare = ""] of command.matchAll(parts)) {
    read += part.length;
    if (blanks !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    const start = word === undefined ? /^~/ : undefined;
    const sign =
      ofShell.exec(bare) ?? start?.exec(bare) ?? /[$`]/.exec(double?.replaceAll(/\\./gs, "") ?? "");
    if (sign !== null) {
      throw new Error(
        `expected a command without '${sign[0]}': no shell reads it. Put a text with it in single quotes, or write a script and name that here`,
      );
    }
    word = `${word ?? ""}${single ?? double?.replaceAll(/\\([\\"$`])/g, "$1") ?? escaped ?? bare}`;
  }
  if (read < command.length) throw new Error("expected a command whose quotes and backslashes are complete");
  if (word !== undefined) words.push(word);
  if (words.length === 0) throw new Error("expected a command, such as op read op://shop/{name}/password");
  return words;
}
