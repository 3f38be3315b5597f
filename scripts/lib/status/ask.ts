// Asks a stack's hosts and its site how they are, all at once, and waits for none of them for long.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { shellQuote } from "../../../components/host/quote.ts";
import { type HostReport, harmless, readFacts, type SiteReport } from "./facts.ts";

/** How long a host or the site may take, in seconds; host_status.py tells within seven what it knows. */
const patience = 10;

/** What the program on the host is told. */
export interface Told {
  readonly name: string;
  readonly scheme: string;
  readonly domain: string;
  readonly health: string;
}

/** A host to ask: `ssh` has the arguments for ssh(1), the last one being the destination. */
export interface Asked {
  readonly name: string;
  readonly address: string;
  readonly ssh: readonly string[];
}

/** Asks a host, by one connection. One that does not answer is an answer as well. */
export async function askHost({ name, address, ssh }: Asked, told: Told): Promise<HostReport> {
  try {
    return { name, address, problem: null, facts: readFacts(await answerOf(ssh, told)) };
  } catch (error) {
    return { name, address, problem: harmless((error as Error).message), facts: null };
  }
}

function answerOf(ssh: readonly string[], told: Told): Promise<string> {
  const program = readFileSync(join(import.meta.dirname, "host_status.py"), "utf8");
  const command = ["sudo", "-n", "python3", "-IS", "-", JSON.stringify(told)].map(shellQuote).join(" ");
  const options = ["-T", "-o", "BatchMode=yes", "-o", `ConnectTimeout=${patience - 2}`];
  const child = spawn("ssh", [...options, ...ssh, command], { stdio: ["pipe", "pipe", "pipe"] });
  let [printed, said, late] = ["", "", false];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  // It may end before it has read all of it.
  child.stdin.on("error", () => {}).end(program);
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, patience * 1000);
  return new Promise((settle, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      const last = said.trim().split("\n").at(-1) ?? "";
      const reason = last.replace(/^ssh: connect to host \S+ (port \d+: )/, "$1").trim();
      if (late) reject(new Error(`no answer in ${patience} s`));
      else if (code !== 0) reject(new Error(reason || `ssh ended with ${code}`));
      else settle(printed);
    });
  });
}

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
