/** The one place where a value becomes a word of a shell's language: POSIX 2.2.2, single quotes. */
export function shellQuote(value: string): string {
  if (value.includes("\0")) {
    throw new Error("a value for a shell script holds a NUL byte, which no shell word can carry");
  }
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/** The same for a person to read and to type: quoted only where that is needed. */
export const shellWord = (value: string): string =>
  /^[\w@.:/][\w@.:/-]*$/.test(value) ? value : shellQuote(value);

/** One line as an argument in a unit's ExecStart=: (with its colon, no variable is put in); systemd.service(5). */
export const unitQuote = (line: string): string =>
  `"${line.replaceAll(/[\\"]/g, "\\$&").replaceAll("%", "%%")}"`;
