import https from "node:https";
import { setTimeout as wait } from "node:timers/promises";
import type { Site } from "./load.ts";

/** How many answers in a row must come from the new version: several for each of the server's processes. */
const inARow = 16;

/** Waits until every answer comes from this version; whether that came about within a minute and a half. */
export async function everyAnswer(where: Site, version: string): Promise<boolean> {
  const end = Date.now() + 90_000;
  for (let right = 0; Date.now() < end; ) {
    const { text } = await ask(where, "/load/version").catch(() => ({ text: "" }));
    right = text === version ? right + 1 : 0;
    if (right === inARow) return true;
    if (right === 0) await wait(100);
  }
  return false;
}

/** One GET on a connection of its own. */
export function ask(where: Site, path: string): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const out = https.get(
      `https://${where.address}${path}`,
      { agent: false, ca: where.certificate, timeout: 30_000 },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => (text += part));
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    out.on("timeout", () => out.destroy(new Error("no answer in time")));
    out.on("error", reject);
  });
}
