import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { knownHost } from "../../host/known-hosts.ts";

/**
 * Host keys of git servers that many use, as their operators publish them:
 * https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/githubs-ssh-key-fingerprints
 * https://docs.gitlab.com/user/gitlab_com/#ssh-known_hosts-entries
 */
const knownServers: Readonly<Record<string, string>> = {
  "github.com": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
  "gitlab.com": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf",
};

/** A git server that is reached by SSH. */
export interface GitServer {
  readonly host: string;
  readonly port: number;
}

/** The server of a URL that is reached by SSH; undefined for https. See git-clone(1), "GIT URLS". */
export function sshServer(url: string): GitServer | undefined {
  if (url.startsWith("ssh://")) {
    const parsed = new URL(url);
    return { host: parsed.hostname, port: parsed.port === "" ? 22 : Number(parsed.port) };
  }
  const short = /^[\w.-]+@([\w.-]+):/.exec(url);
  return short?.[1] === undefined ? undefined : { host: short[1], port: 22 };
}

/**
 * The known_hosts line of a git server.
 *
 * @throws when its host key is neither given nor known
 */
export function knownHostsLine(server: GitServer, hostKey: string | undefined): string {
  const key = hostKey ?? knownServers[server.host];
  if (key === undefined) {
    throw new Error(
      `app.source.hostKey: expected the ed25519 host key of ${server.host}; found nothing. ` +
        `'ssh-keyscan -t ed25519 ${server.host}' shows it; compare it with what the server's operator publishes.`,
    );
  }
  return knownHost(server, key);
}

export interface GitReference {
  readonly url: string;
  /** Branch, tag or full commit id. */
  readonly ref: string;
  /** How to log in to a server that is reached by SSH. */
  readonly ssh?: { readonly privateKey: string; readonly knownHosts: string };
}

/**
 * The commit that a reference stands for now.
 *
 * @throws when there is no such reference, or the repository cannot be read
 */
export async function resolveCommit(reference: GitReference): Promise<string> {
  if (/^[0-9a-f]{40}$/.test(reference.ref)) {
    return reference.ref;
  }
  const lines = await listRemote(reference);
  const commits = new Map(lines.map((line) => line.split("\t").reverse() as [string, string]));
  const { ref } = reference;
  // A tag that carries a message is an object of its own; what it points at is listed with ^{}.
  const names = [`refs/tags/${ref}^{}`, `refs/heads/${ref}`, `refs/tags/${ref}`, ref];
  const commit = names.map((name) => commits.get(name)).find((found) => found !== undefined);
  if (commit === undefined) {
    const branches = [...commits.keys()]
      .filter((name) => name.startsWith("refs/heads/"))
      .map((name) => name.slice(11));
    throw new Error(
      `app.source.ref: ${reference.url} has no branch or tag '${ref}'; ` +
        `its branches are: ${branches.slice(0, 10).join(", ") || "none"}`,
    );
  }
  return commit;
}

async function listRemote(reference: GitReference): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), "berth-git-"));
  try {
    // The engine hands the program its configuration and the way to its secrets in the environment.
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith("PULUMI_"));
    const env: NodeJS.ProcessEnv = { ...Object.fromEntries(own), GIT_TERMINAL_PROMPT: "0" };
    if (reference.ssh !== undefined) {
      await writeFile(join(directory, "key"), reference.ssh.privateKey, { mode: 0o600 });
      await writeFile(join(directory, "known_hosts"), `${reference.ssh.knownHosts}\n`);
      env.GIT_SSH_COMMAND =
        `ssh -F none -i '${directory}/key' -o IdentitiesOnly=yes -o BatchMode=yes -o ConnectTimeout=15 ` +
        `-o UserKnownHostsFile='${directory}/known_hosts' -o StrictHostKeyChecking=yes`;
    }
    const run = promisify(execFile);
    const { stdout } = await run("git", ["ls-remote", "--", reference.url], {
      env,
      timeout: 60_000,
      maxBuffer: 1 << 28,
    });
    return stdout.trim().split("\n");
  } catch (error) {
    const said = (error as { stderr?: string }).stderr ?? String(error);
    if (said.includes("Host key verification failed")) {
      throw new Error(
        `app.source.hostKey: the server of ${reference.url} shows another host key than the one that is expected. ` +
          "Compare both with what the server's operator publishes; nothing was sent to it.",
        { cause: error },
      );
    }
    const reason = said.trim().split("\n")[0];
    throw new Error(`app.source.git: ${reference.url} cannot be read: ${reason}`, { cause: error });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
