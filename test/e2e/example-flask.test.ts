// The signal lamp, deployed from its own stack file: Flask, PostgreSQL, Redis, a worker and a timer.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parse } from "yaml";
import { root } from "../engine/harness.ts";
import { until } from "../until.ts";
import { npmRunWith } from "./checkout.ts";
import { edit, withStack } from "./harness.ts";
import { runAnew } from "./units.ts";

const stack = await withStack({ after }, { app: "examples/flask" });
const sql = (query: string) => stack.on(`runuser -u postgres -- psql -XAtq lamp -c ${JSON.stringify(query)}`);

/** Sends a message by the form, as a visitor does; its id. */
async function send(text: string): Promise<number> {
  const answer = await stack.fetch("/", {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ sender: "Ida", text }).toString(),
  });
  assert.equal(answer.status, 303, answer.text);
  const id = Number(/#message-(\d+)$/.exec(`${answer.headers.location}`)?.[1]);
  assert.ok(id > 0, answer.headers.location);
  return id;
}

before(async () => {
  const { "berth:app": app, ...others } = parse(
    readFileSync(join(root, "examples/flask/Pulumi.flask.yaml"), "utf8"),
  ).config;
  const sections = Object.entries(others).map(([key, value]) => [key.replace("berth:", ""), value]);
  stack.configure({
    ...Object.fromEntries(sections),
    app: { settings: undefined, ...app, source: { directory: "app" } },
  });
  await stack.succeed();
});

test("the page is there over HTTPS with its style, and every part of it is well", async () => {
  const { release } = await stack.outputs();
  const page = await stack.fetch("/");
  assert.equal(page.status, 200);
  assert.ok(page.text.includes(`<dd class="mono" id="release">${release}</dd>`), page.text);
  const style = await stack.fetch(/href="([^"]+\.css[^"]*)"/.exec(page.text)?.[1] ?? "");
  assert.equal(style.status, 200);
  assert.equal(style.headers["content-type"], "text/css");
  const health = await stack.fetch("/health");
  assert.deepEqual(JSON.parse(health.text), { status: "ok", postgres: "ok", redis: "ok", release });
  await until("the worker", async () => (await stack.fetch("/")).text.includes("All parts well"));
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});

test("a message is kept in PostgreSQL and sent by the worker", async () => {
  const id = await send("SOS");
  assert.equal(await sql(`SELECT sender, text FROM message WHERE id = ${id}`), "Ida|SOS");
  await until("the message sent", async () => (await stack.fetch("/")).text.includes("··· −−− ···"));
  assert.equal(await sql(`SELECT morse FROM message WHERE id = ${id}`), "... --- ...");
});

test("the console is Flask's, and the database's shell is psql, both with its settings", async () => {
  const console = await npmRunWith("print('app is', app.name)\n", stack, "console").ended;
  assert.equal(console.code, 0, console.stderr);
  assert.match(console.stdout, /app is \w+/);
  const shell = await npmRunWith("SELECT count(*), current_database() FROM message;\n", stack, "dbshell")
    .ended;
  assert.equal(shell.code, 0, shell.stderr);
  assert.match(shell.stdout, /\d+ \| lamp/);
});

test("its own tests pass on the host, with the PostgreSQL and the Redis that are there", async () => {
  const run = await stack.ssh(
    `cd /srv/lamp/current && systemd-run --quiet --wait --pipe --collect -p User=lamp -p Group=lamp \
      -p WorkingDirectory=/srv/lamp/current -p EnvironmentFile=/srv/lamp/config/env \
      -p EnvironmentFile=/srv/lamp/config/web/current/release.env .venv/bin/python -m unittest 2>&1`,
    { timeout: 180_000 },
  );
  assert.equal(run.code, 0, run.stdout);
  assert.match(run.stdout, /Ran 8 tests[\s\S]*OK/);
});

test("messages that wait while a release goes through are all sent, and by the new release's worker", async () => {
  const old = (await stack.outputs()).release;
  const ids: number[] = [];
  for (const text of ["one", "two", "three", "four", "five"])
    ids.push(await send(`${text} ${"-".repeat(100)}`));
  edit(stack, "app/lamp/morse.py", (text) => text.replace('" / ".join', '" // ".join'));
  await stack.succeed();
  const { release } = await stack.outputs();
  assert.notEqual(release, old);
  ids.push(await send("by the new one"));
  await until(
    "all of them sent",
    async () => (await sql(`SELECT count(*) FROM message WHERE sent_at IS NULL`)) === "0",
  );
  assert.match(await sql(`SELECT morse FROM message WHERE id = ${ids.at(-1)}`), / \/\/ /);
  const units = await stack.on(
    "systemctl list-units --plain --no-legend --state=active 'lamp-worker@*.service' | cut -d' ' -f1",
  );
  assert.match(units, new RegExp(`^lamp-worker@${release}\\.\\w+\\.service$`));
});

test("the timer gives the worker what has waited for long", async () => {
  assert.match(
    await stack.on("systemctl list-timers --all --plain --no-legend 'lamp-resend*'"),
    /lamp-resend/,
  );
  await sql(
    "INSERT INTO message (sender, text, written_at) VALUES ('Ida', 'late', now() - interval '1 hour')",
  );
  await runAnew(stack, "lamp-resend.service");
  await until("it sent", async () => (await sql("SELECT morse FROM message WHERE text = 'late'")) !== "");
});
