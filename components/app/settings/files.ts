import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import type { SecretFile } from "../../host/host-script.ts";
import type { StepFile } from "../../host/step.ts";
import type { FilesConfig } from "./files-schema.ts";
import { fill, type References, referenceFaults } from "./references.ts";

/** A file beside the application's code, as a host gets it. */
export interface AppFile {
  readonly text: pulumi.Output<string>;
  /** The secrets in it, by their names; one makes the whole file secret. */
  readonly secrets: Readonly<Record<string, pulumi.Input<string>>>;
  /** The text with the names of the secrets in their place. */
  readonly told: pulumi.Output<string>;
  /** Whether it takes the place of one that the source has. */
  readonly replace: boolean;
}

export type AppFiles = Readonly<Record<string, AppFile>>;

/** What is wrong with one of the files: its path, the key below it, what was expected and what was found. */
export interface FileFault {
  readonly path: readonly string[];
  readonly message: string;
  readonly found: string;
}

/**
 * What is wrong with `app.files` beyond its form.
 *
 * @param known the names that the files may refer to
 */
export function fileFaults(files: FilesConfig, known: readonly string[]): FileFault[] {
  const paths = Object.keys(files);
  return Object.entries(files).flatMap(([path, file]): FileFault[] => {
    const inside = paths.find((other) => other.startsWith(`${path}/`));
    if (inside !== undefined) {
      return [{ path: [path], message: `expected a directory, for '${inside}' is in it`, found: "a file" }];
    }
    const key = "from" in file ? "from" : "content";
    let text: string;
    try {
      text = textOf(file);
    } catch (error) {
      const message = `expected a text file, from ${process.cwd()} (${(error as Error).message})`;
      return [{ path: [path, key], message, found: "from" in file ? file.from : "" }];
    }
    return text.split("\n").flatMap((line, index) =>
      referenceFaults({ line }, known).map(([, fault, found]) => ({
        path: [path, key],
        message: `line ${index + 1}: ${fault}`,
        found,
      })),
    );
  });
}

/** The files with what they refer to in its place. */
export function openFiles(files: FilesConfig, references: References): AppFiles {
  const names = Object.keys(references.secret).map((name) => [name, `\${${name}}`]);
  const named = { plain: { ...references.plain, ...Object.fromEntries(names) }, secret: {} };
  return Object.fromEntries(
    Object.entries(files).map(([path, file]) => {
      const text = textOf(file);
      const { value, secrets } = fill(text, references, `app.files.${path}`);
      return [
        path,
        {
          text: secrets.length > 0 ? pulumi.secret(value) : value,
          secrets: Object.fromEntries(secrets.map((name) => [name, references.secret[name] ?? ""])),
          told: fill(text, named, `app.files.${path}`).value,
          replace: file.replace,
        },
      ];
    }),
  );
}

function textOf(file: FilesConfig[string]): string {
  if (!("from" in file)) return file.content;
  return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file.from));
}

/** Where a host has the files as they are wanted now. What an instance runs with is its own copy of them. */
export const filesPlace = (root: string): string => `${root}/config/files`;

/** The files as a step puts them in place, those that are secret apart, and with them the secrets to be masked. */
export function filesOfStep(
  name: string,
  root: string,
  files: AppFiles,
): {
  readonly files: Readonly<Record<string, pulumi.Output<StepFile>>>;
  readonly secretFiles: Readonly<Record<string, SecretFile>>;
} {
  const access = { owner: `root:${name}`, mode: "0640" };
  const entries = Object.entries(files).map(
    ([path, file]) => [`${filesPlace(root)}/${path}`, file, Object.keys(file.secrets).length > 0] as const,
  );
  const plain = entries.filter(([, , isSecret]) => !isSecret);
  const secret = entries.filter(([, , isSecret]) => isSecret);
  return {
    files: Object.fromEntries(
      plain.map(([path, { text }]) => [path, text.apply((content) => ({ content, ...access }))]),
    ),
    secretFiles: {
      ...Object.fromEntries(secret.map(([path, { text }]) => [path, { content: text, ...access }])),
      ...(secret.length === 0
        ? {}
        : {
            [`/etc/berth/${name}/files-secrets`]: {
              content: pulumi.output(secretsIn(files)).apply((named) => JSON.stringify(Object.values(named))),
            },
          }),
    },
  };
}

/** The secrets in all of the files, by their names. */
export const secretsIn = (files: AppFiles): Readonly<Record<string, pulumi.Input<string>>> =>
  Object.assign({}, ...Object.values(files).map((file) => file.secrets));

/** A digest of each file without its secrets, by which a preview shows which of them change. */
export const fileDigests = (files: AppFiles): Readonly<Record<string, pulumi.Output<string>>> =>
  Object.fromEntries(
    Object.entries(files).map(([path, { told }]) => [
      path,
      told.apply((text) => createHash("sha256").update(text).digest("hex").slice(0, 16)),
    ]),
  );

/** Where a release has the files, and which of them take the place of its source's: a part of how it is made. */
export const fileLinks = (files: AppFiles): Readonly<Record<string, boolean>> =>
  Object.fromEntries(
    Object.keys(files)
      .sort()
      .map((path) => [path, files[path]?.replace ?? false]),
  );
