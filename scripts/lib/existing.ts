import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import type { Progress } from "../../engine/progress.ts";
import { UsageError } from "./command-line.ts";

/** A machine that the user has, as HOST names it, and the stack for it, which is named after its address. */
export interface Target {
  readonly stack: string;
  readonly user: string;
  readonly address: string;
  readonly port: string;
}

/** @param target `user@address` or `user@address:port` */
export function readTarget(target: string): Target {
  const match = /^([a-z_][a-z0-9_-]*)@([A-Za-z0-9.-]+)(?::(\d{1,5}))?$/.exec(target);
  if (match === null) {
    throw new UsageError(`HOST: expected user@address or user@address:port; found '${target}'`);
  }
  const [, user, address, port = "22"] = match as unknown as [string, string, string, string?];
  return { stack: `host-${address.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`, user, address, port };
}

/** Writes the stack's file, with the same application as stack `local`, where there is none. It is the user's from then on. */
export function ensureStackFile(
  root: string,
  { stack, user, address, port }: Target,
  progress: Progress,
): void {
  const file = join(root, `Pulumi.${stack}.yaml`);
  if (existsSync(file)) return;
  const hostKey = askHostKey(address, port);
  const fingerprint = spawnSync("ssh-keygen", ["-lf", "-"], {
    input: hostKey,
    encoding: "utf8",
  }).stdout.trim();
  progress.note(`${address} shows the host key ${fingerprint}; from now on it must show the same`);
  const key = ["id_ed25519", "id_ecdsa", "id_rsa"]
    .map((name) => join("~", ".ssh", name))
    .find((path) => existsSync(path.replace("~", homedir())));
  const local = parse(readFileSync(join(root, "Pulumi.local.yaml"), "utf8")) as {
    config: Record<string, unknown>;
  };
  const { "berth:host": _host, "berth:site": _site, ...rest } = local.config;
  const config = {
    "berth:host": {
      kind: "existing",
      address,
      ...(port === "22" ? {} : { port: Number(port) }),
      user,
      hostKey,
      ...(process.env.SSH_AUTH_SOCK === undefined && key !== undefined ? { privateKeyFile: key } : {}),
    },
    ...rest,
  };
  writeFileSync(
    file,
    `# Made by 'HOST=${user}@${address}${port === "22" ? "" : `:${port}`} npm start'; it is yours to change. See docs/configuration.md.\n${stringify({ config })}`,
  );
  progress.note(`wrote ${file}`);
}

function askHostKey(address: string, port: string): string {
  const answer = spawnSync("ssh-keyscan", ["-T", "10", "-t", "ed25519", "-p", port, address], {
    encoding: "utf8",
  });
  if (answer.error) {
    throw new Error("this computer has no ssh-keyscan. Install openssh-client.");
  }
  const key = answer.stdout
    .split("\n")
    .map((line) => line.split(" ").slice(1, 3).join(" "))
    .find((line) => line.startsWith("ssh-ed25519 "));
  if (key === undefined) {
    throw new Error(
      `HOST: ${address} port ${port} shows no ed25519 host key. Can it be reached by SSH? ${answer.stderr.trim()}`,
    );
  }
  return key;
}
