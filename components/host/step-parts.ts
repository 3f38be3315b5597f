import { fileEnd } from "./step.ts";

/** A file that a step puts on the host, as the step's text has it. */
export interface FilePart {
  readonly content: string;
  readonly owner: string;
  readonly mode: string;
}

/** What a step's text (see step.ts) is made of, read back from it: for people, who want to see what a change of it means. */
export interface StepParts {
  /** By their path on the host. */
  readonly files: ReadonlyMap<string, FilePart>;
  /** The values of its slots, by their names. */
  readonly slots: ReadonlyMap<string, string>;
  /** All else: the slots and the script, as they run. */
  readonly script: string;
}

const quoted = String.raw`'(?:[^']|'\\'')*'`;
const word = (text: string) => text.slice(1, -1).replaceAll(`'\\''`, "'");

/** The files, in the form in which step.ts writes them. */
const file = new RegExp(
  `^put_file (${quoted}) (${quoted}) (${quoted}) <<'${fileEnd}'\n([\\s\\S]*?)^${fileEnd}\n`,
  "gm",
);
const slot = new RegExp(`([a-z_0-9]+)=(${quoted})\n`, "y");

/** Takes a step's text apart. A text of another form is all script. */
export function stepParts(text: string): StepParts {
  const files = new Map<string, FilePart>();
  const script = text.replaceAll(file, (_, path, owner, mode, content) => {
    files.set(word(path), { owner: word(owner), mode: word(mode), content });
    return "";
  });
  // Before it stands what every step has.
  const start = /^step='/m.exec(script)?.index ?? 0;
  return { files, slots: slotsOf(script, start), script: script.slice(start) };
}

/** The slots stand one after the other, the step's own name first. */
function slotsOf(script: string, start: number): Map<string, string> {
  const slots = new Map<string, string>();
  slot.lastIndex = start;
  for (let found = slot.exec(script); found !== null; found = slot.exec(script)) {
    const [, name = "", value = ""] = found;
    slots.set(name, word(value));
  }
  return slots;
}
