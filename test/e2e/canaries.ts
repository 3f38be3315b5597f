// The search for secrets where they must not be: what the secrets of a stack look like, and where a text shows one.
import { createPrivateKey } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { ResourceState, Stack } from "./harness.ts";

/** One secret: what it is, and the texts by which it would be known. */
export interface Canary {
  readonly name: string;
  readonly needles: readonly string[];
}

/** A value as it is, as JSON and Python print it, in a URL, and in base64 wherever in a longer text it stands. */
function formsOf(value: string): string[] {
  const inBase64 = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), Buffer.from(value)]).toString("base64");
    // What the bytes around it decide is left out.
    return text.slice(Math.ceil((before * 4) / 3), Math.floor(((before + value.length) * 4) / 3) - 1);
  });
  const forms = [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value), ...inBase64];
  return [...new Set(forms)].filter((form) => form.length >= 8);
}

/** A private key is known by those lines of its PEM text that hold its private number; others are public. */
function linesOfKey(pem: string, privateNumber: Buffer): string[] {
  const lines = pem.split("\n").filter((line) => line !== "" && !line.startsWith("-----"));
  const start = Buffer.from(lines.join(""), "base64").indexOf(privateNumber);
  const end = start + privateNumber.length;
  return lines.filter((_, index) => Math.min(end, (index + 1) * 48) - Math.max(start, index * 48) >= 8);
}

function needlesOfKey(outputs: ResourceState["outputs"]): string[] {
  const jwk = createPrivateKey(`${outputs.privateKeyPem}`).export({ format: "jwk" });
  const privateNumber = Buffer.from(`${jwk.d}`, "base64url");
  const texts = [outputs.privateKeyPem, outputs.privateKeyOpenssh, outputs.privateKeyPemPkcs8];
  const lines = texts.filter(Boolean).flatMap((text) => linesOfKey(`${text}`, privateNumber));
  return [privateNumber.toString("hex"), ...new Set(lines.flatMap(formsOf))];
}

/** Every secret that a stack has made, and those that are given. */
export function canariesOf(
  resources: readonly ResourceState[],
  given: Readonly<Record<string, string>>,
): Canary[] {
  const made = resources.flatMap(({ urn, type, outputs }): Canary[] => {
    const name = urn.split("::").at(-1) ?? "";
    if (type === "random:index/randomPassword:RandomPassword")
      return [
        { name, needles: formsOf(`${outputs.result}`) },
        { name: `${name} (its hash)`, needles: formsOf(`${outputs.bcryptHash}`) },
      ];
    if (type === "tls:index/privateKey:PrivateKey") return [{ name, needles: needlesOfKey(outputs) }];
    return [];
  });
  const others = Object.entries(given).map(([name, value]) => ({ name, needles: formsOf(value) }));
  return [...made, ...others];
}

/** The names of the secrets that a text shows. */
export function shownIn(text: string, canaries: readonly Canary[]): string[] {
  return canaries
    .filter(({ needles }) => needles.some((needle) => text.includes(needle)))
    .map(({ name }) => name);
}

/** What was read where, and what was found; printed, so that a search of nothing can't pass for a clean one. */
export class Search {
  readonly #canaries: readonly Canary[];
  readonly #report: string[] = [];
  readonly #hits: string[] = [];

  constructor(canaries: readonly Canary[]) {
    this.#canaries = canaries;
  }

  /** Looks into texts by the name of their place. */
  texts(place: string, texts: Iterable<string>): void {
    let count = 0;
    let bytes = 0;
    for (const text of texts) {
      count++;
      bytes += text.length;
      for (const name of shownIn(text, this.#canaries)) this.#hits.push(`${place}: ${name}`);
    }
    this.#report.push(`${place}: ${count} texts, ${bytes} characters`);
  }

  /** Looks into the command lines of processes, and into the environments that they had under each. */
  processes(seen: ReadonlyMap<string, ReadonlySet<string>>): void {
    for (const [line, environments] of seen) {
      const command = line.replaceAll("\0", " ").trim();
      const named = (place: string, text: string) =>
        this.#hits.push(...shownIn(text, this.#canaries).map((name) => `${place}: ${name}`));
      named("a command line", line);
      for (const environment of environments) named(`the environment of ${command}`, environment);
    }
    this.#report.push(`command lines of processes: ${seen.size}`);
  }

  /** Looks into the files of the host that the account can read. */
  async readableBy(account: string, stack: Stack): Promise<void> {
    const found = await searchFiles(
      stack,
      `find / /run /tmp /dev/shm -xdev -path /proc -prune -o -path /sys -prune -o -type f -readable -print0`,
      this.#canaries,
      account,
    );
    this.#report.push(`files of the host that ${account} can read: ${found.count}`);
    this.#hits.push(...found.paths.map((path) => `file ${path} on the host, readable by ${account}`));
  }

  /** Looks into all of the host's log files. */
  async logs(stack: Stack): Promise<void> {
    const found = await searchFiles(stack, "find /var/log -type f -print0", this.#canaries, "root");
    this.#report.push(`files in the host's /var/log: ${found.count}`);
    this.#hits.push(...found.paths.map((path) => `log ${path} on the host`));
  }

  get hits(): readonly string[] {
    return [...new Set(this.#hits)];
  }

  get report(): readonly string[] {
    return this.#report;
  }
}

/** Greps files on the host; the needles travel by standard input and stay in root's memory. */
async function searchFiles(stack: Stack, find: string, canaries: readonly Canary[], account: string) {
  const needles = canaries.flatMap(({ needles: all }) => all).join("\n");
  const command = `umask 077; folder=$(mktemp -d /run/berth-search.XXXXXX); trap 'rm -rf "$folder"' EXIT
    cat >"$folder/needles"; runuser -u ${account} -- ${find} >"$folder/list" 2>/dev/null || true
    tr -cd '\\0' <"$folder/list" | wc -c
    xargs -0 -r grep -lasFf "$folder/needles" <"$folder/list" || true`;
  const [count = "0", ...paths] = (await stack.on(command, { stdin: needles, timeout: 300_000 })).split("\n");
  return { count: Number(count), paths: paths.filter(Boolean) };
}

export interface Sampler {
  /** Ends the watch; each command line that was seen, with the environments that processes had under it. */
  stop(): Promise<ReadonlyMap<string, ReadonlySet<string>>>;
}

/**
 * Watches the command lines and the environments of all processes, those in local hosts among them, many times a
 * second. Two environments are left out, which only their own account and root can read: that of the application,
 * where its settings belong, and that of the Pulumi program, to which Pulumi hands the configuration that way.
 *
 * @param application What the command lines of the application's processes have in them, one of these.
 */
export function watchProcesses(application: readonly string[]): Sampler {
  const mayKnow = [...application, "@pulumi/pulumi/cmd/run"];
  const seen = new Map<string, Set<string>>();
  const read = (path: string) => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return "";
    }
  };
  const look = (id: string, times = 3): void => {
    const command = read(`/proc/${id}/cmdline`);
    if (command === "") return;
    const environments = seen.get(command) ?? new Set();
    seen.set(command, environments);
    const environment = read(`/proc/${id}/environ`);
    if (mayKnow.some((part) => command.includes(part))) return;
    // In between, the process may have become another program: whose environment it is can't be told then.
    if (read(`/proc/${id}/cmdline`) === command) environments.add(environment);
    else if (times > 1) look(id, times - 1);
  };
  const sample = () => {
    for (const id of readdirSync("/proc")) if (/^\d+$/.test(id)) look(id);
  };
  const timer = setInterval(sample, 40);
  return {
    async stop() {
      sample();
      clearInterval(timer);
      return seen;
    },
  };
}
