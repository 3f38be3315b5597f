// Connections over SSH, made with ssh2. Attempts are repeated as the real provider repeats them: a host that is still
// booting refuses, knows no key yet, or shows another host key for a moment.

import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import type { Duplex } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import type { Client, ConnectConfig, ServerHostKeyAlgorithm } from "ssh2";
import { readablePrivateKey } from "../openssh.ts";
import type { Context } from "../provider.ts";
import type { Connection, Endpoint } from "./types.ts";

const ssh2: typeof import("ssh2") = createRequire(import.meta.url)("ssh2");

/**
 * A connection that dies without a word (a cut cable, a host that is gone) is noticed after KEEPALIVE × 4
 * milliseconds. The real provider sends no keep-alives and waits until the kernel gives up, or for ever.
 */
const KEEPALIVE = 10_000;

const FIRST_DELAY = 100;
const BACKOFF = 1.5;
const LONGEST_DELAY = 5_000;

/** An open connection and what to close with it. */
export interface Session {
  readonly client: Client;
  close(): void;
}

export async function dial(connection: Connection, context: Context): Promise<Session> {
  const { proxy } = connection;
  if (!proxy) {
    const client = await persist("Dial", connection, context, () => connect(connection, context));
    return { client, close: () => client.end() };
  }
  try {
    const jump = await persist("Dial proxy", proxy, context, () => connect(proxy, context));
    try {
      const client = await persist("Dial from proxy", connection, context, async () =>
        connect(connection, context, await forward(jump, connection)),
      );
      const close = () => {
        client.end();
        jump.end();
      };
      return { client, close };
    } catch (error) {
      jump.end();
      throw error;
    }
  } catch (error) {
    throw new Error(`proxy: ${(error as Error).message}`);
  }
}

/** An error that no further attempt can cure: the settings themselves are wrong. */
class Unusable extends Error {}

async function persist<Result>(
  what: string,
  endpoint: Endpoint,
  context: Context,
  attempt: () => Promise<Result>,
): Promise<Result> {
  const limit = endpoint.dialErrorLimit;
  for (let failed = 0, delay = FIRST_DELAY; ; failed++) {
    context.signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      context.signal.throwIfAborted();
      if (error instanceof Unusable) throw error;
      if (limit > -1 && failed >= limit) {
        throw new Error(`after ${failed} failed attempts: ${(error as Error).message}`);
      }
      context.log("info", `${what} ${failed + 1}/${limit === -1 ? "inf" : limit} failed: retrying`, {
        status: true,
      });
    }
    await wait(Math.min(delay, LONGEST_DELAY), undefined, { signal: context.signal }).catch(() => {});
    delay *= BACKOFF;
  }
}

function connect(endpoint: Endpoint, context: Context, sock?: Duplex): Promise<Client> {
  const address = `${endpoint.host}:${endpoint.port}`;
  const config = clientConfig(endpoint);
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    const cancel = () => client.destroy();
    let mismatch: string | undefined;
    const fail = (message: string) => {
      context.signal.removeEventListener("abort", cancel);
      client.destroy();
      reject(new Error(message));
    };
    context.signal.addEventListener("abort", cancel, { once: true });
    // Without it every small packet of the handshake waits for a delayed acknowledgement: 40 ms, six times over.
    client.on("connect", () => client.setNoDelay(true));
    client.on("keyboard-interactive", (_name, _instructions, _language, prompts, answer) =>
      answer(prompts.map(() => endpoint.password ?? "")),
    );
    client.on("ready", () => {
      context.signal.removeEventListener("abort", cancel);
      resolve(client);
    });
    client.on("error", (error: Error & { level?: string; code?: string }) => {
      if (mismatch) fail(`ssh: handshake failed: ssh: host key mismatch: ${mismatch}`);
      else if (error.level === "client-authentication") {
        fail(
          `ssh: handshake failed: ssh: unable to authenticate as ${endpoint.user}, attempted methods ` +
            `[${methods(endpoint).join(" ")}], no supported methods remain`,
        );
      } else if (error.level === "client-timeout") {
        fail(`dial tcp ${address}: i/o timeout: no SSH session within ${endpoint.perDialTimeout} s`);
      } else if (error.level === "client-socket") fail(`dial tcp ${address}: ${socketFault(error)}`);
      else fail(`ssh: handshake failed: ${error.message}`);
    });
    client.on("close", () => fail(`ssh: handshake failed: ${address} closed the connection`));
    client.connect({
      ...config,
      ...(sock ? { sock } : {}),
      hostVerifier: (key: Buffer) => {
        mismatch = hostKeyFault(endpoint, key);
        return mismatch === undefined;
      },
    });
  });
}

function clientConfig(endpoint: Endpoint): ConnectConfig {
  const config: ConnectConfig = {
    host: endpoint.host,
    port: endpoint.port,
    username: endpoint.user,
    readyTimeout: endpoint.perDialTimeout * 1000,
    keepaliveInterval: KEEPALIVE,
    keepaliveCountMax: 3,
    // Ciphers that Node's own OpenSSL computes come first: the others are several times slower in JavaScript.
    algorithms: {
      cipher: {
        prepend: ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"],
        append: [],
        remove: [],
      },
    },
  };
  if (endpoint.hostKey !== undefined) {
    config.algorithms = {
      ...config.algorithms,
      serverHostKey: hostKeyAlgorithms(parseHostKey(endpoint.hostKey).type),
    };
  }
  if (endpoint.privateKey !== undefined) {
    try {
      config.privateKey = readablePrivateKey(endpoint.privateKey, endpoint.privateKeyPassword);
    } catch (error) {
      throw new Unusable(`connection.privateKey: ${(error as Error).message}`);
    }
    if (endpoint.privateKeyPassword !== undefined) config.passphrase = endpoint.privateKeyPassword;
    const parsed = ssh2.utils.parseKey(config.privateKey, endpoint.privateKeyPassword);
    if (parsed instanceof Error) throw new Unusable(`connection.privateKey: ${parsed.message}`);
  }
  if (endpoint.password !== undefined) {
    config.password = endpoint.password;
    config.tryKeyboard = true;
  }
  // The real provider asks a second time with an agent's keys only when it has tried no key, yet fails when
  // SSH_AUTH_SOCK names a socket that is dead. Here a key that is given never depends on an agent.
  const agent =
    endpoint.agentSocketPath ?? (endpoint.privateKey === undefined ? process.env.SSH_AUTH_SOCK : undefined);
  if (agent) config.agent = agent;
  // The method "none" would only cost a round trip.
  config.authHandler = [
    ...(config.privateKey === undefined ? [] : (["publickey"] as const)),
    ...(config.password === undefined ? [] : (["password", "keyboard-interactive"] as const)),
    ...(agent ? (["agent"] as const) : []),
    ...((config.privateKey ?? config.password ?? agent) ? [] : (["none"] as const)),
  ];
  return config;
}

function methods(endpoint: Endpoint): string[] {
  const tried = ["none"];
  if (endpoint.privateKey !== undefined || endpoint.agentSocketPath !== undefined) tried.push("publickey");
  if (endpoint.password !== undefined) tried.push("password", "keyboard-interactive");
  return tried;
}

function parseHostKey(text: string): { type: string; data: Buffer } {
  const [type, base64] = text.trim().split(/\s+/);
  const data = Buffer.from(base64 ?? "", "base64");
  if (!type || data.length === 0 || data.subarray(4, 4 + data.readUInt32BE(0)).toString() !== type) {
    throw new Unusable(
      "failed to parse host key: connection.hostKey must be one line as in the server's " +
        `/etc/ssh/ssh_host_ed25519_key.pub ("ssh-ed25519 AAAA…"); it is ${JSON.stringify(text.slice(0, 40))}`,
    );
  }
  return { type, data };
}

function hostKeyAlgorithms(type: string): ServerHostKeyAlgorithm[] {
  return (type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [type]) as ServerHostKeyAlgorithm[];
}

/** What is wrong with the key that the server shows, or nothing. */
function hostKeyFault(endpoint: Endpoint, shown: Buffer): string | undefined {
  if (endpoint.hostKey === undefined) return undefined;
  const { data } = parseHostKey(endpoint.hostKey);
  if (data.equals(shown)) return undefined;
  return `${endpoint.host}:${endpoint.port} shows ${fingerprint(shown)}, connection.hostKey is ${fingerprint(data)}`;
}

function fingerprint(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}

function socketFault(error: Error & { code?: string }): string {
  const known: Record<string, string> = {
    ECONNREFUSED: "connect: connection refused",
    EHOSTUNREACH: "connect: no route to host",
    ENETUNREACH: "connect: network is unreachable",
    ECONNRESET: "read: connection reset by peer",
    ETIMEDOUT: "i/o timeout",
    ENOTFOUND: "lookup: no such host",
  };
  return known[error.code ?? ""] ?? error.message;
}

function forward(jump: Client, to: Endpoint): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    jump.forwardOut("127.0.0.1", 0, to.host, to.port, (error, channel) =>
      error ? reject(new Error(`dial tcp ${to.host}:${to.port}: ${error.message}`)) : resolve(channel),
    );
  });
}
