// The load that figures about releases rest on: it must see a site that stands still, and count each request once.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { quantile, startLoad } from "../../bench/load.ts";
import { faultsOfPosts, readRows } from "../../bench/rows.ts";
import { everyAnswer } from "../../bench/served.ts";
import { faultsOfTasks } from "../../bench/workers.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-load-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const [keyFile, certFile] = [join(folder, "key"), join(folder, "cert")];
const made = spawnSync(
  "openssl",
  `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=load -addext subjectAltName=IP:127.0.0.1 -keyout ${keyFile} -out ${certFile}`.split(
    " ",
  ),
);
assert.equal(made.status, 0, `${made.stderr}`);
const [key, certificate] = [readFileSync(keyFile, "utf8"), readFileSync(certFile, "utf8")];

async function withSite(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = https.createServer({ key, cert: certificate }, answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    site: { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, certificate },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
/** Answers as the views of bench/load_views.py do, but the long request at once. */
const answerWell = (request: IncomingMessage, response: ServerResponse) => {
  request.resume().once("end", () => setTimeout(() => response.end("well"), 20));
};
const options = { rate: 50, long: 0, writes: true };

test("while a site stands still, requests go on to become due, and each waits from when it was due", async () => {
  const waiting: (() => void)[] = [];
  let open = true;
  const { site, close } = await withSite((request, response) => {
    if (open) answerWell(request, response);
    else waiting.push(() => answerWell(request, response));
  });
  const load = startLoad(site, options);
  await wait(200);
  open = false;
  const from = Date.now();
  await wait(1000);
  const to = Date.now();
  open = true;
  for (const answer of waiting) answer();
  const { times, failed } = await load.stop();
  close();
  const within = times.filter(({ at }) => at >= from && at <= to);
  const expected = ((to - from) / 1000) * options.rate;
  assert.ok(Math.abs(within.length - expected) <= 1, `${within.length} of ${expected} due in the meantime`);
  for (const { at, took } of within) assert.ok(took >= to - at - 2, `due at ${at - from} ms, took ${took}`);
  assert.deepEqual(failed, []);
});

test("a load that is held up itself asks what it has missed, and counts from when each was due", async () => {
  const { site, close } = await withSite(answerWell);
  const load = startLoad(site, options);
  await wait(100);
  // Nothing of this process runs meanwhile.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);
  await wait(100);
  const { times } = await load.stop();
  close();
  const due = times.map(({ at }) => at).sort((a, b) => a - b);
  for (const [index, at] of due.entries())
    assert.ok(Math.abs(at - (due[0] as number) - (index * 1000) / options.rate) < 0.01, `${index}: ${at}`);
  assert.ok(
    times.filter(({ took }) => took > 300).length >= 10,
    `${quantile(
      times.map((one) => one.took),
      1,
    )}`,
  );
});

test("what is answered by another status, cut off or not at all has failed, with its kind and the reason", async () => {
  let count = 0;
  const { site, close } = await withSite((request, response) => {
    count += 1;
    const kind = count % 3;
    if (request.url !== "/load/get") answerWell(request, response);
    else if (kind === 0) response.writeHead(502).end();
    else if (kind === 1) request.socket.destroy();
    else {
      response.writeHead(200, { "content-length": "10" }).write("half");
      setTimeout(() => request.socket.destroy(), 5);
    }
  });
  const load = startLoad(site, options);
  await wait(600);
  const { sent, failed, times, answered } = await load.stop();
  close();
  assert.ok(failed.every((one) => one.startsWith("get /load/get at ")));
  assert.ok(failed.some((one) => one.endsWith("status 502")));
  assert.ok(failed.some((one) => /ECONNRESET|socket hang up|aborted/.test(one)));
  assert.equal(failed.length, times.filter(({ well }) => !well).length);
  assert.equal(failed.length + Object.values(answered).reduce((sum, one) => sum + one, 0), sent);
});

test("a POST that was answered and is not there is lost; one that is there twice is told, answered or not", () => {
  const rows = readRows("load-a|1\nload-b|2\nload-d|2\n");
  const posts = { tokens: ["load-a", "load-b", "load-c", "load-d"], posted: ["load-a", "load-b", "load-c"] };
  assert.deepEqual(faultsOfPosts(posts, rows), { lost: ["load-c"], twice: ["load-b", "load-d"] });
});

test("a task that never ended is lost, one that was begun again was run twice", () => {
  const runs = "a|1|1\nb|1|0\nc|2|1\nd|2|2";
  assert.deepEqual(faultsOfTasks(["a", "b", "c", "d", "e"], runs), { lost: ["b", "e"], twice: ["c", "d"] });
});

test("a version is served when every one of many answers in a row comes from it", async () => {
  let asked = 0;
  // One of four processes is late.
  const { site, close } = await withSite((_, response) => {
    asked += 1;
    response.end(asked < 40 && asked % 4 === 0 ? "v1" : "v2");
  });
  assert.equal(await everyAnswer(site, "v2"), true);
  assert.ok(asked >= 36 + 16, `after ${asked} answers`);
  close();
});
