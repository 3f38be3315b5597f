// Asks a stack's hosts and its site how they are, all at once, and waits for none of them for long.
import http from "node:http";
import https from "node:https";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { type Asking, answerOf, asking } from "../on-host/ask.ts";
import { type Answer, harmless, readAnswer, type SiteReport } from "./facts.ts";

/** How long a host or the site may take, in seconds; the host tells within seven what it knows. */
const patience = 10;

/** What the program on the host is told: see components/status/program/host_status/told.py. */
export interface Told {
  readonly name: string;
  readonly scheme: string;
  readonly domain: string;
  readonly health: string;
  readonly first: boolean;
  readonly claim: string | null;
  readonly flag: string;
  readonly host: string;
}

const program = join(import.meta.dirname, "../../../components/status/program/host_status");

/** A host to ask: `ssh` has the arguments for ssh(1), the last one being the destination. */
export interface Asked {
  readonly name: string;
  readonly address: string;
  readonly ssh: readonly string[];
}

/** Asks a host, by one connection. One that does not answer is an answer as well. */
export async function askHost({ name, address, ssh }: Asked, told: Told): Promise<Answer> {
  try {
    return {
      name,
      address,
      problem: null,
      ...readAnswer(await answerOf(ssh, askingProgram(told), patience)),
    };
  } catch (error) {
    return { name, address, problem: harmless((error as Error).message), facts: null, findings: [] };
  }
}

/** What root runs on a host, and its standard input: nothing is put there. */
export const askingProgram = (told: Told): Asking => asking({ folder: program, module: "tell" }, told);

/** Asks the site's health path from this computer. Whether its certificate is trusted is told, and hinders nothing. */
export function askSite(url: string, health: string): Promise<Omit<SiteReport, "names">> {
  const asked = new URL(health, url);
  const began = performance.now();
  const report = {
    url,
    asked: asked.href,
    status: null,
    milliseconds: null,
    fingerprint: null,
    trusted: false,
  };
  return new Promise((settle) => {
    const get = asked.protocol === "https:" ? https.get : http.get;
    const options = { agent: false, rejectUnauthorized: false, headers: { "user-agent": "berth-status" } };
    const request = get(asked, options, (response) => {
      clearTimeout(timer);
      response.resume();
      const socket = response.socket as TLSSocket;
      settle({
        ...report,
        status: response.statusCode ?? null,
        milliseconds: Math.round(performance.now() - began),
        problem: null,
        fingerprint: socket.encrypted ? socket.getPeerCertificate().fingerprint256 : null,
        trusted: socket.encrypted === true && socket.authorized,
      });
    });
    const timer = setTimeout(() => request.destroy(new Error(`no answer in ${patience} s`)), patience * 1000);
    request.once("error", (error) => {
      clearTimeout(timer);
      settle({ ...report, problem: inTheWay(error, asked.hostname) });
    });
  });
}

/** What keeps this computer from the site. */
function inTheWay(error: NodeJS.ErrnoException, host: string): string {
  switch (error.code) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `no name server knows ${host}`;
    case "ECONNREFUSED":
      return "nothing listens there, or a firewall refuses it";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "there is no way to that address";
    default:
      return error.message;
  }
}
