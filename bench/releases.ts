// sh scripts/node bench/releases.ts [--releases N] [--rate N]: requests that fail during releases, by Berth and by the
// usual ways, on one host, one after the other, with the same application, nginx and load; and how long releases take.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { edit, withStack } from "../test/e2e/harness.ts";
import { addLoadViews, duplicates, loadOn } from "../test/load.ts";
import { quantile } from "./load.ts";
import { machineFacts } from "./report.ts";

const root = resolve(import.meta.dirname, "..");
const { values } = parseArgs({
  options: { releases: { type: "string", default: "20" }, rate: { type: "string", default: "20" } },
});
const [releases, rate] = [Number(values.releases), Number(values.rate)];

interface Row {
  readonly way: string;
  readonly releases: number;
  readonly requests: number;
  readonly failed: number;
  readonly duplicated: number;
  readonly p50: number;
  readonly p99: number;
}

const cleaners: (() => void | Promise<void>)[] = [];
const stack = await withStack({ after: (clean) => void cleaners.push(clean) });

/** One way, under load from before the first release until after the last. */
async function under(way: string, count: number, release: (index: number) => Promise<void>): Promise<Row> {
  const load = await loadOn(stack, { rate, long: 20 });
  for (let index = 0; index < count; index++) await release(index);
  const result = await load.stop();
  const times = result.times.map(({ took }) => took);
  const row = {
    way,
    releases: way === "no release" ? 0 : count,
    requests: result.sent,
    failed: result.failed.length,
    duplicated: (await duplicates(stack, result)).length,
    p50: Math.round(quantile(times, 0.5)),
    p99: Math.round(quantile(times, 0.99)),
  };
  console.log(JSON.stringify(row));
  return row;
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return Math.round((performance.now() - began) / 100) / 10;
}

async function median(count: number, work: () => Promise<unknown>): Promise<number> {
  const all: number[] = [];
  for (let index = 0; index < count; index++) all.push(await seconds(work));
  return quantile(all, 0.5);
}

/** A service as manuals have it; `socket` says whether systemd holds the socket. */
async function usualWay(socket: boolean): Promise<void> {
  const service = readFileSync(join(root, "bench/gunicorn.service"), "utf8");
  await stack.on("cat >/etc/systemd/system/gunicorn.service", {
    stdin: service.replace("BIND", socket ? "" : "--bind unix:/run/gunicorn/web.sock"),
  });
  await stack.on(
    "printf '[Socket]\\nListenStream=/run/gunicorn/web.sock\\nSocketUser=www-data\\n' >/etc/systemd/system/gunicorn.socket; systemctl daemon-reload",
  );
  if (socket) await stack.on("systemctl start gunicorn.socket");
  await stack.on("systemctl start gunicorn.service; ln -sfn /run/gunicorn/web.sock /run/logbook/web.sock");
  await wait(3000);
}

/** Ends the usual way, and leads nginx back to Berth's. */
const endUsualWay = () =>
  stack.on("systemctl stop gunicorn.socket gunicorn.service; systemctl restart logbook-web-start");

try {
  stack.configure({ app: { workers: 4 } });
  addLoadViews(stack);
  await stack.succeed();
  let count = 0;
  const changed = async () => {
    edit(stack, "app/notes.txt", () => `${++count}\n`);
    await stack.succeed();
  };
  await changed();
  const times = {
    noop: await median(3, () => stack.succeed()),
    codeOnly: await median(3, changed),
    rollback: await median(3, async () => {
      const kept = (await stack.on("ls -t /srv/logbook/releases")).split("\n");
      const current = await stack.on("basename $(readlink /srv/logbook/current)");
      stack.configure({ app: { release: kept.find((one) => one !== current) } });
      await stack.succeed();
    }),
  };
  console.log(JSON.stringify(times));
  stack.configure({ app: { release: undefined } });
  await stack.succeed();

  const pause = async () => void (await wait(8000));
  const usual = (command: string) => async () => {
    await stack.on(command);
    await pause();
  };
  const rows = [await under("no release", releases, pause), await under("Berth", releases, changed)];
  await usualWay(false);
  rows.push(await under("systemctl restart gunicorn", releases, usual("systemctl restart gunicorn.service")));
  rows.push(
    await under("systemctl reload gunicorn (HUP)", releases, usual("systemctl reload gunicorn.service")),
  );
  await endUsualWay();
  await usualWay(true);
  rows.push(await under("socket activation, restart", releases, usual("systemctl restart gunicorn.service")));
  await endUsualWay();

  const date = new Date().toISOString().slice(0, 10);
  mkdirSync(join(root, "bench/results"), { recursive: true });
  const file = `bench/results/${date}-releases.json`;
  const report = { date, releases, rate, machine: machineFacts(), seconds: times, rows };
  writeFileSync(join(root, file), `${JSON.stringify(report, null, 2)}\n`);
  console.table(rows);
  console.log(`berth: written to ${file}`);
} finally {
  for (const clean of cleaners) await clean();
}
process.exit(0);
