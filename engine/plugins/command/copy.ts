import { readdir, stat } from "node:fs/promises";
import { basename, posix } from "node:path";
import type { SFTPWrapper, Stats } from "ssh2";
import type { Context } from "../provider.ts";
import { dial } from "./connection.ts";
import { reason } from "./local.ts";
import type { Connection } from "./types.ts";

const NO_SUCH_FILE = 2;
/** Bytes. */
const ALMOST_NOTHING = 1 << 20;

/**
 * Copies a file, a directory or a text to a host over SFTP, by the real provider's rules:
 *
 * | source            | target is a directory | target is not there | target is a file |
 * |-------------------|-----------------------|---------------------|------------------|
 * | file              | target/file           | target              | overwritten      |
 * | text              | error                 | target              | overwritten      |
 * | directory         | target/directory      | target/directory    | error            |
 * | directory/ (slash)| its content           | its content         | error            |
 */
export async function copyFiles(
  connection: Connection,
  source: { readonly path?: string; readonly text?: string },
  target: string,
  context: Context,
): Promise<void> {
  const local = source.path === undefined ? undefined : { path: source.path, stat: await stat(source.path) };
  const session = await dial(connection, context);
  let cut: (error: Error) => void = () => {};
  // A lost connection or a cancelled operation leaves ssh2's callbacks unanswered.
  const broken = new Promise<never>((_resolve, reject) => {
    cut = reject;
  });
  broken.catch(() => {});
  let lost = "";
  const { host, port } = connection;
  session.client.on("error", (error) => {
    lost = ` (${error.message})`;
  });
  session.client.on("close", () =>
    cut(new Error(`the connection to ${host}:${port} was lost while copying${lost}`)),
  );
  const cancel = () => cut(new Error(reason(context.signal)));
  context.signal.addEventListener("abort", cancel, { once: true });
  try {
    const copied = subsystem(session.client).then((sftp) => transfer(sftp, source.text, local, target));
    await Promise.race([broken, copied]);
  } finally {
    context.signal.removeEventListener("abort", cancel);
    session.close();
  }
}

async function transfer(
  sftp: SFTPWrapper,
  text: string | undefined,
  local: { path: string; stat: { isDirectory(): boolean } } | undefined,
  target: string,
): Promise<void> {
  const there = await remoteStat(sftp, target);
  if (!local) {
    if (there?.isDirectory()) {
      throw new Error(`remote path ${target} is a directory; with a text asset, remotePath must name a file`);
    }
    await makeDirectories(sftp, posix.dirname(target));
    const written = answer("write", target, (done) => sftp.writeFile(target, Buffer.from(text ?? ""), done));
    await orFullDisk(sftp, target, written);
  } else if (local.stat.isDirectory()) {
    if (!there) await makeDirectories(sftp, target);
    const into = local.path.endsWith("/") ? target : posix.join(target, basename(local.path));
    await copyDirectory(sftp, local.path, into);
  } else if (there?.isDirectory()) {
    await copyFile(sftp, local.path, posix.join(target, basename(local.path)));
  } else {
    if (!there) await makeDirectories(sftp, posix.dirname(target));
    await copyFile(sftp, local.path, target);
  }
}

async function copyDirectory(sftp: SFTPWrapper, from: string, to: string): Promise<void> {
  const there = await remoteStat(sftp, to);
  if (there && !there.isDirectory()) throw new Error(`remote path ${to} exists but is not a directory`);
  if (!there) await makeDirectory(sftp, to);
  const entries = await readdir(from, { withFileTypes: true });
  for (const entry of entries.sort((left, right) => (left.name < right.name ? -1 : 1))) {
    const [source, target] = [posix.join(from, entry.name), posix.join(to, entry.name)];
    if (entry.isDirectory()) await copyDirectory(sftp, source, target);
    else await copyFile(sftp, source, target);
  }
}

function copyFile(sftp: SFTPWrapper, from: string, to: string): Promise<void> {
  const copied = answer(`copy ${from} to`, to, (done) => sftp.fastPut(from, to, (error) => done(error)));
  return orFullDisk(sftp, to, copied);
}

/** SFTP knows no "disk full": it is a "Failure" like many others (SSH_FX_FAILURE), so the host is asked. */
async function orFullDisk(sftp: SFTPWrapper, path: string, done: Promise<void>): Promise<void> {
  try {
    await done;
  } catch (error) {
    const free = await freeBytes(sftp, posix.dirname(path));
    if (free >= ALMOST_NOTHING) throw error;
    throw new Error(
      `${(error as Error).message}: the disk is full: ${Math.floor(free / 1024)} KiB left. ` +
        "Free some space on the host or give it a larger disk, then run 'pulumi up' again.",
    );
  }
}

/** Bytes that are free for this account; infinite where the server does not tell. */
function freeBytes(sftp: SFTPWrapper, path: string): Promise<number> {
  return new Promise((resolve) => {
    try {
      sftp.ext_openssh_statvfs(path, (error, found: { f_bavail: number; f_frsize: number }) =>
        resolve(error ? Number.POSITIVE_INFINITY : Number(found.f_bavail) * Number(found.f_frsize)),
      );
    } catch {
      resolve(Number.POSITIVE_INFINITY);
    }
  });
}

async function makeDirectories(sftp: SFTPWrapper, path: string): Promise<void> {
  const there = await remoteStat(sftp, path);
  if (there?.isDirectory()) return;
  if (there) throw new Error(`remote path ${path} exists but is not a directory`);
  await makeDirectories(sftp, posix.dirname(path));
  await makeDirectory(sftp, path);
}

/** Two copies at once may both find a directory missing: the slower one takes what the other has made. */
async function makeDirectory(sftp: SFTPWrapper, path: string): Promise<void> {
  try {
    await answer("create the directory", path, (done) => sftp.mkdir(path, done));
  } catch (error) {
    if (!(await remoteStat(sftp, path))?.isDirectory()) throw error;
  }
}

function remoteStat(sftp: SFTPWrapper, path: string): Promise<Stats | undefined> {
  return new Promise((resolve, reject) => {
    sftp.stat(path, (error, found) => {
      if (!error) resolve(found);
      else if ((error as { code?: unknown }).code === NO_SUCH_FILE) resolve(undefined);
      else reject(new Error(`failed to look at ${path} on the host: ${error.message}`));
    });
  });
}

function subsystem(client: { sftp(done: (error: Error | undefined, sftp: SFTPWrapper) => void): void }) {
  return new Promise<SFTPWrapper>((resolve, reject) => {
    client.sftp((error, sftp) => (error ? reject(error) : resolve(sftp)));
  });
}

function answer(
  what: string,
  path: string,
  request: (done: (error?: Error | null) => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    request((error) =>
      error ? reject(new Error(`failed to ${what} ${path} on the host: ${error.message}`)) : resolve(),
    );
  });
}
