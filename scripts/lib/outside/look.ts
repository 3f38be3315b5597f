// Looks at a site from this computer as a visitor would: where its names lead, and what answers there and at its host. Only
// the stack's own names and addresses are asked, and none of them for long.
import { Resolver } from "node:dns/promises";
import http from "node:http";
import https from "node:https";
import { connect, isIP } from "node:net";
import type { TLSSocket } from "node:tls";

/** How long name servers may take, and what is at an address, in milliseconds: with status's own patience in mind. */
const patience = { names: 3000, door: 5000 };

/** A site as its stack has it. */
export interface Door {
  /** The names that people gave it. Where there are none, it is asked by its address. */
  readonly names: readonly string[];
  /** The host's address: an IP address or a name. */
  readonly address: string;
  /** How the host answers. */
  readonly answers: "http" | "https";
  /** The path that answers 200 when the application is healthy. */
  readonly health: string;
  /** Whether the names may lead to something in front of the host: proxies, a load balancer, NAT. */
  readonly hasFront: boolean;
  /** Whether port 80 may be closed, where no authority asks there. @default false */
  readonly plainMayBeClosed?: boolean;
  /** Where the host listens. @default 80 and 443 */
  readonly ports?: { readonly http: number; readonly https: number };
}

/** What answered at an address; of the certificate its SHA-256. */
export interface Answer {
  readonly status: number | null;
  readonly fingerprint: string | null;
  /** The code of the error where nothing answered: `ECONNREFUSED`, `ETIMEDOUT`. */
  readonly problem: string | null;
}

/** Where a name leads by IPv4 and by IPv6: no addresses where name servers say so, `null` where none has answered. */
export interface Lead {
  readonly name: string;
  readonly four: readonly string[] | null;
  readonly six: readonly string[] | null;
}

/** What is seen from here. */
export interface Seen {
  /** The addresses of the host. */
  readonly host: readonly string[];
  readonly leads: readonly Lead[];
  /** What answered at each address, asked by the name that is the site's first. */
  readonly answers: Readonly<Record<string, Answer>>;
  /** Whether anything takes connections at the host's port for HTTP, where visitors ask by HTTPS: the error's code, or `null`. */
  readonly plain: string | null;
}

/** Who is asked for addresses: `node:dns` has one. */
export type Names = Pick<Resolver, "resolve4" | "resolve6">;

/** The name servers of this computer: /etc/hosts is nothing that visitors see. */
const nameServers = (): Names => new Resolver({ timeout: patience.names / 2, tries: 2 });

export async function lookAtDoor(door: Door, names: Names = nameServers()): Promise<Seen> {
  const [host, leads] = await Promise.all([
    leadOf(names, door.address),
    Promise.all(door.names.map((name) => leadOf(names, name))),
  ]);
  const own = addressesOf(host);
  const asked = [...new Set([...own, ...leads.flatMap(addressesOf)])];
  const { http: plainPort, https: tlsPort } = door.ports ?? { http: 80, https: 443 };
  const byTls = door.answers === "https";
  const port = byTls ? tlsPort : plainPort;
  const [answers, plain] = await Promise.all([
    Promise.all(asked.map(async (address) => [address, await answerAt(address, port, door)] as const)),
    byTls && !door.plainMayBeClosed && own[0] !== undefined ? taken(own[0], plainPort) : null,
  ]);
  return { host: own, leads, answers: Object.fromEntries(answers), plain };
}

export const addressesOf = ({ four, six }: Lead): string[] => [
  // A name server may name any number.
  ...(four ?? []).slice(0, 8),
  ...(six ?? []).slice(0, 8),
];

async function leadOf(names: Names, name: string): Promise<Lead> {
  const version = isIP(name);
  if (version !== 0) {
    // As name servers write it.
    const address = version === 6 ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name;
    return { name, four: version === 4 ? [address] : [], six: version === 6 ? [address] : [] };
  }
  // What a wildcard leads to, as a visitor meets it.
  const asked = name.replace(/^\*/, "berth-status");
  const [four, six] = await Promise.all([told(names.resolve4(asked)), told(names.resolve6(asked))]);
  return { name, four, six };
}

/** Only a name server that answers can say that there is nothing. */
async function told(asked: Promise<string[]>): Promise<string[] | null> {
  try {
    return await asked;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOTFOUND" || code === "ENODATA" ? [] : null;
  }
}

/** Asks what is at an address for the site's health path, by the site's first name. */
function answerAt(address: string, port: number, { answers, names, health }: Door): Promise<Answer> {
  const name = names[0] ?? address;
  const options = {
    host: address,
    port,
    path: health,
    agent: false,
    headers: { host: isIP(name) === 6 ? `[${name}]` : name, "user-agent": "berth-status" },
    ...(answers === "https"
      ? { rejectUnauthorized: false, ...(isIP(name) === 0 ? { servername: name } : {}) }
      : {}),
  };
  return new Promise((settle) => {
    const get = answers === "https" ? https.get : http.get;
    const request = get(options, (response) => {
      clearTimeout(timer);
      const socket = response.socket as TLSSocket;
      settle({
        status: response.statusCode ?? null,
        fingerprint: socket.encrypted ? (socket.getPeerCertificate().fingerprint256 ?? null) : null,
        problem: null,
      });
      response.destroy();
    });
    const timer = setTimeout(() => request.destroy(timedOut()), patience.door);
    request.once("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      settle({ status: null, fingerprint: null, problem: error.code ?? error.message });
    });
  });
}

/** Whether a port takes connections: the error's code, or `null`. */
function taken(address: string, port: number): Promise<string | null> {
  return new Promise((settle) => {
    const socket = connect({ host: address, port });
    const timer = setTimeout(() => socket.destroy(timedOut()), patience.door);
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.destroy();
      settle(null);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      settle(error.code ?? error.message);
    });
  });
}

const timedOut = () => Object.assign(new Error("no answer"), { code: "ETIMEDOUT" });
