import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Progress } from "../../engine/progress.ts";

/** A program and the Debian package that has it. */
type Needs = Readonly<Record<string, string>>;

/** What a local host needs on this computer. */
export const forLocalHosts: Needs = {
  mmdebstrap: "mmdebstrap",
  "systemd-nspawn": "systemd-container",
  nft: "nftables",
  ip: "iproute2",
  "mkfs.ext4": "e2fsprogs",
  losetup: "mount",
  ssh: "openssh-client",
};

/** What the tests need beside that. */
export const forTests: Needs = { ...forLocalHosts, shellcheck: "shellcheck", sshd: "openssh-server" };

/** The directories of system programs are not on every account's PATH. */
const systemPath = [...(process.env.PATH ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];

function missingPackages(needs: Needs): string[] {
  const missing = Object.entries(needs).filter(
    ([program]) => !systemPath.some((directory) => existsSync(join(directory, program))),
  );
  return [...new Set(missing.map(([, name]) => name))].sort();
}

/**
 * Installs the Debian packages that are missing, where this account may.
 *
 * @throws with the one line to run where it may not
 */
export async function ensurePackages(needs: Needs, progress: Progress): Promise<void> {
  const missing = missingPackages(needs);
  if (missing.length === 0) {
    return;
  }
  const install = ["apt-get", "install", "-y", "--no-install-recommends", ...missing];
  const byHand = `apt-get update && ${install.join(" ")}`;
  const sudo = process.getuid?.() === 0 ? [] : ["sudo", "-n", "env"];
  if (spawnSync("sh", ["-c", "command -v apt-get"]).status !== 0) {
    throw new Error(
      `this computer lacks ${missing.join(", ")} and has no apt-get. Install them, then run this again.`,
    );
  }
  if (sudo.length > 0 && spawnSync("sudo", ["-n", "true"]).status !== 0) {
    throw new Error(
      `this computer lacks some Debian packages, and installing them needs root. Run:\n  sudo sh -c '${byHand}'`,
    );
  }
  const step = progress.step(`installing Debian packages on this computer: ${missing.join(" ")}`);
  for (const command of [["apt-get", "update"], install]) {
    const { code, said } = await run([...sudo, ...command]);
    if (code !== 0) {
      step.failed();
      throw new Error(`'${command.join(" ")}' failed:\n${said.trim()}\nRun it by hand:\n  ${byHand}`);
    }
  }
  step.done();
  const still = missingPackages(needs);
  if (still.length > 0) {
    throw new Error(
      `these packages are installed, but their programs are not on this computer: ${still.join(", ")}`,
    );
  }
}

/** Runs a program; how it ended, and its errors or, where it had none to print, what it printed. */
function run(command: readonly string[]): Promise<{ readonly code: number | null; readonly said: string }> {
  const [program = "", ...rest] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said = { out: "", err: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (said.out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said.err += text));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, said: said.err || said.out }));
  });
}
