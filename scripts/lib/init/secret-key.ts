// Whether Django's signing key is one that every process and every release has.
import type { Project } from "./project.ts";
import type { Module } from "./python.ts";

type Assign = Module["assigns"][number];

const random =
  /get_random_|\b(secrets|random)\.|\btoken_(hex|urlsafe|bytes)\b|\burandom\b|\buuid[14]?\b|\bchoices?\(|\bgenerate_\w*(key|secret)/i;
const ofFile = /\bopen\(|\.read\w*\(/;
/** It is handed over under the first name, and asked for under the others. */
const ofEnvironment = /(env|config)\w*(\.\w+)*\s*[([]\s*["']\w*SECRET(?!\w*(_FILE|_PATH)["'])\w*["']/i;

/** Why the stack has to settle the key; undefined where it does not, or where nobody can tell. */
export function keyFault(project: Project, chain: readonly Module[]): string | undefined {
  const all = candidates(chain).map(({ path, assign }) => ({
    ...{ at: `${path}:${assign.line}`, assign },
    text: `${assign.source} ${bodyOf(project, assign)}`,
  }));
  if (all.some(({ text }) => ofEnvironment.test(text))) return undefined;
  const isOpen = ({ assign, text }: (typeof all)[number]) =>
    assign.value.kind !== "text" && ofFile.test(text);
  const made = all.find(({ assign, text }) => assign.value.kind !== "text" && random.test(text));
  if (made !== undefined) return `${made.at} makes up another one in each process.`;
  const read = all.find(isOpen);
  if (read !== undefined) return `${read.at} reads it from a file.`;
  const fixed = all.find(({ assign }) => assign.value.kind === "text");
  return fixed && `${fixed.at} has it in the code.`;
}

/** Where an application that is not Django's makes up a signing key, which then differs in each process. */
export function randomKeyAt(project: Project, modules: readonly Module[]): string | undefined {
  for (const { path } of modules) {
    const lines = (project.files.read(path) ?? "").split("\n");
    const index = lines.findIndex((line) => {
      const [, value = ""] = /^[^#]*\bsecret_key["']?\]?\s*[=:](?!=)\s*(.+)$/i.exec(line) ?? [];
      return random.test(value) && !ofEnvironment.test(value);
    });
    if (index >= 0) return `${path}:${index + 1}`;
  }
  return undefined;
}

/** The assignments one of which counts: the last one that nothing depends on, and those after it. */
function candidates(chain: readonly Module[]) {
  const found: { readonly path: string; readonly assign: Assign }[] = [];
  for (const { path, assigns } of chain) {
    for (const assign of assigns.filter((one) => one.name === "SECRET_KEY").reverse()) {
      if (assign.inside !== undefined) continue;
      found.push({ path, assign });
      if (!assign.conditional && !assign.isAdded) return found;
    }
  }
  return found;
}

/** What a function of the project does that the value comes from. */
function bodyOf(project: Project, { source }: Assign): string {
  const name = /^(?:\w+\.)*(\w+)\(/.exec(source)?.[1];
  if (name === undefined) return "";
  const module = project
    .having(new RegExp(`\\bdef ${name}\\(`))
    .find(({ functions }) => functions.some((one) => one.name === name));
  const text = module === undefined ? undefined : project.files.read(module.path);
  const [, after = ""] = text?.split(new RegExp(`^\\s*def ${name}\\(`, "m"), 2) ?? [];
  // As far as its lines are indented.
  return /^[^\n]*(\n([ \t][^\n]*)?)*/.exec(after)?.[0] ?? "";
}
