// The SQL of a migration, as the application's own Django says it (`sqlmigrate`). That runs code of the application, so only
// somebody who asks for it gets it, on the computer that runs the preview and never on a host.
import { spawn } from "node:child_process";

/** What came of asking. */
export interface Sql {
  readonly text: string;
  /** Whether it is no SQL, but what the command said when it failed. */
  readonly isFault: boolean;
}

/** Django starts in seconds. All together, so that many of them end as well. */
const limits = { each: 60_000, all: 300_000, characters: 64 * 1024 } as const;

/**
 * What the code of a pull request is not given, so that it finds none of it by mistake: what the preview itself may do in the
 * cloud, on the stack and in the forge. Code that looks for it finds it where its account can read, such as in /proc.
 */
const withheld =
  /^(AWS_|AZURE_|ARM_|GOOGLE_|PULUMI_|ACTIONS_|VAULT_|OP_|SOPS_|GITHUB_TOKEN$|GITLAB_TOKEN$|GH_TOKEN$|CI_JOB_TOKEN$|CI_JOB_JWT|CI_DEPLOY_|CI_REGISTRY_PASSWORD$|CI_REPOSITORY_URL$|SSH_AUTH_SOCK$)/;
const telling = /KEY|SECRET|TOKEN|PASS|CREDENTIAL|DSN|AUTH/i;
/** A shorter value would blot out ordinary words. */
const shortest = 6;

/** An environment without the preview's own rights. */
export const environmentFor = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !withheld.test(name)));

/** Puts the name of a variable where its secret value stands. */
export function masked(text: string, env: NodeJS.ProcessEnv): string {
  const values = Object.entries(env).flatMap(([name, value = ""]): [string, string][] => {
    const password = /^[\w+.-]+:\/\/[^/@\s]*?:([^/@\s]+)@/.exec(value)?.[1];
    const parts = [
      ...(telling.test(name) ? [value, ...value.split("\n")] : []),
      ...(password ? [value, password] : []),
    ];
    return parts.filter((one) => one.trim().length >= shortest).map((one) => [name, one]);
  });
  return values
    .sort(([, a], [, b]) => b.length - a.length)
    .reduce((masked, [name, value]) => masked.replaceAll(value, `[${name}]`), text);
}

/**
 * Asks for the SQL of migrations, one after the other.
 *
 * @param command what 'manage.py' is typed as, in words of a shell
 * @param directory that of the application
 */
export async function askSql(
  command: string,
  directory: string,
  migrations: readonly { readonly app: string; readonly name: string }[],
  env: NodeJS.ProcessEnv = process.env,
  { each, all, characters }: Readonly<Record<keyof typeof limits, number>> = limits,
): Promise<Sql[]> {
  const until = Date.now() + all;
  const found: Sql[] = [];
  for (const { app, name } of migrations) {
    const left = Math.min(each, until - Date.now());
    const one =
      left <= 0
        ? { text: `not asked: the ${all / 1000} s for all migrations are over`, isFault: true }
        : await ask(
            command,
            directory,
            ["sqlmigrate", "--no-color", app, name],
            environmentFor(env),
            left,
            characters,
          );
    found.push({ ...one, text: masked(one.text, env) });
  }
  return found;
}

function ask(
  command: string,
  cwd: string,
  words: readonly string[],
  env: NodeJS.ProcessEnv,
  time: number,
  characters: number,
): Promise<Sql> {
  return new Promise((settle) => {
    // A group of its own, so that all that it has started ends with it.
    const child = spawn("/bin/sh", ["-c", `${command} "$@"`, "sh", ...words], {
      ...{ cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] },
    });
    const said = { stdout: "", stderr: "" };
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      end();
    }, time);
    const end = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    };
    for (const name of ["stdout", "stderr"] as const)
      child[name].setEncoding("utf8").on("data", (part: string) => {
        // The rest is read, so that it can end, and thrown away.
        if (said[name].length <= characters) said[name] += part;
      });
    const done = (why: string | undefined) => {
      clearTimeout(timer);
      const cut = (text: string) =>
        text.length <= characters
          ? text.trim()
          : `${text.slice(0, characters)}\n… (more than ${characters} characters)`;
      if (why === undefined) settle({ text: cut(said.stdout), isFault: false });
      else settle({ text: [why, ...lastLines(cut(said.stderr || said.stdout))].join("\n"), isFault: true });
    };
    child.once("error", ({ message }) => done(message));
    // What it has left running, in its group or not, holds its output open.
    child.once("exit", () =>
      setTimeout(() => {
        end();
        child.stdout.destroy();
        child.stderr.destroy();
      }, 1000),
    );
    child.once("close", (code, signal) => {
      const ending = isLate ? `it was ended after ${time / 1000} s` : `it ended with ${code ?? signal}`;
      done(code === 0 && !isLate ? undefined : `${command} ${words.join(" ")}: ${ending}`);
    });
  });
}

/** The cause of a traceback is at its end. */
const lastLines = (text: string): string[] =>
  text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-8);
