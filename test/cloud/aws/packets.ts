// What EC2's network does with packets, by an nftables table of this cloud's own: Elastic IPs lead to the instance that
// has them, and only what the instance's security groups let in; instances find their metadata at 169.254.169.254, and
// each other as far as these groups let them.
// The table is always made whole from the cloud's state, so running twice changes nothing.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { all, cloudId, find, folder, type Thing } from "./cloud.ts";
import { metadataPort } from "./metadata-service.ts";
import { list, text } from "./resource.ts";

const bridge = "berth0";
export const table = (place = folder) => `berth-cloud-${cloudId(place)}`;
const hasBridge = () => existsSync(`/sys/class/net/${bridge}`);

const nft = (rules: string) =>
  execFileSync("nft", ["-f", "-"], { input: rules, stdio: ["pipe", "ignore", "pipe"] });

/** This computer's address on the bridge; local hosts reach it there. */
export function bridgeAddress(): string {
  const answer = execFileSync("ip", ["-4", "-o", "address", "show", "dev", bridge], { encoding: "utf8" });
  return /inet ([\d.]+)\//.exec(answer)?.[1] ?? "";
}

/** Brings the table to what the state says. The caller holds the cloud's lock. */
export function applyRules(): void {
  const name = table();
  const running = all("instances", (one) => one.instanceState === "running");
  if (!hasBridge() || running.length === 0) {
    removeRules();
    return;
  }
  const here = bridgeAddress();
  const port = metadataPort();
  const addresses = all("addresses", (one) => text(one.associationId) !== "");
  const inward = addresses.flatMap((address) => {
    const instance = running.find((one) => one.id === address.instanceId);
    return instance ? letIn(text(address.publicIp), instance) : [];
  });
  const every = all("addresses").map((address) => text(address.publicIp));
  nft(`table ip ${name}
delete table ip ${name}
table ip ${name} {
  chain inward {
${inward.map((line) => `    ${line}`).join("\n")}
  }
  chain prerouting {
    type nat hook prerouting priority dstnat
${port === undefined ? "" : running.map((one) => `    ip saddr ${one.privateIp} ip daddr 169.254.169.254 tcp dport 80 dnat to ${here}:${port}`).join("\n")}
    jump inward
  }
  chain output {
    type nat hook output priority -100
    jump inward
  }
  chain back {
    type nat hook postrouting priority srcnat - 5
    iifname "${bridge}" oifname "${bridge}" ct status dnat masquerade
  }
${["output", "forward"]
  .map(
    (hook) => `  chain closed-${hook} {
    type filter hook ${hook} priority 0
${every.map((address) => `    ip daddr ${address} drop`).join("\n")}
  }`,
  )
  .join("\n")}
}
`);
  applyRulesBetween(running);
  // From this computer an address is reached over the bridge, as coming from the bridge's own address.
  for (const address of every) {
    execFileSync("ip", ["route", "replace", `${address}/32`, "dev", bridge, "src", here]);
  }
}

/**
 * The rules that lead from an Elastic IP to its instance: one for each network that a security group lets in. Another
 * group's instances are known at their private addresses alone, and here they come from public ones.
 */
const letIn = (address: string, instance: Thing): string[] =>
  passing(instance, (rule) => rule.cidrIpv4 !== undefined).map(
    ({ source, what }) =>
      `ip saddr ${source} ip daddr ${address} ${what} dnat to ${text(instance.privateIp)}`,
  );

/** What the security groups of an instance let in, by IPv4. */
function passing(
  instance: Thing,
  counts: (rule: Thing) => boolean = (rule) => rule.cidrIpv6 === undefined,
): { source: string; what: string }[] {
  const groups = list(instance.vpcSecurityGroupIds);
  const rules = all(
    "rules",
    (one) => one.direction === "ingress" && groups.includes(text(one.securityGroupId)) && counts(one),
  );
  return rules.flatMap((rule) => {
    const sources =
      rule.cidrIpv4 === undefined
        ? all("instances", (one) =>
            list(one.vpcSecurityGroupIds).includes(text(rule.referencedSecurityGroupId)),
          ).map((one) => text(one.privateIp))
        : [text(rule.cidrIpv4)];
    const protocol = text(rule.ipProtocol);
    const ports = `${rule.fromPort}-${rule.toPort ?? rule.fromPort}`;
    const what =
      protocol === "-1" ? "" : protocol === "icmp" ? "ip protocol icmp" : `${protocol} dport ${ports}`;
    return sources.map((source) => ({ source, what }));
  });
}

/**
 * Between instances, at their private addresses: a connection by TCP begins only where the security groups of the one
 * that it goes to let it in. They are on one bridge, where packets pass all other rules.
 */
function applyRulesBetween(running: readonly Thing[]): void {
  if (running.length < 2) {
    removeRulesBetween();
    return;
  }
  const name = table();
  const begins = "tcp flags & (syn | ack) == syn";
  const addresses = running.map((one) => text(one.privateIp));
  const lines = running.flatMap((instance) => [
    ...passing(instance).map(
      ({ source, what }) => `ip saddr ${source} ip daddr ${text(instance.privateIp)} ${what} accept`,
    ),
    `ip saddr { ${addresses.join(", ")} } ip daddr ${text(instance.privateIp)} ${begins} drop`,
  ]);
  nft(`table bridge ${name}
delete table bridge ${name}
table bridge ${name} {
  chain between {
    type filter hook forward priority 0
${lines.map((line) => `    ${line}`).join("\n")}
  }
}
`);
}

function removeRulesBetween(place = folder): void {
  const there = execFileSync("nft", ["list", "tables", "bridge"], { encoding: "utf8" });
  if (there.includes(table(place))) nft(`delete table bridge ${table(place)}\n`);
}

/** Takes away everything that applyRules made, for this cloud or another one's folder. */
export function removeRules(place = folder): void {
  const name = table(place);
  nft(`table ip ${name}\ndelete table ip ${name}\n`);
  removeRulesBetween(place);
  if (!hasBridge() || place !== folder) return;
  for (const address of all("addresses")) dropRoute(text(address.publicIp));
}

export function dropRoute(address: string): void {
  const lines = execFileSync("ip", ["route", "show", `${address}/32`], { encoding: "utf8" });
  if (lines.trim() !== "") execFileSync("ip", ["route", "del", `${address}/32`]);
}

export const addressOf = (allocation: string) => text(find("addresses", allocation)?.publicIp);
