import { z } from "zod";
import { anywhere } from "../../host/schema.ts";
import { accountName, cidr } from "../../service/forms.ts";
import {
  dockerGroup,
  hasBeat,
  kindNames,
  kindOf,
  longestRun,
  oneBeat,
  processGroups,
  processNamePattern,
  withoutBeat,
  withoutPorts,
  withoutTasks,
} from "./processes.ts";

export const processName = z.string().regex(processNamePattern, {
  error: "expected a lower-case letter, then letters, digits, hyphens or underscores, 23 at most",
});
const commandLine = z
  .string()
  .regex(/^\S.*$/, { error: "expected a command on one line, such as celery -A shop worker" });
const limits = {
  memory: z.int().min(32).optional().describe("The most memory it may use, in MiB. Default: no limit."),
  cpu: z
    .int()
    .min(1)
    .optional()
    .describe("The most processor time it may use, in percent of one CPU. Default: no limit."),
};
const processPort = z.strictObject({
  port: z
    .int()
    .min(1024)
    .max(32767)
    .describe(
      "The TCP port. Below 1024 are the system's ports, which no process can listen at; above 32767 the kernel hands out ports to connections.",
    ),
  from: z.array(cidr).min(1).default(anywhere).describe("Networks that may connect. Default: everyone."),
});
export const processSchema = z
  .strictObject({
    command: commandLine
      .optional()
      .describe(
        "The command. It runs in the release's directory. Default: the line of that name in the release's Procfile.",
      ),
    kind: z
      .enum(kindNames)
      .optional()
      .describe(
        "What kind of process it is. This decides how Berth stops it, and that `celery-beat` runs only once. Default: recognised by the command.",
      ),
    count: z
      .int()
      .min(0)
      .max(64)
      .default(1)
      .describe("How many of it run. 0 leaves out a line of the Procfile, such as one for development."),
    ...limits,
    account: accountName
      .optional()
      .describe(
        "A system account of its own. It reads the code and writes only to `/var/lib/NAME-PROCESS`. Default: the application's account.",
      ),
    groups: z
      .array(z.enum(processGroups))
      .refine((groups) => new Set(groups).size === groups.length, { error: "expected each group once" })
      .default([])
      .describe(
        "Groups of the host that it is in. `www-data`: it reads uploads, for one with an `account` of its own. `docker`: it may start containers, which is as much as being root on its host; needs `docker.enabled`, see docs/docker.md.",
      ),
    stopTimeout: z
      .int()
      .min(1)
      .max(86_400)
      .default(600)
      .describe(
        "How long it may take to finish its tasks when Berth stops it, in seconds. Then it is killed.",
      ),
    onRelease: z
      .enum(["restart", "keep"])
      .default("restart")
      .describe(
        "`restart`: a release moves it to the new code. `keep`: it stays on the old code until its command, its count, a secret or a file changes, or the host boots; not recommended.",
      ),
    ports: z
      .array(processPort)
      .default([])
      .describe(
        "TCP ports at which it listens on all addresses of its host, such as one for gRPC. Berth opens the firewall and, on EC2, the security group. A release stops the old process before it starts the new one, and fails if nothing listens; see docs/processes.md.",
      ),
    runsOn: z
      .string()
      .optional()
      .describe(
        "The host that it runs on, a name in `hosts`. Default: the host that serves the site. See docs/hosts.md.",
      ),
  })
  .describe("A process.");

export const timerSchema = z
  .strictObject({
    command: commandLine.describe("The command. It runs in the directory of the live release."),
    at: z
      .string()
      .regex(/^\S.*$/, { error: "expected times, such as daily, *:0/15 or Mon 03:00 Europe/Berlin" })
      .describe(
        "When it runs, in the form of systemd's `OnCalendar=` (systemd.time(7)): `hourly`, `*:0/15`, `Mon 03:00 Europe/Berlin`. Without a time zone, it is UTC.",
      ),
    timeout: z
      .int()
      .min(1)
      .default(longestRun)
      .describe(
        "How long a run may take, in seconds. One that takes longer is ended, and counts as failed; while it ran, no other began.",
      ),
    account: processSchema.shape.account,
    groups: processSchema.shape.groups,
    ...limits,
  })
  .describe("A timer.");

export const anotherAccount = "expected another than 'app.owner', which can write the code";

/** What is wrong with a process: the key and what was expected there. */
export function processFaults(
  name: string,
  wanted: z.output<typeof processSchema>,
  owner: string,
): [string, string][] {
  const faults: [string, string][] = [];
  const { command, account, groups } = wanted;
  const kind = wanted.kind ?? kindOf(command ?? "");
  if (name === "web") {
    if (command !== undefined) {
      faults.push([
        "command",
        "expected none: the web server is Berth's own, of 'app.wsgi' and 'app.workers'",
      ]);
    }
    if (wanted.count !== 1) faults.push(["count", "expected none: 'app.workers' says how many"]);
    if (account !== undefined) faults.push(["account", "expected none: 'app.name' is its account"]);
    if (groups.includes(dockerGroup)) {
      const why = "whoever gets into what visitors reach would be root of the host";
      faults.push(["groups", `expected none: ${why}. Let a process of its own start containers`]);
    } else if (groups.length > 0) faults.push(["groups", "expected none: its account reads uploads already"]);
    if (wanted.ports.length > 0) {
      faults.push(["ports", "expected none: nginx answers for the web server, at ports 80 and 443"]);
    }
    return faults;
  }
  if (name === "release") {
    if (command === undefined)
      faults.push(["command", "expected a command, such as python manage.py migrate"]);
    const others = (["kind", "memory", "cpu", "account", "runsOn"] as const).filter(
      (key) => wanted[key] !== undefined,
    );
    for (const key of others) faults.push([key, "expected none: of 'release' there is only 'command'"]);
    if (groups.length > 0) faults.push(["groups", "expected none: of 'release' there is only 'command'"]);
    if (wanted.ports.length > 0)
      faults.push(["ports", "expected none: of 'release' there is only 'command'"]);
    return faults;
  }
  if (wanted.ports.length > 0) {
    if (wanted.count > 1) faults.push(["count", "expected 1: two of it cannot listen at one port"]);
    if (!withoutTasks(kind)) faults.push(["ports", withoutPorts]);
  }
  if (kind === "celery-beat" && wanted.count > 1) {
    faults.push(["count", oneBeat]);
  }
  if (command !== undefined && hasBeat(command)) faults.push(["command", withoutBeat]);
  if (account !== undefined && account === owner) {
    faults.push(["account", anotherAccount]);
  }
  return faults;
}
