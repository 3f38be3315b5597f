// Keeps Pulumi's salts out of the stack files.
//
// With a passphrase, Pulumi writes `encryptionsalt:` into Pulumi.<stack>.yaml. That file is part of the source,
// while Berth's passphrase is generated in each checkout: a salt in it would make the checkout dirty, and one
// that was committed would lock out every colleague, whose passphrase is another one. But the same salt is in the
// stack's state as well, and with PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER the CLI takes it from there when the
// file has none. It still writes it back at every call, and lays out the YAML anew on that occasion. So Berth
// remembers the files before a call, and puts them right during a long call, after each, and before the next in
// case this one is killed at once:
// - the salt's line is taken out, but only where the state holds the very same salt. So nothing can be lost, and
//   the salt of a user who works with a backend and a passphrase of their own stays;
// - where the file then means what it meant before, it is put back to the letter; where a call has changed it
//   (`config set`), that change stays.
// The line goes by its text: an edit by the library yaml would lay out the rest of the file anew as well.
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { readText, writeFile } from "./files.ts";

const stackFile = /^Pulumi\.(.+)\.ya?ml$/;
const saltLine = /^encryptionsalt:[ \t]*["']?([^"'\s]+)["']?[ \t]*(?:\r?\n|$)/m;

export interface StackFiles {
  /** The folder with Pulumi.yaml and the stack files. */
  readonly project: string;
  /** The folder of the file backend. */
  readonly state: string;
  /** Where the files are remembered during a call; a call that is killed leaves them there for the next. */
  readonly remembered: string;
}

/** Keeps each stack file as it is now. Call restoreStackFiles first: what a killed call left must not be kept. */
export function rememberStackFiles(files: StackFiles): void {
  mkdirSync(files.remembered, { recursive: true, mode: 0o700 });
  for (const { name, text } of stackFiles(files.project))
    writeFile(join(files.remembered, name), text, 0o600);
}

/** Takes the salts that the state holds out of the stack files, and undoes what the CLI did to their layout. */
export async function restoreStackFiles(files: StackFiles): Promise<void> {
  for (const { name, stack, text } of stackFiles(files.project)) {
    const salt = saltLine.exec(text)?.[1];
    if (salt === undefined || salt !== saltInState(files.state, stack)) continue;
    const path = join(files.project, name);
    const rest = text.replace(saltLine, "");
    const before = readText(join(files.remembered, name));
    // A file that holds nothing else was made by the CLI for the salt alone.
    if (rest.trim() === "" && before === undefined) rmSync(path);
    else
      writeFile(
        path,
        before !== undefined && (await sameMeaning(before, rest)) ? before : rest,
        modeOf(path),
      );
  }
}

/** Whether two YAML texts say the same. Loaded only here: most calls that need no salt need no parser. */
async function sameMeaning(a: string, b: string): Promise<boolean> {
  const { parse } = await import("yaml");
  try {
    return isDeepStrictEqual(parse(a) ?? {}, parse(b) ?? {});
  } catch {
    return false;
  }
}

const modeOf = (path: string) => statSync(path).mode & 0o777;

function stackFiles(project: string): { name: string; stack: string; text: string }[] {
  return readdirSync(project).flatMap((name) => {
    const stack = stackFile.exec(name)?.[1];
    const text = stack === undefined ? undefined : readText(join(project, name));
    return stack === undefined || text === undefined ? [] : [{ name, stack, text }];
  });
}

/** The salt in a stack's state, or undefined where there is no such stack. The stack's name is its file's. */
function saltInState(state: string, stack: string): string | undefined {
  const stacks = join(state, ".pulumi/stacks");
  for (const project of foldersIn(stacks)) {
    const text = readText(join(stacks, project, `${stack}.json`));
    const salt = text === undefined ? undefined : saltOf(text);
    if (salt !== undefined) return salt;
  }
  return undefined;
}

function foldersIn(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

interface Checkpoint {
  readonly checkpoint?: {
    readonly latest?: { readonly secrets_providers?: { readonly state?: { readonly salt?: string } } };
  };
}

function saltOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as Checkpoint).checkpoint?.latest?.secrets_providers?.state?.salt;
  } catch {
    // A state that is being written this moment: the line stays until the next call.
    return undefined;
  }
}
