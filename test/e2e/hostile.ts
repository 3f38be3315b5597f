// Accounts of a host that put links, FIFOs and hard links in the place of all that they can reach, and what a host is
// beside the places of an application: for tests that hold the two against each other.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Stack } from "./harness.ts";

const program = join(import.meta.dirname, "../program/attack.py");

/** What belongs to an application or a service, whose accounts may do there what they like; and what a timer of the host's writes by itself. */
const ownPlaces = (name: string) => [
  ...["/proc", "/sys", "/run", "/tmp", "/var/tmp", "/var/log", "/var/cache", "/var/backups", "/opt/berth"],
  ...["berth", "postgresql", "redis", "nginx", "private", "systemd", "logrotate"].map(
    (one) => `/var/lib/${one}`,
  ),
  ...["/var/lib/apt/lists", "/var/lib/apt/periodic"],
  ...[
    "/etc/berth",
    "/etc/postgresql",
    "/etc/redis",
    "/usr/local/lib/berth",
    `'/etc/systemd/system/${name}*'`,
  ],
  ...[`'/srv/${name}/*'`, `'/var/lib/${name}-*'`, "'/home/*/.*'"],
];

/**
 * Shell: all that is not the application's own. Of each thing its kind, mode, owner, path and where a link leads; and of
 * a file when it was changed last, which nobody but the kernel decides (ctime of inode(7)).
 */
const manifest = (name: string) =>
  `find / -xdev \\( ${ownPlaces(name)
    .map((path) => `-path ${path}`)
    .join(
      " -o ",
    )} \\) -prune -o -type f -printf '%y %m %u:%g %p %C@\\n' -o -printf '%y %m %u:%g %p %l\\n' | LC_ALL=C sort`;

/** Notes what a host is beside the places of the application; tells later what of it is another, as lines of before and after. */
export async function noteHost(stack: Stack, name: string): Promise<() => Promise<string[]>> {
  const lines = async () => (await stack.on(manifest(name))).split("\n");
  const before = await lines();
  return async () => {
    const now = await lines();
    const missing = (from: string[], than: string[]) => {
      const there = new Set(than);
      return from.filter((line) => !there.has(line));
    };
    return [...missing(before, now), ...missing(now, before)];
  };
}

/** What an account can do beside trying to take what is root's. */
export interface Attacker {
  /** A file of its own, for hard links. */
  readonly own: string;
  /** Directories of its own that it moves away, has something else in their place for a moment, and moves back. */
  readonly swaps?: readonly string[];
  /** Paths at which it puts something and takes it away again, all the time. */
  readonly baits?: readonly string[];
}

/** The accounts of a host with the application `name`, of `owner`, and what is theirs. */
export function attackersOf(name: string, owner: string): Readonly<Record<string, Attacker>> {
  const root = `/srv/${name}`;
  const temporary = [".berth.12345678", ".berth-new"];
  const below = (places: readonly string[], names: readonly string[]) =>
    places.flatMap((place) => names.map((one) => `${place}/${one}`));
  return {
    [owner]: {
      own: `/home/${owner}/.own`,
      baits: below(
        [`${root}/releases/*`, `${root}/venvs/*`, `${root}/static/*`],
        // The last is where a file of the stack's own lies that the source does not have.
        [".berth", ".git", "Procfile.new", "given"],
      ),
    },
    [name]: {
      own: `${root}/media/own`,
      baits: below(
        [`${root}/media`, `${root}/data`, `${root}/logs`, `/run/${name}`],
        [...temporary, "app.log", "app.log.1"],
      ),
    },
    postgres: {
      own: "/var/lib/postgresql/own",
      swaps: ["/etc/postgresql/17/main/conf.d"],
      baits: below(
        ["/etc/postgresql/17/main", "/var/lib/postgresql", "/etc/postgresql"],
        [...temporary, ".berth-empty-17"],
      ),
    },
    redis: {
      own: "/var/lib/redis/own",
      baits: below(["/etc/redis", "/var/lib/redis"], ["berth.conf", ...temporary]),
    },
    "www-data": { own: "/var/lib/nginx/body/own", baits: below(["/var/lib/nginx/body"], temporary) },
  };
}

/** What belongs to root, and every account would take if it could. */
const rootsPlaces = (name: string) => [
  ...[
    "releases",
    "venvs",
    "static",
    "config",
    "current",
    "sockets",
    "media",
    "data",
    "logs",
    "static/current",
  ],
  ...["static/before", "config/web", "config/env", "releases/*", "venvs/*", "static/*", "config/web/*"],
  ...["config/files", "config/files/*", "config/web/*/*"],
  ...["/etc/berth/*", "/etc/berth/*/*", "/var/lib/berth/*", `/run/${name}`, `/run/${name}/*`, "/etc/nginx/*"],
];

/** The text of a Python program that attacks until it is told to end, and then gives back what it had moved away. */
export function attack(name: string, { own, swaps = [], baits = [] }: Attacker): string {
  const what = [`/srv/${name}`, own, rootsPlaces(name), swaps, baits];
  return `${readFileSync(program, "utf8")}\n\nattack(${what.map((one) => JSON.stringify(one)).join(", ")})\n`;
}

/** Has accounts at it, each with its program, until `stop`, which tells what they have taken. */
export async function startAttacks(stack: Stack, programs: Readonly<Record<string, string>>) {
  for (const [account, text] of Object.entries(programs)) {
    const script = `/run/attack-${account}`;
    await stack.on(
      `cat >${script}; systemd-run --quiet --unit attack-${account} -p User=${account} -p CPUQuota=25% python3 ${script}`,
      { stdin: text },
    );
  }
  return async (): Promise<string> => {
    await stack.on("systemctl stop 'attack-*'; rm /run/attack-*");
    return stack.on("journalctl -b -o cat -u 'attack-*' | grep '^took the place' | sort -u || true");
  };
}
