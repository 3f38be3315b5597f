import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { shellQuote } from "./quote.ts";

/** Linux's MAX_ARG_STRLEN (execve(2)): sshd hands a command to the login shell as one argument. */
const longestCommand = 128 * 1024;

/**
 * The shell library that steps share. The first step carries it and leaves it on the host, where the others read it:
 * a preview shows a change of it once, and a stack's state is a third of what it would be. Its digest is in its
 * name, so that every step runs again when it changes, and so that the removal of an older step finds its own.
 */
const library = ["step.sh", "files.sh", "services.sh", "kept.sh", "record.sh", "undo.sh"]
  .map((file) => readFileSync(join(import.meta.dirname, "lib", file), "utf8"))
  .join("");
const libraryPath = `/var/lib/berth/library/${createHash("sha256").update(library).digest("hex").slice(0, 12)}.sh`;

/**
 * The environment variables by which a step reaches the host (sshd_config(5), AcceptEnv): its texts, and whose the host
 * must be. That is in no text, because a preview could not show the text before the stack has it. The last says why a
 * step runs again: see drifted.ts.
 */
export const stepVariables = {
  step: "BERTH_STEP",
  removal: "BERTH_REMOVAL",
  claim: "BERTH_CLAIM",
  again: "BERTH_AGAIN",
} as const;

const stepEnd = "BERTH_STEP_END";
/** The line that ends a file in a step's text. */
export const fileEnd = "BERTH_FILE_END";
const libraryEnd = "BERTH_LIBRARY_END";

/** A file that a step puts in place: atomically, and only where it differs. */
export interface StepFile {
  /** The whole text of the file; a last line without its newline gets one. */
  readonly content: string;
  /** `USER:GROUP`, both existing on the host when the step runs. @default "root:root" */
  readonly owner?: string;
  /** The mode in octal. @default "0644" */
  readonly mode?: string;
}

/** A file whose content is secret: the text of the step names it, its content travels by standard input. */
export interface SecretFilePlace {
  /** The name under which the content arrives. */
  readonly secret: string;
  /** `USER:GROUP`, both existing on the host when the step runs. @default "root:root" */
  readonly owner?: string;
  /** The mode in octal. @default "0600" */
  readonly mode?: string;
}

/** Everything that the text of a step is made of; nothing in it is secret. */
export interface StepText {
  /** The step's name, as people see it in progress lines and errors. */
  readonly name: string;
  /** Paths of the shell scripts that run before anything is changed. @default none */
  readonly checks?: readonly string[];
  /** Paths of the shell scripts that, one after the other, do the work; the last ends by proving itself. */
  readonly scripts: readonly string[];
  /** Values for the slots that the script declares (`: "${name?what it is}"`), each a string. */
  readonly slots: Readonly<Record<string, string>>;
  /** Files by their path on the host, put in place before the script's own lines run. */
  readonly files: Readonly<Record<string, StepFile>>;
  /** Secret files by their path on the host. */
  readonly secretFiles: Readonly<Record<string, SecretFilePlace>>;
  /** Names of all secrets that arrive by standard input. */
  readonly secrets: readonly string[];
  /** The first step on a host, which brings the shell library. @default false */
  readonly first?: boolean;
  /** The application whose files these are: see {@link HostScriptArgs.application}. @default none */
  readonly application?: string;
}

/**
 * The text of a step as it runs on the host: the values of the slots, the shell library, the files, the script.
 * Run by any account that is root or may become root by sudo without a password. What is secret is not in it.
 *
 * @throws when the script declares a slot that is not filled, or is given one that it does not declare.
 */
export function stepText(step: StepText): string {
  const checks = (step.checks ?? []).map((path) => readFileSync(path, "utf8"));
  const script = step.scripts.map((path) => readFileSync(path, "utf8")).join("\n");
  checkSlots(step, [...checks, script].join("\n"));
  return asRoot(step.name, [
    ...opening(step.name, step.slots),
    ...(step.first
      ? [`IFS= read -r -d '' library <<'${libraryEnd}' || true\n${library}${libraryEnd}`, 'eval "$library"']
      : [`if [ ! -r ${libraryPath} ]; then ${missingLibrary(step)}; fi`, `. ${libraryPath}`, "claim=$1"]),
    `take_host ${step.first ? "first" : "step"}`,
    ...checks,
    `begin ${shellQuote(step.secrets.join(" "))}`,
    ...keeps(step),
    ...Object.entries(step.files).map(([path, file]) => putFile(path, file)),
    ...Object.entries(step.secretFiles).map(([path, file]) => putSecretFile(path, file)),
    script,
    // After the script, which may refuse a machine that must stay as it is.
    ...(step.first ? [`printf %s "$library" | put_file ${libraryPath} root:root 0644`] : []),
    "finish",
  ]);
}

/**
 * The text that takes away what a step has made, files first to last reversed. It does nothing on a machine that is
 * not this stack's (any more), and nothing on one other than it was meant for: when a machine is replaced, the engine
 * removes the old machine's steps after the new one's were made, and finds the new one at the same address.
 *
 * @param claim what the machine keeps while it is the stack's: see {@link Host.claim}
 * @param removal path of the shell script that takes away what is more than files
 */
export function removalText(step: StepText, claim: string, removal: string | undefined): string {
  const paths = [...Object.keys(step.files), ...Object.keys(step.secretFiles)].reverse();
  const script = removal === undefined ? undefined : readFileSync(removal, "utf8");
  return asRoot(step.name, [
    ...opening(step.name, slotsOf(step, script ?? "")),
    // Where the library is not, none of the stack's steps ever ran, or all of it is gone.
    `[ -r ${libraryPath} ] || exit 0`,
    `. ${libraryPath}`,
    `claim=${shellQuote(claim)}`,
    "take_host removal",
    "begin ''",
    ...ofApplication(step),
    ...(paths.length > 0 ? [`take_away ${paths.map(shellQuote).join(" ")}`] : []),
    ...(script === undefined ? [] : [script]),
    "finish",
  ]);
}

function opening(step: string, slots: StepText["slots"]): string[] {
  return [
    `step=${shellQuote(step)}`,
    ...Object.entries(slots).map(([name, value]) => `${name}=${shellQuote(value)}`),
  ];
}

/** Which files the step has. What an earlier version of it had beside them goes at the end: see lib/kept.sh. */
function keeps(step: StepText): string[] {
  const paths = [...Object.keys(step.files), ...Object.keys(step.secretFiles)];
  const line = paths.length === 0 ? [] : [`keeps ${paths.map(shellQuote).join(" ")}`];
  return [...ofApplication(step), ...line];
}

const ofApplication = ({ application }: StepText): string[] =>
  application === undefined ? [] : [`of_application ${shellQuote(application)}`];

function missingLibrary(step: StepText): string {
  const fault = `berth: ${step.name}: ${libraryPath} is gone from this host. Run 'pulumi up' with --replace for the step that connects, which puts it back.`;
  return `echo ${shellQuote(fault)} >&2; exit 1`;
}

function asRoot(name: string, lines: readonly string[]): string {
  const body = lines.join("\n");
  if (body.split("\n").includes(stepEnd)) {
    throw new Error(`step ${name}: its text holds a line '${stepEnd}', which ends the text`);
  }
  // The script is a file because standard input belongs to the secrets; in memory, so that a full disk does not
  // keep it from saying so; removed by itself as it starts, or, when it was killed before, by the next step: its name
  // says which process is to start it.
  const text = [
    "set -eu; umask 077",
    `step=$(mktemp "/dev/shm/berth-${name}.$$.XXXXXXXX")`,
    `cat >"$step" <<'${stepEnd}'`,
    'rm -f "$0"',
    body,
    stepEnd,
    `[ "$(id -u)" = 0 ] && exec /bin/bash "$step" "\${${stepVariables.claim}-}"`,
    `exec sudo -n -- /bin/bash "$step" "\${${stepVariables.claim}-}"`,
    "",
  ].join("\n");
  if (Buffer.byteLength(text) >= longestCommand) {
    throw new Error(
      `step ${name}: its text has ${Buffer.byteLength(text)} bytes, and a host takes ${longestCommand - 1} at most. ` +
        "Make the files that it carries smaller, or spread them over two steps.",
    );
  }
  return text;
}

function putFile(path: string, file: StepFile): string {
  const content = file.content.endsWith("\n") || file.content === "" ? file.content : `${file.content}\n`;
  if (content.split("\n").includes(fileEnd)) {
    throw new Error(`${path}: holds a line '${fileEnd}', which ends the file`);
  }
  const place = [path, file.owner ?? "root:root", file.mode ?? "0644"].map(shellQuote).join(" ");
  return `put_file ${place} <<'${fileEnd}'\n${content}${fileEnd}`;
}

function putSecretFile(path: string, file: SecretFilePlace): string {
  const place = [path, file.owner ?? "root:root", file.mode ?? "0600", file.secret].map(shellQuote).join(" ");
  return `put_secret_file ${place}`;
}

/** The names of the slots that a script declares. */
const declaredIn = (script: string): ReadonlySet<string> =>
  new Set([...script.matchAll(/^: "\$\{([a-z_0-9]+)\?/gm)].map(([, name = ""]) => name));

/** Those slots of a step that a script asks for. */
function slotsOf(step: StepText, script: string): StepText["slots"] {
  const declared = declaredIn(script);
  const missing = [...declared].filter((name) => !(name in step.slots));
  if (missing.length > 0)
    throw new Error(`step ${step.name}: its removal has no slot '${missing.join("', '")}'`);
  return Object.fromEntries(Object.entries(step.slots).filter(([name]) => declared.has(name)));
}

function checkSlots(step: StepText, script: string): void {
  const declared = declaredIn(script);
  const given = Object.keys(step.slots);
  const missing = [...declared].filter((name) => !given.includes(name));
  const unknown = given.filter((name) => !declared.has(name));
  if (missing.length > 0 || unknown.length > 0) {
    const faults = [
      ...missing.map((name) => `slot '${name}' is not filled`),
      ...unknown.map((name) => `there is no slot '${name}'`),
    ];
    throw new Error(`step ${step.name}: ${faults.join("; ")}`);
  }
}
