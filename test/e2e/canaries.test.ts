// No secret of a stack is seen where others look: every one is sought as a canary, in every form it may take.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { readPreview } from "../../scripts/lib/preview/events.ts";
import { comment, limits } from "../../scripts/lib/preview/markdown.ts";
import { plainText } from "../../scripts/lib/preview/plain.ts";
import { reportOn } from "../../scripts/lib/preview/report.ts";
import { canariesOf, Search, shownIn, watchProcesses } from "./canaries.ts";
import { edit, execute, type Run, type Stack, withStack } from "./harness.ts";

const given = {
  PARTNER_TOKEN: "Token-h5Jq8Wz2LxVb6TnY",
  MAIL_URL: "smtp://mail:Kq7xPw93mZtR5vBn@mail.example:587",
};
// Another each time, for it is sought in all processes of this computer, those of other runs among them.
const laterToken = `token/with+odd "characters" \\and% a 'space ${randomBytes(4).toString("hex")}`;
// Nobody answers there; the host tries all the same.
const target = "json://127.0.0.1:9/hook/Vt4cRm8KpZq2LxJ6";
// What a command reads where the team keeps it.
const fromElsewhere = "Store-x4Nw8Gk2ZrQ7vLpD";
const known = {
  ...given,
  "a secret from elsewhere": fromElsewhere,
  "the token of a target of messages": "Vt4cRm8KpZq2LxJ6",
  "password of MAIL_URL": "Kq7xPw93mZtR5vBn",
  "the later PARTNER_TOKEN": laterToken,
};

// Its programs, and the one that its units start, which becomes one of them.
const application = ["/srv/logbook/", "/usr/local/lib/berth/logbook/serve"];

test("no secret is seen in previews, outputs, logs, processes or files that others can read", async (t) => {
  const began = new Date();
  const stack = await withStack(t);
  const said = new Map<string, string>();
  const keep = (name: string, run: Run) => {
    said.set(name, `${run.stdout}${run.stderr}`);
    if (run.events !== "") said.set(`${name}, its events`, run.events);
  };
  for (const [name, value] of Object.entries(given)) await setSecret(stack, name, value);
  await setSecret(stack, "ops", target, "notify.targets");
  writeFileSync(join(stack.project, "WEBHOOK_KEY"), fromElsewhere, { mode: 0o600 });
  stack.configure({ app: { secretFrom: { command: "cat {name}", names: ["WEBHOOK_KEY"] } } });

  keep("first preview", await stack.preview("--diff"));
  const sampler = watchProcesses(application);
  const first = await stack.up();
  keep("first up", first);
  assert.equal(first.code, 0, first.stdout + first.stderr);

  await setSecret(stack, "PARTNER_TOKEN", laterToken);
  stack.configure({ app: { env: { SITE_NAME: "Canary" } }, redis: { memory: 64 } });
  for (const format of ["--suppress-progress", "--diff", "--json"]) {
    const preview = await stack.preview(format);
    assert.deepEqual(Object.keys(preview.changes).sort(), changing, preview.stderr);
    keep(`preview ${format}`, preview);
    const { events, stderr, code } = preview;
    const report = reportOn("shop", readPreview(events, stderr, code));
    said.set(`comment on preview ${format}`, comment(report, { limit: limits.gitlab }));
    said.set(`npm run preview, as ${format}`, plainText(report));
  }
  keep("second up, with its diff", await stack.up("--diff"));

  edit(stack, "app/entries/migrations/0002_canary.py", () => migration);
  const failing = await stack.up();
  keep("up whose migration prints its environment", failing);
  assert.notEqual(failing.code, 0);
  assert.match(failing.stdout + failing.stderr, /Django's migrations cannot be listed/);
  assert.match(
    failing.stdout + failing.stderr,
    /PARTNER_TOKEN/,
    "what was printed is shown, without the secret",
  );
  const processes = await sampler.stop();
  const canaries = canariesOf(await stack.resources(), known);
  const search = () => new Search(canaries);

  await t.test("the search itself would find each of them", async () => {
    const texts = search();
    texts.texts("planted", [`x${laterToken}y`, Buffer.from(`..${given.PARTNER_TOKEN}.`).toString("base64")]);
    assert.deepEqual(texts.hits, ["planted: the later PARTNER_TOKEN", "planted: PARTNER_TOKEN"]);
    for (const { name, needles } of canaries) {
      assert.ok(needles.length > 0, name);
      for (const needle of needles) assert.ok(shownIn(`<${needle}>`, canaries).includes(name), name);
    }

    const other = watchProcesses(application);
    const child = spawn("sleep", ["2"], { env: { LEAKED: laterToken }, stdio: "ignore" });
    await sleep(200);
    child.kill();
    const seen = search();
    seen.processes(await other.stop());
    assert.deepEqual(seen.hits, ["the environment of sleep 2: the later PARTNER_TOKEN"]);

    await stack.on("umask 022; cat >/var/tmp/planted; cat /var/tmp/planted >/var/log/planted", {
      stdin: `${(await stack.resource("secrets-database")).outputs.result}`,
    });
    const files = search();
    await files.readableBy("nobody", stack);
    await files.logs(stack);
    await stack.on("rm /var/tmp/planted /var/log/planted");
    for (const place of [
      "file /var/tmp/planted on the host, readable by nobody",
      "file /var/log/planted on the host, readable by nobody",
      "log /var/log/planted on the host",
    ])
      assert.ok(files.hits.includes(place), place);
  });

  await t.test("what the engine says: previews in every format, success, failure, its events", async (t) => {
    for (const question of [["stack", "output", "--json"], ["stack", "export"], ["stack"]])
      said.set(question.join(" "), (await stack.pulumi(question)).stdout);
    const found = search();
    for (const [name, text] of said) found.texts(name, [text]);
    report(t, found);
    assert.deepEqual(found.hits, []);
  });

  await t.test("the state, its history and the stack file", async (t) => {
    const found = search();
    found.texts("files of the state", filesIn(join(dirname(stack.engine.home), "state")));
    found.texts("the stack file", [readFileSync(stack.file, "utf8")]);
    report(t, found);
    assert.deepEqual(found.hits, []);
  });

  await t.test("the command lines and environments of all processes while up runs", async (t) => {
    const found = search();
    found.processes(processes);
    assert.ok(processes.size > 200, `${processes.size} seen`);
    report(t, found);
    assert.deepEqual(found.hits, []);
  });

  await t.test("the host's journal and all its log files", async (t) => {
    const found = search();
    const journal = await stack.ssh("journalctl --no-pager --all -o verbose", { timeout: 120_000 });
    found.texts("the journal", [journal.stdout]);
    assert.match(journal.stdout, /berth/);
    await found.logs(stack);
    report(t, found);
    assert.deepEqual(found.hits, []);
  });

  await t.test("the files of the host that another account or a service can read", async (t) => {
    const found = search();
    for (const account of ["nobody", "www-data"]) await found.readableBy(account, stack);
    const ask = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ; systemctl show '*'; systemctl cat '*web*'";
    const seen = await stack.ssh(`runuser -u nobody -- sh -c ${JSON.stringify(ask)} 2>/dev/null`);
    found.texts("what nobody sees of processes and units", [seen.stdout]);
    report(t, found);
    assert.deepEqual(found.hits, []);
  });

  await t.test("the files of this computer that another account can read", async (t) => {
    const found = search();
    const places = ["/tmp", "/var/tmp", "/dev/shm", "/run/berth", "/var/lib/berth", "/var/cache/berth"];
    const since = ["-newermt", began.toISOString(), "-size", "-20M"];
    const list = await execute("setpriv", [
      ...["--reuid=65534", "--regid=65534", "--clear-groups", "find", ...places],
      ...["-type", "f", "-readable", ...since, "-print0"],
    ]);
    const paths = list.stdout.split("\0").filter(Boolean);
    found.texts("recent files of this computer", paths.map(textOf));
    report(t, found);
    assert.deepEqual(found.hits, []);
    const key = execFileSync("stat", ["-c", "%a", "/var/lib/berth/machines"], { encoding: "utf8" });
    assert.equal(key.trim(), "700");
  });

  await t.test(
    "an application that prints its environment as it dies is shown without its secrets",
    async (t) => {
      edit(stack, "app/entries/migrations/0002_canary.py", (text) => text.replace(/^raise.*$/m, ""));
      edit(
        stack,
        "app/logbook/wsgi.py",
        () => `import os, json\nraise RuntimeError(json.dumps(dict(os.environ)))\n`,
      );
      const died = await stack.up();
      assert.notEqual(died.code, 0);
      assert.match(died.stdout + died.stderr, /is unhealthy/);
      assert.match(died.stdout + died.stderr, /PARTNER_TOKEN/);
      const found = search();
      found.texts("the failing up", [died.stdout, died.stderr]);
      report(t, found);
      assert.deepEqual(found.hits, []);
      assert.equal((await stack.fetch("/health")).status, 200, "the release before runs again");
    },
  );
});

const changing = ["app-live", "app-settings", "redis-server"];

const migration = `import os
raise RuntimeError(repr(dict(os.environ)))

from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("entries", "0001_initial")]
`;

async function setSecret(stack: Stack, name: string, value: string, at = "app.secrets"): Promise<void> {
  const path = `berth:${at}.${name}`;
  const set = await stack.pulumi(["config", "set", "--secret", "--path", path], { stdin: value });
  assert.equal(set.code, 0, set.stderr);
}

function report(t: { diagnostic(text: string): void }, search: Search): void {
  for (const line of search.report) t.diagnostic(line);
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => textOf(join(entry.parentPath, entry.name)));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
