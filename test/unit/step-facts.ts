// What a step is made of, read back from its text. A snapshot of this shows all of a step but what the repository
// holds as it is: the scripts, the shell library, and the files that are copies.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { removalText, type StepFile, type StepText, stepText } from "../../components/host/step.ts";

const root = join(import.meta.dirname, "../..");

/** The files of the components, with their texts, by their paths in the repository. */
const repository = globSync("components/**/*.*", { cwd: root, exclude: ["**/*.ts", "**/__pycache__"] })
  .sort()
  .map((path) => [path, readFileSync(join(root, path), "utf8")] as const);
const scripts = repository.filter(([path]) => path.endsWith(".sh"));

export interface StepFacts {
  /** Paths of the scripts that run before anything is changed. */
  readonly checks: readonly string[];
  /** Paths of the scripts that do the work. */
  readonly scripts: readonly string[];
  readonly slots: Readonly<Record<string, string>>;
  /** Owner, mode, and the file of the repository that it is a copy of, or the text that was made for it. */
  readonly files: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  /** Owner and mode. */
  readonly secretFiles: Readonly<Record<string, string>>;
  /** The names of all that arrives by standard input. */
  readonly secrets: readonly string[];
  /** Path of the script that takes away what is more than files. */
  readonly removal?: string;
  /** The application whose files these are. */
  readonly application?: string;
}

/**
 * The facts of a step. They are the whole of it: the texts that the program's own functions make of them must be
 * those of the step, to the letter.
 *
 * @param removal the text that takes the step away; none where it goes with its machine
 */
export function stepFacts(text: string, removal?: string): StepFacts {
  const step = read(text);
  assert.equal(stepText(withPaths(step)), text);
  const script = removal === undefined ? "" : removalScript(step, removal);
  return {
    checks: step.checks ?? [],
    scripts: step.scripts,
    slots: step.slots,
    files: mapValues(step.files, shownFile),
    secretFiles: mapValues(step.secretFiles, ({ owner, mode }) => `${owner} ${mode}`),
    secrets: step.secrets,
    ...(script === "" ? {} : { removal: script }),
    ...(step.application === undefined ? {} : { application: step.application }),
  };
}

// The lines that stepText makes, and a word as shellQuote makes it.
const word = String.raw`'((?:[^']|'\\'')*)'`;
const unquote = (quoted = "") => quoted.replaceAll(`'\\''`, "'");
const assignment = new RegExp(`(\\w+)=${word}\n`, "g");
const place = `${word} ${word} ${word}`;
const putFile = new RegExp(`^put_file ${place} <<'BERTH_FILE_END'\n([\\s\\S]*?)^BERTH_FILE_END\n`, "gm");
const putSecretFile = new RegExp(`^put_secret_file ${place} ${word}\n`, "gm");
const ofApplication = new RegExp(`^of_application ${word}\n`, "m");
/** Its paths are those of the files. */
const keeps = /^keeps '.*\n/m;

/** A step with the paths of its scripts as they are in the repository. */
function read(text: string): StepText {
  const body = /\nrm -f "\$0"\n([\s\S]*)\nBERTH_STEP_END\n/.exec(text)?.[1] ?? "";
  const opening = new RegExp(`^(?:${assignment.source})+`).exec(body)?.[0] ?? "";
  const assigned = [...opening.matchAll(assignment)].map(([, name, value]) => [`${name}`, unquote(value)]);
  const [[, name = ""] = [], ...slots] = assigned;
  const first = !/^\. \/var\/lib\/berth\/library\//m.test(body);
  const start = new RegExp(`^take_host \\w+\n([\\s\\S]*?)^begin ${word}\n`, "m").exec(body);
  const [begin = "", checks = "", secrets = ""] = start ?? [];
  const rest = body.slice(body.indexOf(begin) + begin.length);
  const application = ofApplication.exec(rest)?.[1];
  const lines = rest
    .replace(ofApplication, "")
    .replace(keeps, "")
    .replaceAll(putFile, "")
    .replaceAll(putSecretFile, "")
    // The first step puts the library down, which is no fact of its own.
    .replace(/^printf %s "\$library" .*\n/m, "")
    .replace(/\nfinish$/, "");
  return {
    name,
    checks: checks === "" ? [] : scriptsOf(name, checks.replace(/\n$/, "")),
    scripts: scriptsOf(name, lines),
    slots: Object.fromEntries(slots),
    files: Object.fromEntries([...rest.matchAll(putFile)].map(readFile)),
    secretFiles: Object.fromEntries([...rest.matchAll(putSecretFile)].map(readSecretFile)),
    secrets: unquote(secrets).split(" ").filter(Boolean),
    first,
    ...(application === undefined ? {} : { application: unquote(application) }),
  };
}

const readFile = ([, path, owner, mode, content = ""]: RegExpMatchArray) => [
  unquote(path),
  { owner: unquote(owner), mode: unquote(mode), content },
];

const readSecretFile = ([, path, owner, mode, secret]: RegExpMatchArray) => [
  unquote(path),
  { owner: unquote(owner), mode: unquote(mode), secret: unquote(secret) },
];

/** The paths of the scripts that, one after the other, are this text. */
function scriptsOf(name: string, text: string): string[] {
  const [path, content] = scripts.find(([, content]) => `${text}\n`.startsWith(`${content}\n`)) ?? [];
  assert.ok(path && content, `step ${name}: these lines are no script of a component:\n${text}`);
  return text === content ? [path] : [path, ...scriptsOf(name, text.slice(content.length + 1))];
}

/** The path of the script of a removal, or nothing where the files are all that goes. */
function removalScript(step: StepText, text: string): string {
  const [guard = "", claim = ""] =
    new RegExp(`^claim=${word}\ntake_host .*\nbegin ''\n`, "m").exec(text) ?? [];
  const [, lines = ""] =
    /^(?:of_application .*\n)?(?:take_away .*\n)?([\s\S]*)finish\nBERTH_STEP_END\n/.exec(
      text.split(guard)[1] ?? "",
    ) ?? [];
  const [path] = lines === "" ? [] : scriptsOf(step.name, lines.replace(/\n$/, ""));
  assert.equal(removalText(step, unquote(claim), path && join(root, path)), text);
  return path ?? "";
}

function withPaths(step: StepText): StepText {
  return {
    ...step,
    checks: (step.checks ?? []).map((path) => join(root, path)),
    scripts: step.scripts.map((path) => join(root, path)),
  };
}

function shownFile({ owner, mode, content }: StepFile): string | Record<string, string> {
  const [copied] = repository.find(([, text]) => content === text || content === `${text}\n`) ?? [];
  return copied === undefined ? { [`${owner} ${mode}`]: content } : `${owner} ${mode}, ${copied}`;
}

const mapValues = <T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
