import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parse } from "yaml";
import { firstHost } from "../../components/host/host.ts";
import { knownHost } from "../../components/host/known-hosts.ts";
import { stepVariables } from "../../components/host/step.ts";
import { isWildcard } from "../../components/nginx/certificate/names.ts";
import { didYouMean } from "../../components/service/did-you-mean.ts";
import { berthPlaces, isOwnStack, isTeamStack, namesBackend } from "../../engine/checkout.ts";
import { readText } from "../../engine/files.ts";
import { runPulumi } from "../../engine/run.ts";
import { UsageError } from "./command-line.ts";
import type { Door } from "./outside/look.ts";
import type { StateResource } from "./removal.ts";
import type { BucketPlace } from "./undelete/bucket.ts";

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

/**
 * Refuses a stack that this checkout has not made, and says which ones it has. Of a team's backend the engine says whether it
 * has it.
 */
export function requireStack(root: string, stack: string): void {
  if (isTeamStack(root, stack)) {
    requireStackFile(root, stack);
    return;
  }
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
    `there is no Pulumi.${stack}.yaml here; 'npm run init -- DIRECTORY -s ${stack}' writes one for an application.${didYouMean(stack, stacks)} ` +
      `There is: ${stacks.join(", ")}.`,
  );
}

/** Whether a Pulumi of the user's own has made a stack, as its file says. */
export function isTeamsOwn(root: string, stack: string): boolean {
  const { encryptionsalt, secretsprovider } = stackFile(root, stack);
  return !isOwnStack(root, stack) && (encryptionsalt !== undefined || secretsprovider !== undefined);
}

/**
 * Refuses a stack of a Pulumi of the user's own, which Berth would otherwise make a second time.
 *
 * @param instead what to do
 */
export function requireOwnStack(
  root: string,
  stack: string,
  instead = `Deploy it with that: pulumi up -s ${stack}. Or name its backend: set PULUMI_BACKEND_URL. See docs/pull-requests.md.`,
): void {
  if (isOwnStack(root, stack)) return;
  const { encryptionsalt } = stackFile(root, stack);
  if (!isTeamsOwn(root, stack) || namesBackend()) return;
  throw new UsageError(
    `stack '${stack}' was made by a Pulumi of your own, as Pulumi.${stack}.yaml says with ` +
      `${encryptionsalt === undefined ? "secretsprovider" : "encryptionsalt"}. ${instead}`,
  );
}

/** Says what is being done to a stack, on stderr: stdout is for what a command answers. */
export const say = (stack: string, what: string): void => console.error(`berth: stack ${stack}: ${what}`);

export { stackFlag } from "../../components/host/flags.ts";

/** Whether a stack has a host on this computer, as its file says. */
export function hasLocalHost(root: string, stack: string): boolean {
  const { config = {} } = stackFile(root, stack);
  const hosts = [config["berth:host"] ?? {}, ...Object.values(config["berth:hosts"] ?? {})];
  return hosts.some(({ kind }) => kind === "local");
}

/** Whether a stack's file has a key that need not be there. */
export const hasKey = (root: string, stack: string, key: "backup" | "notify"): boolean =>
  stackFile(root, stack).config?.[`berth:${key}`] !== undefined;

/**
 * What `npm run drift` leaves out, as the stack's file says.
 *
 * @throws {UsageError} where it is not what the schema has: it would leave out something else, or everything
 */
export async function driftIgnoredIn(root: string, stack: string): Promise<readonly string[]> {
  const own = stackFile(root, stack).config?.["berth:drift"];
  if (own === undefined) return [];
  const { driftSchema } = await import("../../components/host/drift/schema.ts");
  const { data, error } = driftSchema.safeParse(own);
  if (data !== undefined) return data.ignore;
  const { path, message } = error.issues[0] ?? { path: [], message: "" };
  throw new UsageError(
    `berth:drift${path.map((part) => `.${String(part)}`).join("")} in Pulumi.${stack}.yaml: ${message}.`,
  );
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

/** How a stack's site is asked, as its file says: the health path, and whether visitors are asked for a password. */
export function siteOf(
  root: string,
  stack: string,
): { readonly health: string; readonly asksLogin: boolean } {
  const login = stackFile(root, stack).config?.["berth:site"]?.basicAuth;
  return { health: appSection(root, stack)?.health ?? "/", asksLogin: login !== undefined };
}

/**
 * How the names of a site on this computer are made to lead to it; undefined for a site that has none, or is elsewhere.
 *
 * @param address where its host is reached, as the stack's outputs have it
 */
export function localNames(root: string, stack: string, address: string): string | undefined {
  const { config = {} } = stackFile(root, stack);
  const { domain, aliases = [] } = config["berth:site"] ?? {};
  if (config["berth:host"]?.kind !== "local" || typeof domain !== "string" || address === "")
    return undefined;
  // That file has no wildcards.
  const names = [domain, ...aliases].filter((name) => !isWildcard(name));
  return `echo '${[address, ...names].join(" ")}' | sudo tee -a /etc/hosts`;
}

/**
 * The front door of a stack's site, as its file says. Undefined where the host is on this computer: no name server leads
 * to it.
 *
 * @param address where its host is reached, as the stack's outputs have it
 */
export function doorOf(root: string, stack: string, address: string): Door | undefined {
  const { config = {} } = stackFile(root, stack);
  if (config["berth:host"]?.kind === "local" || address === "") return undefined;
  const { domain, aliases = [], redirects = [], tls, behind } = config["berth:site"] ?? {};
  const moved = redirects.flatMap(({ from = "/" }) => (from.startsWith("/") ? [] : [from]));
  const names = [domain, ...aliases, ...moved].filter((name) => typeof name === "string");
  const acme = typeof tls === "object" ? tls.acme : undefined;
  return {
    names: [...new Set(names)],
    address,
    answers: tls === "off" || tls === "upstream" ? "http" : "https",
    health: siteOf(root, stack).health,
    ...((acme?.challenge ?? "http") === "http" ? {} : { plainMayBeClosed: true }),
    // An address of this computer's own is one end of a tunnel.
    hasFront:
      behind !== undefined ||
      tls === "upstream" ||
      acme?.checkDns === false ||
      /^(127\.|::1$|localhost$)/.test(address),
  };
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

/** What an import on the host is told: how the site's health is asked, and what migrates its database. */
export function importOf(root: string, stack: string, resources: readonly StateResource[]) {
  const url = urlOf(resources);
  if (url === undefined)
    throw new Error(`stack '${stack}' has no site yet. Deploy it first: npm start -- -s ${stack}`);
  const { hostname, protocol } = new URL(url);
  return {
    domain: hostname,
    scheme: protocol.slice(0, -1),
    health: siteOf(root, stack).health,
    django: djangoName(root, stack) !== undefined,
    releaseCommand: appSection(root, stack)?.processes?.release?.command,
  };
}

/** What starts the shell of a stack's application: Django's, Flask's or Python's own, as its file says which it is. */
export function consoleOf(root: string, stack: string): readonly string[] {
  const { settings, wsgi } = appSection(root, stack) ?? {};
  if (settings !== undefined) return ["python", "-m", "django", "shell"];
  return wsgi === undefined ? ["python"] : ["python", "-m", "flask", "--app", wsgi, "shell"];
}

/** What starts the shell of its database. Django knows its own; otherwise it is the one of `DATABASE_URL`. */
export function databaseShellOf(root: string, stack: string): readonly string[] {
  const django = djangoName(root, stack);
  if (django !== undefined) return ["python", "-m", "django", "dbshell"];
  const program = `/usr/local/lib/berth/${applicationOf(root, stack).name}/program/release/application`;
  return ["python3", `${program}/database_shell.py`];
}

/** The host that a process runs on, as the stack's file says; the first one for anything else. */
export function hostOf(root: string, stack: string, process: string): string {
  return appSection(root, stack)?.processes?.[process]?.runsOn ?? firstHost;
}

interface StackFile {
  readonly encryptionsalt?: string;
  readonly secretsprovider?: string;
  readonly config?: {
    readonly "berth:backup"?: object;
    readonly "berth:notify"?: object;
    readonly "berth:drift"?: object;
    readonly "berth:app"?: {
      readonly name?: string;
      readonly root?: string;
      readonly settings?: string;
      readonly wsgi?: string;
      readonly source?: { readonly directory?: string; readonly git?: string };
      readonly health?: string;
      readonly processes?: Record<
        string,
        { readonly runsOn?: string; readonly command?: string } | undefined
      >;
    };
    readonly "berth:host"?: { readonly kind?: string };
    readonly "berth:site"?: {
      readonly domain?: string;
      readonly aliases?: readonly string[];
      readonly redirects?: readonly { readonly from?: string }[];
      readonly tls?:
        | string
        | { readonly acme?: { readonly challenge?: unknown; readonly checkDns?: boolean } };
      readonly behind?: unknown;
      readonly basicAuth?: unknown;
    };
    readonly "berth:hosts"?: Readonly<Record<string, { readonly kind?: string }>>;
  };
}

const appSection = (root: string, stack: string) => stackFile(root, stack).config?.["berth:app"];

function stackFile(root: string, stack: string): StackFile {
  // Of a team's backend, a stack may be named with its organization and project.
  const name = `Pulumi.${stack.split("/").at(-1)}.yaml`;
  const content = readText(join(root, name));
  if (content === undefined)
    throw new Error(`${name} is missing, which says what stack '${stack}' is. Put it back.`);
  return (parse(content) ?? {}) as StackFile;
}

/** The directory of a stack's application, as its file says. */
export function sourceOf(root: string, stack: string): string {
  const { directory, git } = appSection(root, stack)?.source ?? {};
  if (typeof directory === "string") return directory;
  throw new UsageError(
    `--since: the application of stack '${stack}' comes from ${git ?? "nowhere"}, and not from a directory. Leave --since out.`,
  );
}

/** How to log in to a stack's host with OpenSSH: the arguments for ssh(1), the last one being the destination. */
export async function sshArguments(root: string, stack: string, host = firstHost): Promise<string[]> {
  return sshArgumentsOf(root, stack, host, await resourcesOf(root, stack, "--show-secrets"));
}

/**
 * The same, of the stack's resources with their secrets.
 *
 * @param keys the folder for the hosts' keys @default one of this checkout
 */
export function sshArgumentsOf(
  root: string,
  stack: string,
  host: string,
  resources: readonly StateResource[],
  keys = join(root, ".berth", "ssh"),
): string[] {
  const step = connectStepOf(resources, host);
  if (step === undefined) {
    throw new Error(
      host === firstHost
        ? `stack '${stack}' has no host yet. Deploy it first: npm start -- -s ${stack}`
        : `stack '${stack}' has no host '${host}'.${didYouMean(host, hostsOf(resources))} There is: ${hostsOf(resources).join(", ") || "none yet"}. A host is named in berth:hosts, and made by 'npm start -- -s ${stack}'.`,
    );
  }
  const connection = connectionOf(step);
  const folder = join(keys, stack, host);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const line = knownHost(
    { host: `${connection.host}`, port: Number(connection.port) },
    `${connection.hostKey}`,
  );
  writeFileSync(join(folder, "known_hosts"), `${line}\n`, { mode: 0o600 });
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
  return exported(root, stack, flags, false);
}

/** The same with their secrets, while a deployment of the stack begins. */
export const resourcesBeside = (root: string, stack: string): Promise<readonly StateResource[]> =>
  exported(root, stack, ["--show-secrets"], true);

async function exported(root: string, stack: string, flags: readonly string[], beside: boolean) {
  const options = { capture: true, beside };
  const result = await runPulumi(root, ["stack", "export", "--stack", stack, ...flags], options);
  if (result.code !== 0)
    throw new Error(`the state of stack '${stack}' cannot be read: ${result.stderr.trim()}`);
  const { deployment } = JSON.parse(result.stdout) as { deployment: { resources?: StateResource[] } };
  return deployment.resources ?? [];
}

/** The step that connected to a host. */
const connectStepOf = (resources: readonly StateResource[], host: string) =>
  resources.find(({ urn, inputs }) => urn.endsWith(`::${host}-connect`) && inputs?.connection);

const connectionOf = ({ inputs }: StateResource) => reveal(inputs?.connection) as Record<string, string>;

/** Where a host is reached. */
export function addressOf(resources: readonly StateResource[], host: string): string {
  const step = connectStepOf(resources, host);
  return step === undefined ? "" : `${connectionOf(step).host}`;
}

/** What the machine of a host keeps while it is the stack's: see Host.claim. Each of its later steps proves it. */
export function claimOf(resources: readonly StateResource[], host: string): string | undefined {
  const connect = connectStepOf(resources, host);
  if (connect === undefined) return undefined;
  const { hostKey } = connectionOf(connect);
  const step = resources.find((resource) => {
    const environment = resource.inputs?.environment as Record<string, unknown> | undefined;
    return environment?.[stepVariables.claim] !== undefined && connectionOf(resource).hostKey === hostKey;
  });
  const environment = reveal(step?.inputs?.environment) as Record<string, string> | undefined;
  return environment?.[stepVariables.claim];
}

/** The names of the steps on a host. */
export function stepsOf(resources: readonly StateResource[], host: string): ReadonlySet<string> {
  const connect = connectStepOf(resources, host);
  if (connect === undefined) return new Set();
  const { hostKey } = connectionOf(connect);
  const own = resources.filter(
    (resource) => resource.inputs?.connection !== undefined && connectionOf(resource).hostKey === hostKey,
  );
  return new Set(own.map(({ urn }) => urn.slice(urn.lastIndexOf("::") + 2)));
}

const backupOf = (resources: readonly StateResource[]) =>
  resources.find(({ type }) => type === "berth:backup:Backup");

/** Refuses a stack without backups, and says how it gets some. */
export function requireBackups(stack: string, resources: readonly StateResource[]): void {
  if (backupOf(resources) !== undefined) return;
  throw new UsageError(
    `stack '${stack}' makes no backups. Write berth:backup into Pulumi.${stack}.yaml and deploy it; see docs/backups.md.`,
  );
}

/** How another stack's host reads the backups of a stack, as JSON; undefined before it was deployed with that. */
export function backupReadOf(resources: readonly StateResource[]): string | undefined {
  const read = reveal(backupOf(resources)?.outputs?.read);
  return typeof read === "string" ? read : undefined;
}

/** Where the bucket with the backups of a stack is; undefined where they are in a directory. */
export function backupBucketOf(resources: readonly StateResource[]): BucketPlace | undefined {
  const bucket = reveal(backupOf(resources)?.outputs?.bucket);
  return typeof bucket === "object" && bucket !== null ? (bucket as BucketPlace) : undefined;
}

/** What the backups of a stack are encrypted with, of its resources with their secrets. */
export const backupPassphraseOf = (resources: readonly StateResource[]): string =>
  `${reveal(backupOf(resources)?.outputs?.passphrase)}`;

/** Where the site of a stack answers; none before it has answered there. */
export function urlOf(resources: readonly StateResource[]): string | undefined {
  const url = reveal(resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs?.url);
  return typeof url === "string" ? url : undefined;
}

/** The address of the host that serves the site of a stack; empty before it is there. */
export function hostAddressOf(resources: readonly StateResource[]): string {
  const address = reveal(resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs?.hostAddress);
  return typeof address === "string" ? address : "";
}

/** The hosts that a stack has connected to. */
export const hostsOf = (resources: readonly StateResource[]): string[] =>
  resources
    .filter(({ inputs }) => inputs?.connection !== undefined)
    .flatMap(({ urn }) => /::([^:]+)-connect$/.exec(urn)?.[1] ?? []);

/** A secret in an exported state holds its value as JSON text under `plaintext`. */
function reveal(value: unknown): unknown {
  if (value === null || typeof value !== "object") return value;
  if ("plaintext" in value) return reveal(JSON.parse((value as { plaintext: string }).plaintext));
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, reveal(part)]));
}
