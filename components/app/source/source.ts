import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { type Process, type ProcessConfig, readProcfile, wantedProcesses } from "../processes/processes.ts";
import { type Archive, packDirectory } from "./archive.ts";
import { type GitReference, knownHostsLine, resolveCommit, sshServer } from "./git.ts";
import { type Beside, entryFault, settingsFault } from "./modules.ts";

/** A directory of the computer that runs Berth. */
export interface DirectorySource {
  readonly directory: string;
}

/** A git repository. */
export interface GitSource {
  readonly git: string;
  /** Branch, tag or full commit id. */
  readonly ref: string;
  /** The application's directory in the repository. */
  readonly path: string;
  /** Host key of the git server, for a URL that is reached by SSH. */
  readonly hostKey?: string | undefined;
}

/** Where a release's code comes from, settled: an archive at hand, or a commit. */
export interface Source {
  /** What the code is: a hash of the archive, or the commit. */
  readonly version: pulumi.Output<string>;
  readonly archive: Archive | undefined;
  readonly git:
    | { readonly url: string; readonly path: string; readonly commit: pulumi.Output<string> }
    | undefined;
  /** The lines of its Procfile; undefined where only the host sees the code. */
  readonly procfile: Readonly<Record<string, string>> | undefined;
  /** The key that the host reads a private repository with, and what it must see there. */
  readonly deployKey: { readonly key: tls.PrivateKey; readonly knownHosts: string } | undefined;
}

/**
 * Settles where the code comes from. A program waits for it before it makes anything, so that a source that is not
 * there stops it while nothing has been changed.
 *
 * @param name the first part of the name of the deploy key, the one resource that a private repository needs
 * @param module the module of the WSGI or ASGI application, which a directory must have
 * @param pythonPath what the application's PYTHONPATH is, if it has one
 * @param key which key names the module
 * @param beside what else a directory's modules may come from, and the settings module, which is sought in the same way
 * @throws {pulumi.RunError} when the directory, the module, the repository or the reference is not there
 */
export async function openSource(
  name: string,
  source: DirectorySource | GitSource,
  module: string,
  pythonPath = "",
  key: "wsgi" | "asgi" = "wsgi",
  beside: Beside & { readonly settings?: string | undefined } = {},
): Promise<Source> {
  return "directory" in source
    ? openDirectory(source.directory, { key, module }, { ...beside, pythonPath })
    : await openRepository(name, source);
}

function openDirectory(
  directory: string,
  entry: { readonly key: string; readonly module: string },
  beside: Beside & { readonly settings?: string | undefined },
): Source {
  if (!existsSync(directory) || !statSync(directory).isDirectory()) {
    throw new pulumi.RunError(
      `app.source.directory: expected a directory, from ${process.cwd()}; found no directory '${directory}'`,
    );
  }
  const faults = [
    entryFault(directory, entry, beside),
    ...(beside.settings === undefined ? [] : [settingsFault(directory, beside.settings, beside)]),
  ].filter((one) => one !== undefined);
  if (faults.length > 0) throw new pulumi.RunError(faults.join("\n"));
  const archive = packDirectory(directory, join(".berth", "archives"));
  const lines = join(directory, "Procfile");
  const procfile = existsSync(lines) ? readProcfile(readFileSync(lines, "utf8")) : {};
  return { version: pulumi.output(archive.sha256), archive, procfile, git: undefined, deployKey: undefined };
}

async function openRepository(name: string, source: GitSource): Promise<Source> {
  const server = sshServer(source.git);
  const reference = { url: source.git, ref: source.ref };
  if (server === undefined) {
    const commit = pulumi.output(await resolved(reference));
    return {
      version: commit,
      archive: undefined,
      procfile: undefined,
      git: { url: source.git, path: source.path, commit },
      deployKey: undefined,
    };
  }
  const knownHosts = expectation(() => knownHostsLine(server, source.hostKey));
  const key = new tls.PrivateKey(`${name}-deploy-key`, { algorithm: "ED25519" });
  const asked = pulumi
    .all([key.privateKeyOpenssh, key.publicKeyOpenssh])
    .apply(([privateKey, publicKey]) =>
      resolved(
        { ...reference, ssh: { privateKey, knownHosts } },
        `\nEnter this deploy key (read only) at ${server.host}, then run 'pulumi up' again:\n${publicKey.trim()}`,
      ),
    );
  const commit = pulumi.unsecret(asked);
  // In the first preview there is no key yet, and nobody to ask.
  await known(commit);
  return {
    version: commit,
    archive: undefined,
    procfile: undefined,
    git: { url: source.git, path: source.path, commit },
    deployKey: { key, knownHosts },
  };
}

/**
 * The processes of an application: see {@link wantedProcesses}.
 *
 * @throws {pulumi.RunError} when one has no command, or its Procfile holds what cannot be run
 */
export const processesOf = (source: Source, configured: Readonly<Record<string, ProcessConfig>>): Process[] =>
  expectation(() => wantedProcesses(configured, source.procfile));

async function resolved(reference: GitReference, remedy = ""): Promise<string> {
  try {
    return await resolveCommit(reference);
  } catch (error) {
    const unreadable = (error as Error).message.startsWith("app.source.git:");
    throw new pulumi.RunError(`${(error as Error).message}${unreadable ? remedy : ""}`);
  }
}

/** What is wrong with the configuration is said without a stack trace. */
function expectation<Result>(check: () => Result): Result {
  try {
    return check();
  } catch (error) {
    throw new pulumi.RunError((error as Error).message);
  }
}

/** Waits until an output has its value or is known to have none yet. */
async function known<Value>(output: pulumi.Output<Value>): Promise<void> {
  await (output as unknown as { promise(withUnknowns: boolean): Promise<Value> }).promise(true);
}

/**
 * The id of a release: what the code is, and, where the same code is prepared in another way, how.
 *
 * @param recipe all that a release's directory depends on beside the code
 */
export function releaseId(version: string, recipe: readonly string[]): string {
  const digest = createHash("sha256").update(JSON.stringify(recipe)).digest("hex");
  return `${version.slice(0, 10)}-${digest.slice(0, 4)}`;
}

/** Whether a text has the form of {@link releaseId}. */
export const isReleaseId = (text: string): boolean => /^[0-9a-f]{10}-[0-9a-f]{4}$/.test(text);

/**
 * The source to open when a release to go back to is given: by its id it is on the host, whatever the source is; by
 * a git reference it is that commit of the same repository.
 */
export function sourceOf(
  source: DirectorySource | GitSource,
  release: string | undefined,
): DirectorySource | GitSource {
  if (release === undefined || isReleaseId(release)) return source;
  if ("git" in source) return { ...source, ref: release };
  throw new pulumi.RunError(
    `app.release: expected the id of a release, such as 0123456789-abcd, for the source is a directory; found '${release}'`,
  );
}
