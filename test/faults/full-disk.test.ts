// The application itself fills the host's disk, and goes on trying: nothing that was committed is lost, and all comes
// back without a hand when it ends. BERTH_FILL_SECONDS=600 has it try for ten minutes.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { edit, psql, untilWell, withStack } from "../e2e/harness.ts";
import { until } from "../until.ts";
import { assertWell } from "./faults.ts";

const stack = await withStack({ after }, { deployed: true });
const host = (command: string) => stack.inside(command).stdout.trim();
const seconds = Number(process.env.BERTH_FILL_SECONDS ?? 45);
const parts = () => Number(host("ls /var/lib/berth/reserve | grep -c ^part-"));
const said = () => host("journalctl -b -o cat -u berth-space");
/** What is in the table, of what PostgreSQL has said to be committed. */
const committed = () => host("wc -l </dev/shm/committed");

test("space is set aside on the host's disk, for root alone", async () => {
  // What a machine that was put aside has of it lies in a lower layer of its disk, and takes no space.
  host("rm -rf /var/lib/berth/reserve");
  await until("it to be set aside", () => parts() === 8);
  assert.equal(host("stat -c '%U %a' /var/lib/berth/reserve"), "root 700");
  const size = 1024 * Number(host("df --output=size -k / | tail -n 1"));
  const aside = Number(host("du -sb /var/lib/berth/reserve | cut -f1"));
  assert.ok(aside > 0.049 * size && aside < 0.051 * size, `${aside} of ${size}`);
});

test("an application that fills the disk loses nothing that was committed, and all comes back when it ends", async () => {
  const sql = `runuser -u postgres -- ${psql} -XAtq -d logbook -c`;
  host(`${sql} 'CREATE TABLE kept (id int)'`);
  // Each row by a connection of its own; what is committed is noted where there is space.
  host(
    `systemd-run --quiet --unit writer bash -c 'for ((row = 1; ; row++)); do ${sql.replaceAll("'", "")} "INSERT INTO kept VALUES ($row)" && echo $row >>/dev/shm/committed; sleep 0.1; done'`,
  );
  await until("rows to be committed", () => Number(committed()) > 10);

  const fill =
    "i=0; while :; do i=$((i + 1)); fallocate -l 64M media/fill-$i || dd if=/dev/zero of=media/rest-$i bs=64k status=none || sleep 0.2; done 2>/dev/null";
  host(
    `systemd-run --quiet --unit filler -p User=logbook -p WorkingDirectory=/srv/logbook bash -c '${fill}'`,
  );
  await until("the disk to be full", () => host("df --output=avail -k / | tail -n 1") === "0");
  await wait(seconds * 1000);
  const given = /the disk \/ is full: \d+ MiB that were set aside are given back; \d of 8 parts are left/;
  await until("space to be given back", () => given.test(said()), said);
  assert.ok(parts() > 0, "what fills the disk does not get all of it");
  host("systemctl stop filler");

  await untilWell(stack);
  host("systemctl stop writer");
  const rows = new Set(host(`${sql} 'SELECT id FROM kept'`).split("\n"));
  const lost = host("cat /dev/shm/committed")
    .split("\n")
    .filter((row) => !rows.has(row));
  assert.deepEqual(lost, []);
  assert.equal(host("systemctl --failed --plain --no-legend | grep -v filler"), "");
});

test("a release goes through on a disk that is still full: what is set aside is given back to it", async () => {
  edit(stack, "app/notes.txt", () => "on a full disk\n");
  const run = await stack.succeed();
  assert.match(run.stdout, /the disk \/ had \d+ MiB left: \d+ MiB that were set aside are given back/);
  await assertWell(stack);
});

test("with space again it is set aside anew", async () => {
  host("rm -f /srv/logbook/media/fill-* /srv/logbook/media/rest-*");
  await until("it to be set aside", () => parts() === 8);
  assert.match(said(), /given back[\s\S]*the disk \/ has space: \d+ MiB of it are set aside/);
  await assertWell(stack);
});

test("a nearly full disk is said before it is full", async () => {
  host(
    "rm -f /run/berth-space.json; fallocate -l $(($(df --output=avail -k / | tail -n 1) * 9 / 10))K /var/log/nearly",
  );
  await until("it to be said", () =>
    /\d+% of the disk \/ are used, \d+ MiB are free\. The largest: \/var\/log\/nearly \d+ MiB/.test(said()),
  );
  host("rm /var/log/nearly");
});
