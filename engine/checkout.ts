import { randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Engine, homeOf, readEngine } from "./acquire.ts";
import { engineEnvironment } from "./environment.ts";

/** The places in a checkout where Berth keeps what it makes for itself; git ignores them all. */
export const berthPlaces = (root: string) => ({
  home: homeOf(root),
  state: join(root, ".berth/state"),
  passphraseFile: join(root, ".berth/passphrase"),
  remembered: join(root, ".berth/stack-files"),
});

/**
 * The environment for every call of the engine in this checkout: its own PULUMI_HOME, file backend and
 * passphrase, so that a user's own Pulumi login and stacks are never touched. Makes the backend's folder and the
 * passphrase when they are not there yet. The engine has to be in place: see ensureEngine.
 */
export function berthEnvironment(root: string, engine: Engine = readEngine(root)): NodeJS.ProcessEnv {
  const { home, state, passphraseFile } = berthPlaces(root);
  mkdirSync(join(root, ".berth"), { recursive: true, mode: 0o700 });
  mkdirSync(state, { recursive: true, mode: 0o700 });
  ensurePassphrase(passphraseFile, state);
  return engineEnvironment({
    home,
    state,
    passphraseFile,
    cliDirectory: dirname(engine.cli),
    downloadPlugins: engine.plugins === "download",
  });
}

/** What leads Pulumi to a backend, a login and a passphrase. */
const leading = [
  ...["PULUMI_BACKEND_URL", "PULUMI_ACCESS_TOKEN", "PULUMI_API"],
  ...["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"],
  "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER",
];

/** Whether the environment names a backend of the user's own: a team's, in a pipeline. */
export const namesBackend = (user: NodeJS.ProcessEnv = process.env): boolean =>
  Boolean(user.PULUMI_BACKEND_URL || user.PULUMI_ACCESS_TOKEN);

/** Where Berth's own backend keeps a stack. */
const ownFile = (root: string, stack: string) =>
  join(berthPlaces(root).state, ".pulumi/stacks/berth", `${stack}.json`);

/** Whether Berth itself keeps a stack, in this checkout. */
export const isOwnStack = (root: string, stack: string): boolean => existsSync(ownFile(root, stack));

/** Whether a stack is the team's: one that this checkout does not keep, where the environment names a backend. */
export const isTeamStack = (root: string, stack: string, user: NodeJS.ProcessEnv = process.env): boolean =>
  namesBackend(user) && !isOwnStack(root, stack);

/** The same environment with the backend and the login that the user's own names. */
export function teamEnvironment(
  root: string,
  engine: Engine = readEngine(root),
  user: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const { home, state, passphraseFile } = berthPlaces(root);
  const environment = engineEnvironment(
    {
      home,
      state,
      passphraseFile,
      cliDirectory: dirname(engine.cli),
      downloadPlugins: engine.plugins === "download",
    },
    user,
  );
  for (const name of leading) {
    if (user[name] === undefined) delete environment[name];
    else environment[name] = user[name];
  }
  return environment;
}

/** Makes a passphrase where there is none. One that is there is never written over: the state is lost without it. */
function ensurePassphrase(path: string, state: string): void {
  if (existsSync(path)) return;
  if (hasStacks(state)) {
    throw new Error(
      `${path} is missing, and the secrets of the stacks in ${state} are encrypted with it. Put the file back. ` +
        `If it is lost, so are they: remove ${state} and the machines that these stacks made, and begin anew.`,
    );
  }
  const temporary = `${path}.${process.pid}.new`;
  try {
    writeFileSync(temporary, `${randomBytes(32).toString("base64url")}\n`, {
      mode: 0o600,
      flag: "wx",
      flush: true,
    });
    // A link, unlike a rename, does not replace what another process has put there in the meantime.
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function hasStacks(state: string): boolean {
  const stacks = join(state, ".pulumi/stacks");
  if (!existsSync(stacks)) return false;
  return readdirSync(stacks, { recursive: true, encoding: "utf8" }).some((name) => name.endsWith(".json"));
}
