// What a file of Django's migrations says, without running it.
import { type Call, type Expression, readPython, textIn } from "../../init/python.ts";

/** One operation of a migration, such as AddField. */
export interface Operation {
  readonly name: string;
  readonly call: Call;
}

export interface MigrationFile {
  /** Whether all of it is one transaction. */
  readonly isAtomic: boolean;
  readonly operations: readonly Operation[];
  /** Whether there is more than the operations that could be read: it makes some of them by a program. */
  readonly isPartial: boolean;
}

export function readMigration(path: string, text: string): MigrationFile {
  const { assigns, faultAt } = readPython(path, text);
  const lists = assigns.filter(({ name, inside }) => name === "operations" && inside === undefined);
  const read = lists.map(({ value }) => operationsIn(value));
  return {
    isAtomic: !assigns.some(({ name, source }) => name === "atomic" && source === "False"),
    operations: read.flatMap(({ operations }) => operations),
    isPartial: faultAt !== undefined || lists.length === 0 || read.some(({ isPartial }) => isPartial),
  };
}

/** The operations in a list. */
export function operationsIn(list: Expression | undefined): Omit<MigrationFile, "isAtomic"> {
  const items = list?.kind === "list" ? list.items : [];
  const operations = items.flatMap((one) =>
    one.kind === "call" ? [{ name: lastOf(one.call.name), call: one.call }] : [],
  );
  return { operations, isPartial: list?.kind !== "list" || operations.length < items.length };
}

/** 'AddField' of 'migrations.AddField'. */
export const lastOf = (name: string): string => name.split(".").at(-1) ?? name;

/** An argument, by its place or its name. */
export const argument = ({ args, keywords }: Call, place: number, ...names: readonly string[]) =>
  names.map((name) => keywords[name]).find((one) => one !== undefined) ?? args[place];

export const textArgument = (call: Call, place: number, ...names: readonly string[]): string =>
  textIn(argument(call, place, ...names)) ?? "?";

/** Whether a keyword is True, or False; undefined where it is neither or not there. */
export function flagIn(call: Call, name: string): boolean | undefined {
  const found = call.keywords[name];
  if (found?.kind !== "constant") return undefined;
  return found.source === "True" ? true : found.source === "False" ? false : undefined;
}
