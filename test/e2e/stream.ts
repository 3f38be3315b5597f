// Answers that come in parts, as a visitor gets them.
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import https from "node:https";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";

export interface Stream {
  readonly headers: IncomingMessage["headers"];
  /** What has arrived so far, without empty lines. */
  readonly lines: readonly string[];
  /** When it has ended, in milliseconds. */
  readonly ended: Promise<number>;
  close(): void;
}

/** Asks a site for a path, and returns when the head of its answer is there. */
export async function openStream(
  site: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<Stream> {
  const asked = https.get({ host: site, path, headers, rejectUnauthorized: false, agent: false });
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  const lines: string[] = [];
  let rest = "";
  const body: Readable = answer.headers["content-encoding"] === "gzip" ? answer.pipe(createGunzip()) : answer;
  body.setEncoding("utf8").on("data", (text: string) => {
    const all = `${rest}${text}`.split("\n");
    rest = all.pop() ?? "";
    lines.push(...all.filter((line) => line !== ""));
  });
  // One that is cut off has ended.
  for (const one of [asked, answer, body]) one.on("error", () => {});
  const ended = new Promise<number>((resolve) =>
    answer.once("close", () => {
      const end = () => resolve(Date.now());
      // What is left to unpack comes after.
      if (answer.complete && !body.readableEnded) body.once("end", end);
      else end();
    }),
  );
  return { headers: answer.headers, lines, ended, close: () => asked.destroy() };
}
