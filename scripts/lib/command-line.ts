// The command line of what people type: declared in commands.ts, read here. It is strict. A word or an option that is not
// understood is an error, and nothing is done before all of it has been understood.
import { parseArgs } from "node:util";
import { didYouMean } from "../../components/service/did-you-mean.ts";

/** An option, whose value is a T. */
export interface Option<T> {
  /** What it does, or what its value is. */
  readonly about: string;
  /** Its short form, one letter. @default none */
  readonly short?: string;
  /** What its value is called in the help; absent where it takes none. */
  readonly value?: string;
  /** What holds without it, as the help shows it. @default it is not said */
  readonly otherwise?: string;
  /** Its value; `text` is undefined where the option isn't given. It throws what was expected. */
  read(text: string | undefined): T;
}

/** A word that is no option, or several. */
export interface Word<T> {
  readonly about: string;
  /** `one` has to be there; `many` may be none; `rest` is all from its first on, `all` the whole line, options too. */
  readonly takes: "one" | "many" | "rest" | "all";
  /** How the synopsis shows it. @default its name, in capitals */
  readonly shown?: string;
  /** Its value. It throws what was expected. */
  read(texts: readonly string[]): T;
}

type Options = Readonly<Record<string, Option<unknown>>>;
type Words = Readonly<Record<string, Word<unknown>>>;

export interface Command<O extends Options = Options, W extends Words = Words> {
  /** How it is typed: `npm start`, `npm run logs`. */
  readonly typed: string;
  /** What it does, in a sentence or two. */
  readonly about: string;
  readonly options: O;
  /** In the order in which they are typed; only the last one may take more than one. */
  readonly words: W;
  /** What follows `typed --` in an example, and what that does. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
}

/** What a command line says: the values of its options and words by their names. */
export type Line<C extends Command> = {
  readonly [K in keyof C["options"]]: C["options"][K] extends Option<infer T> ? T : never;
} & { readonly [K in keyof C["words"]]: C["words"][K] extends Word<infer T> ? T : never };

/** A command line that cannot be understood; its message says what was found, expected, and is to be typed. */
export class UsageError extends Error {}

/** Only infers the types. */
export const command = <O extends Options, W extends Words>(declared: Command<O, W>): Command<O, W> =>
  declared;

/** A switch. */
export const flag = (about: string): Option<boolean> => ({ about, read: (text) => text !== undefined });

/** An option with a value and a default. */
export const option = <T>(
  value: string,
  about: string,
  read: (text: string) => T,
  otherwise: string,
  short?: string,
): Option<T> => ({
  about,
  value,
  otherwise,
  ...(short === undefined ? {} : { short }),
  read: (text = otherwise) => read(text),
});

/** An option with a value, without which the command finds out by itself: `otherwise` says what. */
export const optional = (
  value: string,
  about: string,
  otherwise: string,
  short?: string,
): Option<string | undefined> => ({
  about,
  value,
  otherwise,
  ...(short === undefined ? {} : { short }),
  read: (text) => text,
});

/** The same for a value that is read; without the option there is none. */
export const reads = <T>(value: string, about: string, read: (text: string) => T): Option<T | undefined> => ({
  about,
  value,
  read: (text) => (text === undefined ? undefined : read(text)),
});

export const word = (about: string): Word<string> => ({ about, takes: "one", read: ([text = ""]) => text });

export const choice = <const T extends string>(choices: readonly T[], about: string): Word<T> => ({
  about,
  takes: "one",
  shown: choices.join("|"),
  read: ([text = ""]) => oneOf(choices)(text),
});

export const many = (about: string): Word<readonly string[]> => ({
  about,
  takes: "many",
  read: (all) => all,
});
export const rest = (about: string): Word<readonly string[]> => ({
  about,
  takes: "rest",
  read: (all) => all,
});
export const all = (about: string): Word<readonly string[]> => ({ about, takes: "all", read: (all) => all });

export const text = (given: string): string => given;

export const oneOf =
  <const T extends string>(choices: readonly T[]) =>
  (given: string): T => {
    const found = choices.find((one) => one === given);
    if (found === undefined)
      throw new UsageError(`expected ${listed(choices)}; found '${given}'.${didYouMean(given, choices)}`);
    return found;
  };

/** Names with commas between them. */
export const someOf =
  <const T extends string>(choices: readonly T[]) =>
  (given: string): readonly T[] =>
    given.split(",").map(oneOf(choices));

export const count = (given: string): number => {
  if (!/^[1-9]\d{0,5}$/.test(given))
    throw new UsageError(`expected a whole number from 1 to 999999; found '${given}'.`);
  return Number(given);
};

const listed = (names: readonly string[]) =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;

/**
 * Reads a command line.
 *
 * @param env where npm puts the options that it took for its own
 * @returns what it says, or `help` where that is asked for
 */
export function parse<C extends Command>(
  command: C,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Line<C> | "help" {
  const { options } = command;
  const words = Object.entries(command.words);
  const [firstName, first] = words[0] ?? [];
  if (firstName !== undefined && first?.takes === "all")
    return args[0] === "--help" || args[0] === "-h" ? "help" : ({ [firstName]: args } as Line<C>);

  const known: Options = { ...options, help: { about: "", short: "h", read: () => undefined } };
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(known).map(([name, { short, value }]) => [
        name,
        {
          type: value === undefined ? "boolean" : "string",
          ...(short === undefined ? {} : { short }),
        } as const,
      ]),
    ),
  });
  // From here on the words are another program's.
  const positional = tokens.filter((token) => token.kind === "positional");
  const cut = words.at(-1)?.[1].takes === "rest" ? positional[words.length - 1]?.index : undefined;
  const own = tokens.filter((token) => cut === undefined || token.index < cut);
  if (own.some((token) => token.kind === "option" && token.name === "help")) return "help";

  refuseOptionsOfNpm(command, env);
  const given = new Map<string, { readonly rawName: string; readonly text: string }>();
  for (const token of own) {
    if (token.kind !== "option") continue;
    const { name, rawName, value, inlineValue } = token;
    const wanted = Object.hasOwn(known, name) ? known[name] : undefined;
    if (wanted === undefined) {
      const near = didYouMean(
        rawName,
        Object.keys(known).map((one) => `--${one}`),
      );
      throw new UsageError(`there is no option ${rawName}.${near}`);
    }
    if (wanted.value === undefined && value !== undefined)
      throw new UsageError(`${rawName} takes no value; found '${value}'.`);
    if (wanted.value !== undefined && (!value || (!inlineValue && value.startsWith("-"))))
      throw new UsageError(
        `${rawName}: expected a value, ${wanted.value}; found ${value ? `'${value}'` : "none"}.`,
      );
    if (given.has(name)) throw new UsageError(`${rawName} is there twice.`);
    given.set(name, { rawName, text: value ?? "" });
  }
  if (cut !== undefined && !own.some(({ kind }) => kind === "option-terminator")) {
    const late = tokens.find(
      (token) =>
        token.kind === "option" && token.index >= cut && token.name in options && !given.has(token.name),
    );
    if (late?.kind === "option")
      throw new UsageError(
        `${late.rawName} stands after '${args[cut]}', where it could be meant for that. Put it before, or put -- before '${args[cut]}' when it belongs there.`,
      );
  }

  const line: Record<string, unknown> = {};
  for (const [name, wanted] of Object.entries(options)) {
    const found = given.get(name);
    line[name] = named(found?.rawName ?? `--${name}`, () => wanted.read(found?.text));
  }
  const texts = own.flatMap((token) => (token.kind === "positional" ? [token.value] : []));
  for (const [name, wanted] of words) {
    const shown = wanted.shown ?? name.toUpperCase();
    const taken =
      wanted.takes === "rest"
        ? cut === undefined
          ? []
          : args.slice(cut)
        : texts.splice(0, wanted.takes === "one" ? 1 : texts.length);
    if (wanted.takes === "one" && taken.length === 0)
      throw new UsageError(`expected ${shown}, ${wanted.about}; found nothing.`);
    line[name] = named(shown, () => wanted.read(taken));
  }
  if (texts.length > 0) {
    const tip = "stack" in options ? ` A stack is named by -s: ${command.typed} -- -s ${texts[0]}` : "";
    throw new UsageError(`unexpected word '${texts[0]}'. Expected: ${synopsis(command)}.${tip}`);
  }
  return line as Line<C>;
}

/** Says which option or word it is that cannot be read. */
function named<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError(`${what}: ${(error as Error).message}`);
  }
}

/** npm takes what stands before `--` for its own options, and says no more than a warning. */
function refuseOptionsOfNpm({ typed, options }: Command, env: NodeJS.ProcessEnv): void {
  for (const [name, { value }] of Object.entries(options)) {
    // These two npm has itself, and its configuration may set them.
    if (name === "json" || name === "yes") continue;
    const negated = name.startsWith("no-");
    const taken = env[`npm_config_${name.replace(/^no-/, "").replaceAll("-", "_")}`];
    if (taken === undefined || negated !== (taken === "")) continue;
    const meant = value === undefined ? `--${name}` : `--${name}=${taken === "true" ? value : taken}`;
    throw new UsageError(
      `npm took --${name} for an option of its own. Put -- before it: ${typed} -- ${meant}`,
    );
  }
}

/** How a command is typed, in a line. */
export function synopsis({ typed, options, words }: Command): string {
  const parts = [
    ...Object.entries(options).map(([name, { short, value }]) => {
      const shown = short === undefined ? `--${name}` : `-${short}`;
      return value === undefined ? `[${shown}]` : `[${shown} ${value}]`;
    }),
    ...Object.entries(words).map(([name, { takes, shown = name.toUpperCase() }]) =>
      takes === "one" ? shown : `[${shown}…]`,
    ),
  ];
  return parts.length === 0 ? typed : `${typed} -- ${parts.join(" ")}`;
}

/** What `--help` shows. */
export function helpText(command: Command): string {
  const { typed, about, options, words, examples } = command;
  const wordRows = Object.entries(words).map(
    ([name, word]) => [word.shown ?? name.toUpperCase(), word.about] as const,
  );
  const optionRows = Object.entries(options).map(([name, { short, value, about, otherwise }]) => {
    const shown = `${short === undefined ? "   " : `-${short},`} --${name}${value === undefined ? "" : ` ${value}`}`;
    return [shown, otherwise === undefined ? about : `${about} (default: ${otherwise})`] as const;
  });
  const exampleRows = examples.map(
    ([line, meaning]) => [line === "" ? typed : `${typed} -- ${line}`, meaning] as const,
  );
  return [
    synopsis(command),
    "",
    ...(about.match(/.{1,100}(?= |$)/g) ?? []).map((part) => part.trim()),
    ...(wordRows.length === 0 ? [] : ["", ...table(wordRows)]),
    "",
    "Options",
    ...table([...optionRows, ["-h, --help", "shows this"]]),
    "",
    "Examples",
    ...table(exampleRows),
  ].join("\n");
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

/**
 * Runs a command with what its command line says, and ends with the status that `body` answers: 0 where it answers none, 1
 * where it fails, and 2 where the command line cannot be understood.
 */
export async function run<C extends Command>(
  command: C,
  body: (line: Line<C>) => Promise<number | undefined> | number | undefined,
): Promise<void> {
  try {
    const line = parse(command, process.argv.slice(2), process.env);
    if (line === "help") console.log(helpText(command));
    else process.exitCode = (await body(line)) ?? 0;
  } catch (error) {
    console.error(`berth: ${(error as Error).message}`);
    if (error instanceof UsageError) console.error(`berth: for help: ${command.typed} -- --help`);
    // What goes on beside what has failed ends with it.
    process.exit(error instanceof UsageError ? 2 : 1);
  }
}
