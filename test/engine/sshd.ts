// A real OpenSSH server for tests: its own keys, its own configuration, a free port on the loopback interface. It runs
// as the user who runs the tests, and ends by its process id.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { until } from "../until.ts";

const SSHD = "/usr/sbin/sshd";

/** Where Debian's package is missing: the reason for tests to fail, with the remedy. */
export function requireSshd(): void {
  if (!existsSync(SSHD)) throw new Error(`${SSHD} is missing: apt-get install openssh-server`);
}

export interface Sshd {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Public host key, one line. */
  readonly hostKey: string;
  /** Private keys that may log in, by type, in the form that `ssh-keygen` writes. */
  readonly keys: Readonly<Record<"ed25519" | "rsa", string>>;
  /** A folder of the test, gone at the end. */
  readonly folder: string;
  readonly pid: number;
  /** What the server has logged so far. */
  log(): string;
  stop(): Promise<void>;
}

/** Starts a server. `settings` are further lines of its sshd_config. */
export async function startSshd(settings: readonly string[] = []): Promise<Sshd> {
  requireSshd();
  const folder = mkdtempSync(join(tmpdir(), "berth-sshd-"));
  const key = (name: string, ...options: string[]) => {
    execFileSync("ssh-keygen", ["-q", "-N", "", "-C", name, "-f", join(folder, name), ...options]);
    return readFileSync(join(folder, name), "utf8");
  };
  key("host", "-t", "ed25519");
  const keys = { ed25519: key("ed25519", "-t", "ed25519"), rsa: key("rsa", "-t", "rsa", "-b", "2048") };
  const publicKey = (name: string) => readFileSync(join(folder, `${name}.pub`), "utf8");
  writeFileSync(join(folder, "authorized_keys"), publicKey("ed25519") + publicKey("rsa"));
  // Not before the keys, which take a while: until sshd has it, another program may.
  const port = await freePort();
  const config = [
    ...settings,
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${join(folder, "host")}`,
    `AuthorizedKeysFile ${join(folder, "authorized_keys")}`,
    `PidFile ${join(folder, "pid")}`,
    "StrictModes no",
    "UsePAM no",
    "PasswordAuthentication no",
    "PermitRootLogin prohibit-password",
    "MaxStartups 100",
    "LogLevel VERBOSE",
    "Subsystem sftp internal-sftp",
  ];
  writeFileSync(join(folder, "sshd_config"), `${config.join("\n")}\n`);
  // Started by root, sshd wants this folder, which systemd makes where sshd is a service. It stays empty, and stays:
  // another server may be using it.
  if (userInfo().uid === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const child = spawn(SSHD, ["-D", "-E", join(folder, "log"), "-f", join(folder, "sshd_config")], {
    stdio: "ignore",
  });
  const log = () => (existsSync(join(folder, "log")) ? readFileSync(join(folder, "log"), "utf8") : "");
  await answers(port, child, log);
  return {
    host: "127.0.0.1",
    port,
    user: userInfo().username,
    hostKey: publicKey("host").trim(),
    keys,
    folder,
    pid: child.pid as number,
    log,
    async stop() {
      if (child.exitCode === null) {
        const ended = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGTERM");
        await ended;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

function answers(port: number, child: ChildProcess, log: () => string): Promise<void> {
  return until(
    `sshd answers on port ${port}`,
    () => {
      if (child.exitCode !== null) throw new Error(`sshd ended with status ${child.exitCode}:\n${log()}`);
      return new Promise<boolean>((resolve) => {
        const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
        socket.on("connect", () => socket.destroy());
      });
    },
    log,
  );
}
