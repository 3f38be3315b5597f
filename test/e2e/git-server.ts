// A git server of a test's own, on the stack's host: an account that serves a copy of the stack's application by SSH.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Stack } from "./harness.ts";

/** The work tree of what the server has. */
export const repository = (stack: Stack) => join(dirname(stack.project), "repository");

export function git(stack: Stack, ...args: string[]): Buffer {
  const who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
  return execFileSync("git", ["-C", repository(stack), ...who, ...args], { maxBuffer: 1 << 26 });
}

export const commit = (stack: Stack) => git(stack, "rev-parse", "main").toString().trim();

/**
 * Makes the server, with a first commit.
 *
 * @param place where the application is in the repository
 * @returns the repository's URL
 */
export async function gitServer(stack: Stack, place = "."): Promise<string> {
  mkdirSync(repository(stack), { recursive: true });
  git(stack, "init", "-q", "-b", "main");
  cpSync(join(stack.project, "app"), join(repository(stack), place), { recursive: true });
  await stack.on(`useradd --create-home --shell /usr/bin/git-shell --password '*' git
    install -d -o git -g git -m 0700 /home/git/.ssh; install -d -o git -g git /srv/git
    runuser -u git -- git init -q --bare -b main /srv/git/app.git`);
  await push(stack);
  return `ssh://git@${await stack.address()}/srv/git/app.git`;
}

/** Lets a deploy key in. */
export const letIn = (stack: Stack, key: string) =>
  stack.on("cat >/home/git/.ssh/authorized_keys; chown git: /home/git/.ssh/authorized_keys", { stdin: key });

export async function push(stack: Stack, branch = "main"): Promise<void> {
  git(stack, "add", "--all");
  git(stack, "commit", "-q", "-m", "A change");
  await sendBranch(stack, branch);
}

/** Makes the server's branch the repository's, whatever it was. */
export async function sendBranch(stack: Stack, branch = "main"): Promise<void> {
  const bundle = git(stack, "bundle", "create", "-q", "-", branch).toString("base64");
  await stack.on("base64 -d >/srv/git/bundle", { stdin: bundle });
  await onServer(stack, `git -C app.git fetch -q /srv/git/bundle +${branch}:${branch}`);
}

export const onServer = (stack: Stack, command: string) =>
  stack.on(`cd /srv/git; runuser -u git -- ${command}`);
