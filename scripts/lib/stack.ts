import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parse } from "yaml";
import { firstHost } from "../../components/host/host.ts";
import { didYouMean } from "../../did-you-mean.ts";
import { readText } from "../../engine/files.ts";
import { runPulumi } from "../../engine/run.ts";
import { UsageError } from "./command-line.ts";
import { berthPlaces } from "./environment.ts";
import type { StateResource } from "./removal.ts";

/** The stacks that this checkout has made, by their names. */
export function stacksOf(root: string): string[] {
  const folder = join(berthPlaces(root).state, ".pulumi/stacks/berth");
  const files = existsSync(folder) ? readdirSync(folder) : [];
  return files
    .filter((file) => file.endsWith(".json"))
    .map((file) => basename(file, ".json"))
    .sort();
}

/** The stacks that have a file in this checkout, which says what they are to be. */
const describedStacks = (root: string): string[] =>
  readdirSync(root)
    .flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? [])
    .sort();

/** Refuses a stack that this checkout has not made, and says which ones it has. */
export function requireStack(root: string, stack: string): void {
  const stacks = stacksOf(root);
  if (stacks.includes(stack)) return;
  const there = stacks.length === 0 ? "None has been made yet: npm start" : `There is: ${stacks.join(", ")}.`;
  throw new UsageError(`there is no stack '${stack}' here.${didYouMean(stack, stacks)} ${there}`);
}

/** Refuses a stack without a file, and says which ones have one. */
export function requireStackFile(root: string, stack: string): void {
  const stacks = describedStacks(root);
  if (stacks.includes(stack)) return;
  throw new UsageError(
    `there is no Pulumi.${stack}.yaml here, which would say what stack '${stack}' is; 'npm run init -- DIRECTORY -s ${stack}' writes one for an application.${didYouMean(stack, stacks)} ` +
      `There is: ${stacks.join(", ")}.`,
  );
}

/** Refuses a stack of a Pulumi of the user's own, which Berth would otherwise make a second time. */
export function requireOwnStack(root: string, stack: string): void {
  if (stacksOf(root).includes(stack)) return;
  const { encryptionsalt, secretsprovider } = stackFile(root, stack);
  if (encryptionsalt === undefined && secretsprovider === undefined) return;
  throw new UsageError(
    `stack '${stack}' was made by a Pulumi of your own, as Pulumi.${stack}.yaml says with ` +
      `${encryptionsalt === undefined ? "secretsprovider" : "encryptionsalt"}. Deploy it with that: pulumi up -s ${stack}`,
  );
}

/** Says what is being done to a stack, on stderr: stdout is for what a command answers. */
export const say = (stack: string, what: string): void => console.error(`berth: stack ${stack}: ${what}`);

/** What is typed after a command to name a stack; nothing for the one that it takes by itself. */
export const stackFlag = (stack: string): string => (stack === "local" ? "" : ` -s ${stack}`);

/** Whether a stack has a host on this computer, as its file says. */
export function hasLocalHost(root: string, stack: string): boolean {
  const { config = {} } = stackFile(root, stack);
  const hosts = [config["berth:host"] ?? {}, ...Object.values(config["berth:hosts"] ?? {})];
  return hosts.some(({ kind }) => kind === "local");
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

interface StackFile {
  readonly encryptionsalt?: string;
  readonly secretsprovider?: string;
  readonly config?: {
    readonly "berth:app"?: {
      readonly name?: string;
      readonly root?: string;
      readonly settings?: string;
      readonly processes?: Record<string, { readonly runsOn?: string } | undefined>;
    };
    readonly "berth:host"?: { readonly kind?: string };
    readonly "berth:hosts"?: Readonly<Record<string, { readonly kind?: string }>>;
  };
}

const appSection = (root: string, stack: string) => stackFile(root, stack).config?.["berth:app"];

function stackFile(root: string, stack: string): StackFile {
  const name = `Pulumi.${stack}.yaml`;
  const content = readText(join(root, name));
  if (content === undefined)
    throw new Error(`${name} is missing, which says what stack '${stack}' is. Put it back.`);
  return (parse(content) ?? {}) as StackFile;
}

/** How to log in to a stack's host with OpenSSH: the arguments for ssh(1), the last one being the destination. */
export async function sshArguments(root: string, stack: string, host = firstHost): Promise<string[]> {
  const resources = await resourcesOf(root, stack, "--show-secrets");
  const step = resources.find(
    (resource) => resource.urn.endsWith(`::${host}-connect`) && resource.inputs?.connection,
  );
  if (step === undefined) {
    throw new Error(
      host === firstHost
        ? `stack '${stack}' has no host yet. Deploy it first: npm start -- -s ${stack}`
        : `stack '${stack}' has no host '${host}'.${didYouMean(host, hostsOf(resources))} There is: ${hostsOf(resources).join(", ") || "none yet"}. A host is named in berth:hosts, and made by 'npm start -- -s ${stack}'.`,
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

/** The resources of a stack, as the engine exports them with these flags. */
export async function resourcesOf(
  root: string,
  stack: string,
  ...flags: readonly string[]
): Promise<readonly StateResource[]> {
  const result = await runPulumi(root, ["stack", "export", "--stack", stack, ...flags], { capture: true });
  if (result.code !== 0)
    throw new Error(`the state of stack '${stack}' cannot be read: ${result.stderr.trim()}`);
  const { deployment } = JSON.parse(result.stdout) as { deployment: { resources?: StateResource[] } };
  return deployment.resources ?? [];
}

/** The hosts that a stack has connected to. */
const hostsOf = (resources: readonly StateResource[]): string[] =>
  resources
    .filter(({ inputs }) => inputs?.connection !== undefined)
    .flatMap(({ urn }) => /::([^:]+)-connect$/.exec(urn)?.[1] ?? []);

/** A secret in an exported state holds its value as JSON text under `plaintext`. */
function reveal(value: unknown): unknown {
  if (value === null || typeof value !== "object") return value;
  if ("plaintext" in value) return reveal(JSON.parse((value as { plaintext: string }).plaintext));
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, reveal(part)]));
}
