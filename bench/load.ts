import type { ClientRequest } from "node:http";
import https from "node:https";
import { setTimeout as wait } from "node:timers/promises";

/** A site that answers by HTTPS at an address, with a certificate of its own. */
export interface Site {
  readonly address: string;
  /** The certificate that it must show, in PEM. */
  readonly certificate: string;
}

/** What {@link startLoad} asks; the application must have the views of `bench/load_views.py`. */
export interface LoadOptions {
  /** Requests that begin each second, whether or not those before have been answered. */
  readonly rate: number;
  /** How long the one long request takes, in seconds; there is always one under way. */
  readonly long: number;
  /** Whether there are POSTs and uploads among them. */
  readonly writes: boolean;
}

export interface LoadResult {
  readonly sent: number;
  /** What was wrong with each request that was not answered as it should be. */
  readonly failed: readonly string[];
  /** The tokens of the POSTs that were answered; each must be in the database once. */
  readonly posted: readonly string[];
  /** The tokens of all POSTs; none may be in the database twice. */
  readonly tokens: readonly string[];
  /** Milliseconds from when a short request was due until it had its answer or failed, as they ended. */
  readonly times: readonly { readonly at: number; readonly took: number; readonly well: boolean }[];
  /** How many of each kind were answered as they should be. */
  readonly answered: Readonly<Record<string, number>>;
}

export interface Load {
  stop(): Promise<LoadResult>;
}

interface Asked {
  readonly kind: string;
  readonly path: string;
  readonly body?: Buffer;
  readonly agent?: https.Agent;
  /** Bytes a second that are sent and read at most. */
  readonly slowly?: number;
  readonly timeout?: number;
}

const mebibyte = 1 << 20;

/**
 * Open-loop load: a request begins when it is due, so that a site which stands still is seen to (a client that waits
 * for its answers first would ask less). GETs on connections of their own and on kept ones, POSTs that each write a
 * row, and always one slow reader, one long request and one large upload under way.
 */
export function startLoad(site: Site, options: LoadOptions): Load {
  const failed: string[] = [];
  const posted: string[] = [];
  const tokens: string[] = [];
  const times: { at: number; took: number; well: boolean }[] = [];
  const answered: Record<string, number> = {};
  const kept = new https.Agent({ keepAlive: true, maxSockets: 8, ca: site.certificate });
  const under = new Set<Promise<unknown>>();
  let sent = 0;
  let ends = Number.POSITIVE_INFINITY;
  const on = () => ends === Number.POSITIVE_INFINITY;

  async function ask(asked: Asked): Promise<boolean> {
    sent += 1;
    const began = Date.now();
    const fault = await request(site, asked).catch(
      (error: NodeJS.ErrnoException) => error.code ?? error.message,
    );
    if (fault === undefined) answered[asked.kind] = (answered[asked.kind] ?? 0) + 1;
    else
      failed.push(
        `${asked.kind} ${asked.path} at ${new Date(began).toISOString()}, ${Date.now() - began} ms: ${fault}`,
      );
    return fault === undefined;
  }

  async function short(due: number, count: number): Promise<void> {
    let well: boolean;
    if (options.writes && count % 4 === 0) {
      const token = `load-${due.toString(36)}-${count}`;
      tokens.push(token);
      well = await ask({ kind: "post", path: `/load/post?token=${token}`, body: Buffer.alloc(4096, "x") });
      if (well) posted.push(token);
    } else if (count % 4 === 1) well = await ask({ kind: "kept", path: "/", agent: kept });
    else well = await ask({ kind: "get", path: "/load/get" });
    // From when it was due, not from when it began: what waits before it can begin waits all the same.
    times.push({ at: due, took: Date.now() - due, well });
  }

  function track(work: Promise<unknown>): void {
    under.add(work);
    work.finally(() => under.delete(work));
  }

  /** One under way, always; what is refused at once is asked again as a person would, and not a thousand times. */
  async function always(asked: Asked): Promise<void> {
    while (on()) if (!(await ask(asked)) && on()) await wait(1000);
  }

  const began = Date.now();
  async function pace(): Promise<void> {
    for (let count = 0; ; count++) {
      const due = began + (count * 1000) / options.rate;
      const ahead = due - Date.now();
      if (ahead > 0) await wait(ahead);
      // What became due while this process was busy is asked, too: all of it, and late.
      if (due > ends) return;
      track(short(due, count));
    }
  }
  track(pace());
  track(
    always({ kind: "long", path: `/load/long?seconds=${options.long}`, timeout: (options.long + 60) * 1000 }),
  );
  if (options.writes)
    track(
      always({
        kind: "upload",
        path: "/load/upload",
        body: Buffer.alloc(16 * mebibyte, "u"),
        slowly: 4 * mebibyte,
        timeout: 90_000,
      }),
    );
  track(always({ kind: "slow", path: "/load/big", slowly: mebibyte / 2, timeout: 90_000 }));

  return {
    async stop() {
      ends = Date.now();
      while (under.size > 0) await Promise.all(under);
      kept.destroy();
      return { sent, failed, posted, tokens, times, answered };
    },
  };
}

/** Nothing when the request was answered as it should be, else what was wrong. */
function request(site: Site, asked: Asked): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const out = https.request(
      `https://${site.address}${asked.path}`,
      {
        method: asked.body === undefined ? "GET" : "POST",
        ...(asked.agent === undefined ? { agent: false, ca: site.certificate } : { agent: asked.agent }),
        ...(asked.body === undefined ? {} : { headers: { "content-length": asked.body.length } }),
      },
      (response) => {
        let bytes = 0;
        response.on("data", (part: Buffer) => {
          bytes += part.length;
          if (asked.slowly === undefined) return;
          response.pause();
          setTimeout(() => response.resume(), (part.length / asked.slowly) * 1000);
        });
        response.on("error", reject);
        response.on("end", () => {
          clearTimeout(timer);
          const length = response.headers["content-length"];
          if (response.statusCode !== 200) resolve(`status ${response.statusCode}`);
          else if (length !== undefined && Number(length) !== bytes) resolve(`${bytes} bytes of ${length}`);
          else resolve(undefined);
        });
      },
    );
    const timer = setTimeout(() => out.destroy(new Error("no answer in time")), asked.timeout ?? 30_000);
    out.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    if (asked.body === undefined || asked.slowly === undefined) out.end(asked.body);
    else sendSlowly(out, asked.body, asked.slowly);
  });
}

/** Sends a body part by part, ten a second, as somebody far away does. */
function sendSlowly(out: ClientRequest, body: Buffer, rate: number): void {
  const part = Math.ceil(rate / 10);
  let sent = 0;
  const next = () => {
    if (out.destroyed) return;
    out.write(body.subarray(sent, sent + part));
    sent += part;
    if (sent >= body.length) out.end();
    else setTimeout(next, 100);
  };
  next();
}

/** The time below which this share of the requests took, in milliseconds. */
export function quantile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
