// npm run status: what runs on each host of a stack and how it is, and what of it needs attention.
import { resolve } from "node:path";
import { styleText } from "node:util";
import { hostFlag } from "../components/host/flags.ts";
import { firstHost } from "../components/host/host.ts";
import { ensureEngine } from "../engine/acquire.ts";
import { lineProgress } from "../engine/progress.ts";
import { run } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import { addressesOf, type Lead, lookAtDoor } from "./lib/outside/look.ts";
import { obstaclesOf } from "./lib/outside/obstacles.ts";
import {
  addressOf,
  applicationOf,
  claimOf,
  doorOf,
  hostAddressOf,
  hostsOf,
  requireStack,
  resourcesOf,
  say,
  siteOf,
  sshArgumentsOf,
  stackFlag,
  urlOf,
} from "./lib/stack.ts";
import { askHost, askSite } from "./lib/status/ask.ts";
import type { Report } from "./lib/status/facts.ts";
import { judge, statusOf } from "./lib/status/judge.ts";
import { type Screen, statusText } from "./lib/status/show.ts";

const root = resolve(import.meta.dirname, "..");

/** Asks all of a stack at the same time. */
async function ask(stack: string): Promise<Report> {
  const resources = await resourcesOf(root, stack, "--show-secrets");
  const url = urlOf(resources);
  const names = hostsOf(resources).sort(
    (one, other) => Number(other === firstHost) - Number(one === firstHost),
  );
  if (names.length === 0)
    throw new Error(`stack '${stack}' has no host yet. Deploy it first: npm start --${stackFlag(stack)}`);
  const { name } = applicationOf(root, stack);
  const { health, asksLogin } = siteOf(root, stack);
  const { protocol, hostname } = new URL(url ?? "http://localhost/");
  const flag = stackFlag(stack);
  const told = { name, scheme: protocol.slice(0, -1), domain: hostname, health, flag };
  const door = doorOf(root, stack, hostAddressOf(resources));
  const [answered, seen, ...hosts] = await Promise.all([
    url === undefined ? null : askSite(url, health),
    url === undefined || door === undefined ? null : lookAtDoor(door),
    ...names.map((host) => {
      const ssh = sshArgumentsOf(root, stack, host, resources);
      return askHost(
        { name: host, address: addressOf(resources, host), ssh },
        {
          ...told,
          first: host === firstHost,
          claim: claimOf(resources, host) ?? null,
          host: hostFlag(host),
        },
      );
    }),
  ]);
  const site = answered && { ...answered, names: (seen?.leads ?? []).map(nameOf) };
  const obstacles = door === undefined || seen === null ? [] : obstaclesOf(door, seen);
  const at = Date.now() / 1000;
  const findings = judge({ flag, health, asksLogin, site, obstacles, hosts, now: at });
  return {
    version: 1,
    stack,
    application: name,
    at,
    status: statusOf(hosts, findings),
    findings,
    site,
    hosts: hosts.map(({ findings: _, ...host }) => host),
  };
}

/** A name and its addresses, where name servers have told any or said that there are none. */
function nameOf(lead: Lead) {
  const addresses = addressesOf(lead);
  const isKnown = addresses.length > 0 || (lead.four !== null && lead.six !== null);
  return { name: lead.name, addresses: isKnown ? addresses : null };
}

/** A terminal has colours, where its user has not forbidden them (https://no-color.org), and lines of its width. */
function screen(): Screen {
  const { isTTY, columns = 80 } = process.stdout;
  const coloured = isTTY && !process.env.NO_COLOR && process.env.TERM !== "dumb";
  return {
    width: isTTY ? Math.min(Math.max(columns, 40), 110) : undefined,
    paint: (style, text) => (coloured ? styleText(style, text, { validateStream: false }) : text),
  };
}

await run(commands.status, async ({ stack, json }) => {
  requireStack(root, stack);
  say(stack, "what runs, and what needs attention");
  await ensureEngine(root, lineProgress());
  const report = await ask(stack);
  console.log(json ? JSON.stringify(report, null, 2) : statusText(report, screen()));
  return report.status;
});
