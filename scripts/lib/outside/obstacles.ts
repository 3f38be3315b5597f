// What keeps visitors from a site, of what this computer sees of it. Pure: what is seen in, what to say out.
import { isIP } from "node:net";
import { type Answer, addressesOf, type Door, type Lead, type Seen } from "./look.ts";

/** Something between visitors and the site. */
export interface Obstacle {
  readonly code: "name-unknown" | "name-elsewhere" | "port-closed";
  /** The name that it is about; `null` where it is about all of the site. */
  readonly name: string | null;
  readonly what: string;
  /** What to do about it. */
  readonly next: string;
}

export function obstaclesOf(door: Door, seen: Seen): Obstacle[] {
  return [...ofPorts(door, seen), ...seen.leads.flatMap((lead) => ofName(door, seen, lead))];
}

/** One line for a person. */
export const obstacleText = ({ what, next }: Obstacle): string => `${what}. ${next}`;

/** Of a network without a way to that address: nothing is known of what visitors get. */
const withoutWay = ["ENETUNREACH", "EHOSTUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT"];

function ofPorts(door: Door, { host, leads, answers, plain }: Seen): Obstacle[] {
  // What is in front may be all that reaches it.
  if (door.hasFront) return [];
  const own = host.map((address) => [address, answers[address]] as const);
  const [address, answer] = own.find(([, one]) => one?.problem === null) ?? own[0] ?? [];
  if (address === undefined || answer === undefined || withoutWay.includes(answer.problem ?? "")) return [];
  const port = (number: number, problem: string, more: string): Obstacle => ({
    code: "port-closed",
    name: null,
    what: `port ${number} of the host, ${address}, ${inTheWay(problem)}`,
    next: more,
  });
  const { http, https } = door.ports ?? { http: 80, https: 443 };
  if (answer.problem !== null) {
    const further = leads.flatMap(addressesOf).filter((one) => !host.includes(one));
    if (further.some((one) => answers[one]?.status === 200)) return [];
    const number = door.answers === "https" ? https : http;
    return [
      port(
        number,
        answer.problem,
        "Let everyone reach TCP ports 80 and 443 in the firewall in front of the host: the provider's, or its security group.",
      ),
    ];
  }
  if (plain === null || withoutWay.includes(plain)) return [];
  return [
    port(
      http,
      plain,
      "Open it in the firewall in front of the host: addresses with http:// lead nowhere, and an authority that gives a certificate asks there.",
    ),
  ];
}

function inTheWay(problem: string): string {
  switch (problem) {
    case "ECONNREFUSED":
      return "refuses connections from here";
    case "ETIMEDOUT":
      return "does not answer from here: something on the way drops what is sent";
    default:
      return `does not answer from here (${problem})`;
  }
}

function ofName(door: Door, { host, answers }: Seen, lead: Lead): Obstacle[] {
  const { name, four, six } = lead;
  const [shown = door.address] = host;
  const found = addressesOf(lead);
  if (found.length === 0) {
    // A name server that did not answer has said nothing.
    if (four === null || six === null) return [];
    const next = door.hasFront
      ? "Make it point at what is in front of the host, where its DNS is kept."
      : `Where its DNS is kept, make this record: ${record(name, door, shown)}`;
    return [{ code: "name-unknown", name, what: `no name server knows ${name}`, next }];
  }
  if (door.hasFront || host.length === 0) return [];
  const own = host.map((address) => answers[address]?.fingerprint).find((one) => one);
  const isOwn = (address: string) =>
    host.includes(address) || (own !== undefined && answers[address]?.fingerprint === own);
  const others = found.filter(
    (address) => !isOwn(address) && !withoutWay.includes(answers[address]?.problem ?? ""),
  );
  const elsewhere = (what: string, next: string): Obstacle => ({ code: "name-elsewhere", name, what, next });
  if (others.length > 0) {
    const all = others.length === found.length;
    const there = [...new Set(others.map((address) => answerText(answers[address], own)))].join(", ");
    return [
      elsewhere(
        `${name} ${all ? "points" : "also points"} at ${others.join(", ")} (${there}), and the stack's host is ${shown}`,
        all
          ? `Where its DNS is kept, make this record: ${record(name, door, shown)}. If a proxy or NAT is in front of the host, say so: berth:site.behind, or berth:site.tls.acme.checkDns: false.`
          : `Some visitors are sent there: remove ${others.length === 1 ? "that record" : "those records"} where its DNS is kept.`,
      ),
    ];
  }
  if (isIP(shown) === 4 && four?.length === 0) {
    return [
      elsewhere(
        `${name} has addresses of IPv6 alone, so visitors who have only IPv4 do not reach the site`,
        `Where its DNS is kept, make this record: ${record(name, door, shown)}`,
      ),
    ];
  }
  return [];
}

/** @param own the certificate that the host shows, by which it is known */
function answerText(answer: Answer | undefined, own: string | null | undefined): string {
  if (answer === undefined || answer.problem !== null) return "nothing answers there";
  return own ? "another machine answers there" : "something answers there";
}

/** The record that leads a name to the host, as zone files have it (RFC 1035). */
function record(name: string, { address }: Door, shown: string): string {
  if (isIP(address) === 0) return `${name} CNAME ${address}`;
  return `${name} ${isIP(shown) === 6 ? "AAAA" : "A"} ${shown}`;
}
