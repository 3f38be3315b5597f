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
