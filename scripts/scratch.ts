// npm run scratch: a bare Debian 13 host to try things on, for people who work on Berth. It is the same kind of host as a
// stack's local one, made by the same scripts, without the engine. BERTH_MACHINE=name makes another one beside it.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { userData } from "../cloud-init/user-data.ts";
import { run, UsageError } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";

const checkout = fileURLToPath(new URL("..", import.meta.url));
const machine = process.env.BERTH_MACHINE ?? "berth-scratch";
const folder = `${checkout}.berth/${machine}`;
const key = `${folder}/id_ed25519`;
const hostKey = `${folder}/host_ed25519`;
const knownHosts = `${folder}/known_hosts`;
const addressFile = `${folder}/address`;

const sshOptions = (): string[] => [
  "-i",
  key,
  "-o",
  `UserKnownHostsFile=${knownHosts}`,
  "-o",
  "IdentitiesOnly=yes",
];

function call(command: string, args: readonly string[], input?: string): string {
  const result = spawnSync(command, args, {
    cwd: checkout,
    env: { ...process.env, BERTH_MACHINE: machine },
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "inherit"],
    ...(input === undefined ? {} : { input }),
    encoding: "utf8",
  });
  if (result.error) throw result.error;
  if (result.status !== 0) process.exit(result.status ?? 1);
  return result.stdout;
}

/** Makes a key pair once; a second `up` uses the same, so the user-data stays the same too. */
function keyPair(path: string): { readonly private: string; readonly public: string } {
  if (!existsSync(`${path}.pub`)) {
    rmSync(path, { force: true });
    call("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "berth-scratch", "-f", path]);
  }
  return { private: readFileSync(path, "utf8"), public: readFileSync(`${path}.pub`, "utf8").trim() };
}

function up(): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const login = keyPair(key);
  const host = keyPair(hostKey);
  const text = userData({
    fqdn: "scratch.berth.test",
    user: "berth",
    authorizedKey: login.public,
    hostPrivateKey: host.private,
    hostPublicKey: host.public,
  });
  const { address } = JSON.parse(call("bash", ["components/host/local/create.sh"], text)) as {
    address: string;
  };
  writeFileSync(knownHosts, `${address} ${host.public}\n`);
  writeFileSync(addressFile, address);
  console.log(`ssh ${sshOptions().join(" ")} berth@${address}`);
}

function ssh(args: readonly string[]): number {
  if (!existsSync(addressFile)) throw new Error("there is no scratch host. Make it: npm run scratch -- up");
  const target = `berth@${readFileSync(addressFile, "utf8")}`;
  const result = spawnSync("ssh", [...sshOptions(), target, ...args], { stdio: "inherit" });
  return result.status ?? 1;
}

function destroy(): void {
  call("bash", ["components/host/local/destroy.sh"]);
  rmSync(folder, { recursive: true, force: true });
}

await run(commands.scratch, ({ verb, command }) => {
  if (verb === "ssh") return ssh(command);
  if (command.length > 0)
    throw new UsageError(`unexpected word '${command[0]}': only ssh takes words after it.`);
  if (verb === "up") up();
  else destroy();
  return 0;
});
