import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { firstHost } from "../../components/host/host.ts";
import { runPulumi } from "../../engine/run.ts";

/** The stack that a command is about: `-s NAME` or `--stack NAME` before any other word, or `local`. */
export function chosenStack(args: readonly string[]): {
  readonly stack: string;
  readonly rest: readonly string[];
} {
  const [flag, value, ...rest] = args;
  if (flag === "-s" || flag === "--stack") {
    if (value === undefined) throw new Error(`${flag} wants the name of a stack`);
    return { stack: value, rest };
  }
  if (args.some((word) => word === "-s" || word === "--stack"))
    throw new Error("'-s STACK' comes before any other word");
  return { stack: "local", rest: args };
}

/** The host that a command is about: `--host NAME` before any other word; undefined where none is named. */
export function chosenHost(args: readonly string[]): {
  readonly host: string | undefined;
  readonly rest: readonly string[];
} {
  const [flag, value, ...rest] = args;
  if (flag !== "--host") return { host: undefined, rest: args };
  if (value === undefined) throw new Error(`${flag} wants the name of a host`);
  return { host: value, rest };
}

/** The outputs of a stack by their names in outputs.ts, the secret ones masked. */
export async function stackOutputsOf(
  root: string,
  stack: string,
): Promise<Readonly<Record<string, unknown>>> {
  const result = await runPulumi(root, ["stack", "output", "--json", "--stack", stack], { capture: true });
  if (result.code !== 0) {
    throw new Error(`the outputs of stack '${stack}' cannot be read: ${result.stderr.trim()}`);
  }
  return JSON.parse(result.stdout) as Record<string, unknown>;
}

/** The name and the directory of a stack's application, as its file says. */
export function applicationOf(root: string, stack: string): { readonly name: string; readonly root: string } {
  const app = appSection(root, stack);
  const name = app?.name ?? "app";
  return { name, root: app?.root ?? `/srv/${name}` };
}

/** The name of a stack's application where that is a Django application. */
export function djangoName(root: string, stack: string): string | undefined {
  return appSection(root, stack)?.settings === undefined ? undefined : applicationOf(root, stack).name;
}

/** The host that a process runs on, as the stack's file says; the first one for anything else. */
export function hostOf(root: string, stack: string, process: string): string {
  return appSection(root, stack)?.processes?.[process]?.runsOn ?? firstHost;
}

function appSection(root: string, stack: string) {
  const file = parse(readFileSync(join(root, `Pulumi.${stack}.yaml`), "utf8")) as {
    config?: {
      "berth:app"?: {
        name?: string;
        root?: string;
        settings?: string;
        processes?: Record<string, { runsOn?: string } | undefined>;
      };
    };
  };
  return file.config?.["berth:app"];
}

/** How to log in to a stack's host with OpenSSH: the arguments for ssh(1), the last one being the destination. */
export async function sshArguments(root: string, stack: string, host = firstHost): Promise<string[]> {
  const result = await runPulumi(root, ["stack", "export", "--show-secrets", "--stack", stack], {
    capture: true,
  });
  if (result.code !== 0) {
    throw new Error(
      `there is no stack '${stack}' here, or its state cannot be read: ${result.stderr.trim()}`,
    );
  }
  const resources = (JSON.parse(result.stdout) as { deployment: { resources?: StateResource[] } }).deployment
    .resources;
  const step = resources?.find(
    (resource) => resource.urn.endsWith(`::${host}-connect`) && resource.inputs?.connection,
  );
  if (step === undefined) {
    throw new Error(
      host === firstHost
        ? `stack '${stack}' has no host yet. Run 'npm start' first.`
        : `stack '${stack}' has no host '${host}'. It is named in berth:hosts, and made by 'pulumi up'.`,
    );
  }
  const connection = reveal(step.inputs?.connection) as Record<string, string>;
  const folder = join(root, ".berth", "ssh", stack, host);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const place = `${connection.port}` === "22" ? connection.host : `[${connection.host}]:${connection.port}`;
  writeFileSync(join(folder, "known_hosts"), `${place} ${connection.hostKey}\n`, { mode: 0o600 });
  if (connection.privateKey) {
    writeFileSync(join(folder, "key"), `${connection.privateKey.trimEnd()}\n`, { mode: 0o600 });
  }
  return [
    ...(connection.privateKey ? ["-i", join(folder, "key"), "-o", "IdentitiesOnly=yes"] : []),
    ...["-o", `UserKnownHostsFile=${join(folder, "known_hosts")}`, "-o", "StrictHostKeyChecking=yes"],
    ...["-o", "LogLevel=ERROR", "-p", `${connection.port}`, `${connection.user}@${connection.host}`],
  ];
}

interface StateResource {
  readonly urn: string;
  readonly inputs?: { readonly connection?: unknown };
}

/** A secret in an exported state holds its value as JSON text under `plaintext`. */
function reveal(value: unknown): unknown {
  if (value === null || typeof value !== "object") return value;
  if ("plaintext" in value) return reveal(JSON.parse((value as { plaintext: string }).plaintext));
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, reveal(part)]));
}
