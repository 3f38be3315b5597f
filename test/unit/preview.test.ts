// What a preview says to people and as a comment in a pull request, and that nobody's text can be more in it than text.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import markdownIt from "markdown-it";
import { stepText } from "../../components/host/step.ts";
import { stepParts } from "../../components/host/step-parts.ts";
import { UsageError } from "../../scripts/lib/command-line.ts";
import { type Difference, type HostDrift, readDrift } from "../../scripts/lib/drift/look.ts";
import { requireMade } from "../../scripts/lib/preview/ask.ts";
import { readPreview } from "../../scripts/lib/preview/events.ts";
import { forLog } from "../../scripts/lib/preview/log.ts";
import { comment, limits, marker } from "../../scripts/lib/preview/markdown.ts";
import { migrationsSince } from "../../scripts/lib/preview/migrations/new.ts";
import { plainText } from "../../scripts/lib/preview/plain.ts";
import { reportOn } from "../../scripts/lib/preview/report.ts";
import { difference } from "../../scripts/lib/preview/steps.ts";
import { event } from "./preview-events.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-preview-"));
after(() => rmSync(folder, { recursive: true }));

/** A property that is secret, as the engine shows it. */
const secret = {
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  ciphertext: "[secret]",
};

/** What a look at a host has found. */
const looked = (
  host: string,
  differences: readonly Difference[],
  problem: string | null = null,
): HostDrift => ({
  host,
  problem,
  things: 200,
  differences,
  ignored: 0,
  unknown: {},
});
const lookAt = (...hosts: readonly HostDrift[]) => ({
  drift: { version: 1, stack: "shop", status: 4, hosts } as const,
  withLines: true,
});

type Inputs = Readonly<Record<string, unknown>>;

const ended = (result = "succeeded") => JSON.stringify({ summaryEvent: { result, resourceChanges: {} } });

const report = (...events: readonly string[]) =>
  reportOn("shop", readPreview([...events, ended()].join("\n"), "", 0));
const asComment = (...events: readonly string[]) => comment(report(...events), { limit: limits.github });

const reloads = join(folder, "site.sh");
writeFileSync(
  reloads,
  `: "\${name?a name}"\nput=/etc/nginx/\non_change reload nginx.service "$put"\non_change restart other.service "$(date)"\n`,
);
const prepares = join(folder, "prepare.sh");
writeFileSync(prepares, `: "\${name?a name}"\n: "\${facts?what it is told}"\n`);

const file = (content: string, mode = "0644") => ({ content, mode });

/** Migrations that say these lines wherever they can. */
const asMigrations = (lines: readonly string[]) =>
  lines.map((path) => ({
    path,
    findings: [{ mark: "unknown", operation: path, on: path, why: "Because.", instead: path } as const],
    sql: { text: path, isFault: false },
  }));

/** The inputs of a step with these files. */
const step = (
  name: string,
  files: Readonly<Record<string, { content: string; mode: string }>>,
  more: Inputs = {},
) => ({
  environment: {
    BERTH_STEP: stepText({
      name,
      scripts: [reloads],
      slots: { name: "it's" },
      files,
      secretFiles: {},
      secrets: [],
    }),
  },
  ...more,
});

const release = (id: string) => ({
  environment: {
    BERTH_STEP: stepText({
      name: "app-release",
      scripts: [prepares],
      slots: { name: "shop", facts: JSON.stringify({ release: id, git: null }, null, 2) },
      files: {},
      secretFiles: {},
      secrets: [],
    }),
  },
});

const remote = "command:remote:Command";
const site = "/etc/nginx/sites-available/shop.conf";
const nginx = (before: string, after: string, name = "nginx-site") =>
  event("update", remote, name, step(name, { [site]: file(before) }), step(name, { [site]: file(after) }));

describe("a step's text", () => {
  test("is taken apart into its files, its slots and what runs", () => {
    const files = { [site]: file("a 'quoted' line\n"), "/etc/it's": file("", "0600") };
    const parts = stepParts(step("nginx-site", files).environment.BERTH_STEP);
    assert.deepEqual(
      [...parts.files],
      [
        [site, { content: "a 'quoted' line\n", owner: "root:root", mode: "0644" }],
        ["/etc/it's", { content: "", owner: "root:root", mode: "0600" }],
      ],
    );
    assert.deepEqual(
      [...parts.slots],
      [
        ["step", "nginx-site"],
        ["name", "it's"],
      ],
    );
    assert.match(parts.script, /^step='nginx-site'\n/);
    assert.match(parts.script, /\non_change reload nginx\.service/);
    assert.doesNotMatch(parts.script, /put_file/);
  });

  test("of another form is what runs", () => {
    assert.deepEqual(stepParts("echo 1\n"), { files: new Map(), slots: new Map(), script: "echo 1\n" });
  });
});

describe("a preview says in one line", () => {
  const headline = (...events: string[]) => plainText(report(...events)).split("\n")[0];

  test("that nothing changes", () => {
    assert.equal(headline(event("same", remote, "nginx-site", {}, {})), "no changes");
  });

  test("which release would run, which service reloads and for how many lines", () => {
    assert.equal(
      headline(
        event("update", remote, "app-release", release("1111111111-aaaa"), release("2222222222-aaaa")),
        event("update", remote, "app-live", step("app-live", {}), step("app-live", { "/a": file("b") })),
        nginx("max 25m;\n", "max 10m;\n"),
      ),
      "new release of shop: 2222222222-aaaa, now 1111111111-aaaa; nginx reloads, 1 line",
    );
  });

  test("that the application starts again with the same release", () => {
    const live = event(
      "update",
      remote,
      "app-live",
      step("app-live", {}, { stdin: secret }),
      step("app-live", {}, { stdin: { ...secret } }),
    );
    const settings = live.replace('"diffs":[]', '"diffs":["stdin"]');
    assert.equal(headline(settings), "the application starts again, with the same release");
    assert.match(plainText(report(settings)), /app-live changed, with other secret input/);
  });

  test("that an instance is replaced and data would go, before all else", () => {
    const keeps = event(
      "same",
      "berth:postgres:Postgres",
      "postgres",
      {},
      {},
      { outputs: { keeps: "the database" } },
    );
    const lines = plainText(
      report(
        keeps,
        nginx("a\n", "b\n"),
        event("delete", "aws:ebs/volume:Volume", "web-data-disk", { size: 10 }),
        event("create-replacement", "aws:ec2/instance:Instance", "web-instance", { ami: "a" }, { ami: "b" }),
        event("replace", "aws:ec2/instance:Instance", "web-instance", { ami: "a" }, { ami: "b" }),
        event("delete-replaced", "aws:ec2/instance:Instance", "web-instance", { ami: "a" }),
      ),
    ).split("\n");
    assert.equal(
      lines[0],
      "DATA would go: web-data-disk; instance web-instance is replaced; nginx reloads, 1 line; other resources: 1 deleted",
    );
    assert.deepEqual(lines.slice(2, 5), [
      "Replaced or deleted:",
      "  DATA: web-data-disk (aws:ebs/volume:Volume) is deleted. It holds the database",
      "  web-instance (aws:ec2/instance:Instance) is replaced, because of ami",
    ]);
  });

  test("that a bucket with all its files goes, and not so when it only leaves the stack", () => {
    const gone = event("delete", "aws:s3/bucket:Bucket", "media-bucket", { bucket: "b" });
    assert.match(
      plainText(report(gone)),
      /^DATA would go: media-bucket;[\s\S]*It holds all files in the bucket/,
    );
    const kept = event("delete", "aws:s3/bucket:Bucket", "media-bucket", { bucket: "b" }, undefined, {
      retainOnDelete: true,
    });
    assert.doesNotMatch(plainText(report(kept)), /DATA/);
    assert.match(plainText(report(kept)), /It stays where it is, and only the stack forgets it/);
  });

  test("that a rule is broken or that the preview failed, with the reason", () => {
    const policy = { message: "SSH is open", policyName: "ssh-from-anywhere", enforcementLevel: "mandatory" };
    const broken = reportOn(
      "shop",
      readPreview([JSON.stringify({ policyEvent: policy }), ended("failed")].join("\n"), "", 1),
    );
    assert.equal(broken.failed, true);
    assert.match(plainText(broken), /^1 finding of the policy pack, so nothing can be deployed/);
    assert.match(plainText(broken), /ssh-from-anywhere\n +SSH is open/);
    const advice = JSON.stringify({ policyEvent: { ...policy, enforcementLevel: "advisory" } });
    assert.equal(report(advice).failed, false);
    assert.match(plainText(report(advice)), /ssh-from-anywhere \(advice\)/);

    const diagnostic = { message: "berth:site.x: there is no such key", severity: "error" };
    const failed = reportOn(
      "shop",
      readPreview([JSON.stringify({ diagnosticEvent: diagnostic }), ended("failed")].join("\n"), "", 255),
    );
    assert.equal(failed.failed, true);
    assert.match(plainText(failed), /^the preview failed\n[\s\S]*berth:site\.x: there is no such key/);
    const early = reportOn("shop", readPreview("", "error: no stack named 'shop' found\n", 255));
    assert.match(plainText(early), /no stack named 'shop' found/);
    assert.equal(
      reportOn("shop", readPreview("", "", 0)).failed,
      true,
      "a preview that did not come to its end",
    );
  });
});

test("a step that is told what a step before it will say is no difference of its text", () => {
  const later = { environment: { BERTH_STEP: "04da6b54-80e4-46f7-96ec-b56ff0331ba9" } };
  const shown = plainText(
    report(event("update", remote, "system-reached", step("system-reached", {}), later)),
  );
  assert.match(shown, /\n {2}system-reached changed, because a step before it runs$/);
});

describe("what somebody has changed by hand", () => {
  const conf: Difference = {
    kind: "file",
    name: "/etc/nginx/sites-available/shop.conf",
    step: "nginx-site",
    what: "was changed",
    mended: true,
    next: null,
    diff: ["@@ -1 +1 @@", "-max 10m;", "+max 200m;"],
  };
  const group: Difference = {
    ...conf,
    kind: "account",
    name: "shop",
    what: "is a member of the group adm, which Berth did not give it",
    mended: false,
    next: "npm run ssh -- -s prod 'gpasswd -d shop adm'",
    diff: null,
  };
  const text = (look: Parameters<typeof reportOn>[3], ...events: readonly string[]) =>
    plainText(reportOn("shop", readPreview([...events, ended()].join("\n"), "", 0), undefined, look));

  test("is told with its lines, and with the step that puts it right", () => {
    const word = { environment: { BERTH_STEP: "", BERTH_AGAIN: "2026-05-01T10:00:00.000Z: it was changed" } };
    const site = event("update", remote, "nginx-site", { environment: { BERTH_STEP: "" } }, word);
    assert.equal(
      text(lookAt(looked("web", [conf, group])), site),
      `2 changes by hand on web; nginx-site runs again

Changed by hand on the hosts:
  web: /etc/nginx/sites-available/shop.conf was changed. A deployment puts it right, by nginx-site
      @@ -1 +1 @@
      -max 10m;
      +max 200m;
  web: account shop is a member of the group adm, which Berth did not give it. A deployment leaves it; to take it away:
      npm run ssh -- -s prod 'gpasswd -d shop adm'

On the hosts:
  nginx-site changed, to put right what was changed by hand`,
    );
  });

  test("is not told where there is nothing, and a host that is away or slow is a line", () => {
    assert.equal(text(lookAt(looked("web", []))), "no changes");
    assert.equal(text(undefined), "no changes");
    assert.match(
      text(lookAt(looked("web", [], "port 22: Connection refused"))),
      /^no changes\n\nChanged by hand/,
    );
    assert.match(
      text({ drift: undefined, withLines: true }),
      /\n {2}The hosts could not be looked at in time\. npm run drift shows it/,
    );
  });

  test("is told without lines of files where others may read along", () => {
    const told = text({ ...lookAt(looked("web", [conf])), withLines: false });
    assert.match(told, /shop\.conf was changed\. A deployment puts it right, by nginx-site$/);
    assert.doesNotMatch(told, /max 200m/);
  });

  test("keeps an issue open, and leaves it as it is where a host could not be looked at", () => {
    const byHand = (look: Parameters<typeof reportOn>[3]) =>
      reportOn("shop", readPreview(ended(), "", 0), undefined, look).byHand;
    assert.equal(byHand(undefined), false);
    assert.equal(byHand(lookAt(looked("web", []))), false);
    assert.equal(byHand(lookAt(looked("web", [group]), looked("tasks", [], "away"))), true);
    assert.equal(byHand(lookAt(looked("web", []), looked("tasks", [], "away"))), undefined);
    assert.equal(byHand({ drift: undefined, withLines: true }), undefined);
  });

  test("counts only in the form of an answer, whoever is root on the host", () => {
    const steps = new Set(["nginx-site"]);
    const told = { problem: null, things: 1, differences: [{ ...conf }], ignored: 0, unknown: {} };
    assert.equal(readDrift(JSON.stringify(told), "web", steps, "").differences.length, 1);
    for (const wrong of [
      [],
      { ...told, differences: [{ ...conf, kind: "</summary> @octo/team" }] },
      { ...told, differences: [{ ...conf, name: null }] },
      { ...told, differences: [{ ...conf, diff: 1 }] },
      { ...told, unknown: { files: 1 } },
      { ...told, problem: 1 },
    ])
      assert.throws(() => readDrift(JSON.stringify(wrong), "web", steps, ""), /has not the form/);
  });

  test("is no more than text in a comment, whatever it is called", () => {
    const differences = hostile.flatMap((line) => [
      { ...conf, name: line, what: line, step: line, diff: [line] },
      { ...group, name: line, what: line, next: line },
    ]);
    const look = lookAt(looked("web", differences), ...hostile.map((line) => looked(line, [], line)));
    const preview = readPreview(ended(), "", 0);
    const { words, html } = outsideCode(
      comment(reportOn("shop", preview, undefined, look), { limit: limits.gitlab }),
    );
    assert.doesNotMatch(words, /octo|evil|approve|close|alert|GH-1|label|right to left/);
    assert.match(html, ownHtml);
  });
});

describe("a comment", () => {
  test("shows the lines of a file, its mode, what a step runs, and new and removed files", () => {
    const before = { [site]: file("a\nb\nc\n"), "/etc/old": file("old\n"), "/etc/key": file("k\n") };
    const next = { [site]: file("a\nB\nc\n"), "/etc/new": file("new\n"), "/etc/key": file("k\n", "0600") };
    const text = asComment(
      event("update", remote, "nginx-site", step("nginx-site", before), step("nginx-site", next)),
    );
    assert.match(
      text,
      /^<!-- berth: preview of shop -->\n### Preview of `shop`\n\n\*\*`nginx` reloads, 1 line\*\*\n/,
    );
    assert.match(
      text,
      /`\/etc\/nginx\/sites-available\/shop\.conf`\n\n```diff\n@@ -1,3 \+1,3 @@\n a\n-b\n\+B\n c\n```/,
    );
    assert.match(text, /`\/etc\/old`\n\n```diff\n@@ -1,1 \+0,0 @@\n-old\n```/);
    assert.match(
      text,
      /`\/etc\/key \(owner and mode\)`\n\n```diff\n@@ -1,1 \+1,1 @@\n-root:root 0644\n\+root:root 0600\n```/,
    );
  });

  test("shows a change of indentation, and of tabs in a property", () => {
    assert.match(asComment(nginx("\t\ta;\n", "\ta;\n")), /\n-\t\ta;\n\+\ta;\n/);
    const text = asComment(
      event("update", "aws:ec2/instance:Instance", "web", { ami: "a\tb" }, { ami: "a b" }),
    );
    assert.match(text, /`a⇥b` → `a b`/);
  });

  test("says of two long texts with nothing in common only how long they are, and shows a long new one", () => {
    const lines = (of: string) =>
      `${Array.from({ length: 20_000 }, (_, index) => `${of} ${index}`).join("\n")}\n`;
    const [old, next] = [lines("old"), lines("new")];
    assert.deepEqual(difference("/a", true, old, next), {
      title: "/a",
      isFile: true,
      text: "@@ 20000 lines before, 20000 lines after: too many differ to show which @@",
      added: 20_000,
      removed: 20_000,
    });
    const text = asComment(
      event("update", "command:local:Command", "a", { create: old.trimEnd() }, { create: next.trimEnd() }),
    );
    assert.match(text, /`create`\n\n```diff\n@@ 20000 lines before, 20000 lines after: [\w ]+ @@\n```/);
    const whole = difference("/a", true, "", next);
    assert.deepEqual([whole?.added, whole?.removed, whole?.text.split("\n").length], [20_000, 0, 20_001]);
    const one = difference("/a", true, old, old.replace("old 9000\n", "other\n"));
    assert.match(one?.text ?? "", /\n-old 9000\n\+other\n/);
  });

  test("has the cloud as a table, with what differs of short values, and no secret", () => {
    const text = asComment(
      event(
        "update",
        "aws:s3/bucket:Bucket",
        "b",
        { acl: "private", tags: secret },
        { acl: "a|b", tags: { x: secret } },
      ),
      event("create", "random:index/randomPassword:RandomPassword", "secrets-database", undefined, {
        length: 32,
      }),
    );
    assert.match(
      text,
      /\| `b` \| `aws:s3\/bucket:Bucket` \| changed \| `acl: private → a¦b`, `tags: \[secret\] → \{ "x": "\[secret\]"\}`|`tags` \|/,
    );
    assert.match(
      text,
      /\| `secrets-database` \| `random:index\/randomPassword:RandomPassword` \| new \| {2}\|/,
    );
    assert.doesNotMatch(text, /4dabf18193072939515e22adb298388d|1b47061264138c4ac30d75fd1eb44270/);
  });

  test("names the files of a step that goes, without their text, and puts what has no text into one list", () => {
    const text = asComment(
      event(
        "delete",
        remote,
        "redis-server",
        step("redis-server", { "/etc/redis.conf": file("maxmemory\n") }),
      ),
      event("replace", remote, "system-base", { triggers: [1] }, { triggers: [2] }),
      event("replace", remote, "system-ssh", { triggers: [1] }, { triggers: [2] }),
    );
    assert.match(
      text,
      /<code>redis-server<\/code> deleted, \+0 −1<\/summary>\n\n`\/etc\/redis\.conf`\n\n<\/details>/,
    );
    assert.match(text, /\n\n- `system-base` replaced: `triggers`\n- `system-ssh` replaced: `triggers`\n\n/);
    assert.doesNotMatch(text, /maxmemory/);
  });

  test("says that backups can no longer be read when their passphrase goes", () => {
    const type = "random:index/randomPassword:RandomPassword";
    assert.match(
      asComment(event("delete", type, "backup-passphrase", { length: 32 })),
      /DATA would go: `backup-passphrase`/,
    );
    assert.doesNotMatch(asComment(event("delete", type, "secrets-redis", { length: 32 })), /DATA/);
  });

  test("lists new migrations, what each blocks, and its SQL", () => {
    const preview = readPreview(ended(), "", 0);
    const finding = { operation: "AddIndex", on: "entry", why: "Because.", instead: "AddIndexConcurrently" };
    const migrations = [
      { path: "entries/migrations/0002_b.py", findings: [] },
      { path: "entries/migrations/0003_c.py", findings: [{ ...finding, mark: "writes" } as const] },
    ];
    const text = comment(reportOn("shop", preview, migrations), { limit: limits.github });
    assert.match(text, /\*\*2 new migrations, 1 of them blocks writes\*\*\n\n#### New migrations\n/);
    assert.match(text, /\n- `entries\/migrations\/0002_b\.py`\n/);
    assert.match(text, /<summary><code>entries\/migrations\/0003_c\.py<\/code>: blocks writes<\/summary>/);
    assert.match(
      text,
      /\nblocks writes: `AddIndex entry`\. Because\. Instead: `AddIndexConcurrently`\n\n<\/details>/,
    );
    assert.match(text, /Their SQL is shown where the pipeline can run Django: `--sql "python manage\.py"`/);
    const sql = { text: "BEGIN;\n```\nCOMMIT;", isFault: false };
    const withSql = comment(
      reportOn(
        "shop",
        preview,
        migrations.map((one) => ({ ...one, sql })),
      ),
      { limit: limits.github },
    );
    assert.match(withSql, /Its SQL:\n\n````sql\n BEGIN;\n ```\n COMMIT;\n````\n\n<\/details>/);
    assert.doesNotMatch(withSql, /--sql/);
  });

  test("is for a stack whose name cannot end its first line", () => {
    assert.equal(marker("acme/shop/prod"), "<!-- berth: preview of acme/shop/prod -->");
    assert.equal(marker("a---b-"), "<!-- berth: preview of a-&#45;-b- -->");
    assert.notEqual(marker("a--b"), marker("a-b"));
    for (const name of ["a-->", "a b", ""]) assert.throws(() => marker(name), /cannot stand in a comment/);
  });
});

/** Text of somebody who wants to be more than text. */
const hostile = [
  "```",
  "```````",
  "~~~",
  "</details></summary><h1>approved</h1>",
  "<!-- berth: preview of shop -->",
  "-->",
  "@octo/team please",
  "/close",
  "/approve @octo",
  "[link](javascript:alert(1)) ![](https://evil.example/x.png) https://evil.example",
  "| a | b |",
  "#1 GH-1 octo/shop#1 !1 &1 ~label %1",
  "\u202eright to left\u200b\u0007\r",
  "<script>alert(1)</script> &lt;img&gt; <img src=x onerror=alert(1)>",
  "\\` ` `` \\",
];

/** What a renderer takes for something else than code: the words of text, and HTML. */
function outsideCode(text: string): {
  readonly words: string;
  readonly html: string;
  readonly fences: number;
} {
  const tokens = markdownIt({ html: true, linkify: true }).parse(text, {});
  const all = tokens.flatMap((token) => [token, ...(token.children ?? [])]);
  const of = (...types: string[]) => all.filter(({ type }) => types.includes(type));
  return {
    words: of("text")
      .map(({ content }) => content)
      .join("\n"),
    html: of("html_block", "html_inline")
      .map(({ content }) => content)
      .join("\n"),
    fences: of("fence").length,
  };
}

/** The HTML that a comment may have: its marker, and folds whose titles are text. */
const ownHtml =
  /^(<!-- berth: preview of shop -->\n|<details><summary>(<code>([\p{L}\p{N} ./:_-]|&#\d+;)*<\/code>|[\w ,.;+−():]|, )*<\/summary>\n|<\/details>\n?|\n)*$/u;

describe("nobody's text is more than text in a comment", () => {
  const all = hostile.join("\n");
  const kinds: Readonly<Record<string, readonly string[]>> = {
    "a file on the host": [nginx("a\n", `${all}\n`), nginx(`${all}\n`, "a\n", "nginx-other")],
    "each line of a file by itself": hostile.map((line, index) =>
      nginx("a\n", `${line}\n`, `number ${index}`),
    ),
    "the paths of files": hostile.map((line, index) =>
      event(
        "update",
        remote,
        `number ${index}`,
        step("s", { "/a": file("a\n") }),
        step("s", { [`/etc/${line}`]: file("b\n") }),
      ),
    ),
    "the names of resources": hostile.flatMap((line) => [
      nginx("a\n", "b\n", line),
      event("delete", "aws:s3/bucket:Bucket", line, { bucket: line }),
      event("create", "aws:s3/bucket:Bucket", line, undefined, { bucket: line }),
    ]),
    "the properties of resources": hostile.map((line, index) =>
      event(
        "update",
        "aws:ec2/instance:Instance",
        `number ${index}`,
        { ami: "a", [line]: "1" },
        { ami: line, [line]: "2" },
      ),
    ),
    "the ids of releases": hostile.map((line) =>
      event("update", remote, "app-release", release("a"), release(line)),
    ),
    "what a provider says": hostile.map((line) =>
      JSON.stringify({ diagnosticEvent: { message: line, severity: "warning" } }),
    ),
    "what the program says as it fails": [
      JSON.stringify({ diagnosticEvent: { message: all, severity: "error" } }),
    ],
    "what a policy says": [
      JSON.stringify({ policyEvent: { message: all, policyName: all, enforcementLevel: "mandatory" } }),
    ],
  };
  for (const [kind, events] of Object.entries(kinds)) {
    test(kind, () => {
      const preview = readPreview([...events, ended("failed")].join("\n"), "", 1);
      const text = comment(reportOn("shop", preview, asMigrations(hostile)), { limit: limits.gitlab });
      const { words, html } = outsideCode(text);
      assert.doesNotMatch(words, /octo|evil|approve|close|alert|GH-1|label|right to left/);
      assert.match(html, ownHtml);
      assert.equal(html.split("<details>").length, html.split("</details>").length);
      assert.doesNotMatch(text, /^\//m, "GitLab takes such a line for a command");
      for (const hidden of "\u202e\u200b\u0007\r") assert.ok(!text.includes(hidden));
      assert.equal(text.indexOf("<!-- berth"), 0);
    });
  }
});

describe("the log of a pipeline", () => {
  const commands = [
    "::error::forged",
    "  ::error file=a::forged",
    "::stop-commands::mine",
    "::mine::",
    "::add-mask::shop",
    "x ##[add-mask]shop",
    "##[error]forged",
    "\u001b[0Ksection_end:1:a\r",
  ];
  const text = plainText(
    reportOn(
      "shop",
      readPreview(
        [
          ...[...commands, ...hostile].map((line, index) =>
            nginx("a\n", `${line}\n${commands.join("\n")}\n`, `number ${index}`),
          ),
          ...commands.map((message) => JSON.stringify({ diagnosticEvent: { message, severity: "error" } })),
          ended("failed"),
        ].join("\n"),
        "",
        1,
      ),
      asMigrations(commands),
    ),
  );

  /** The commands that GitHub's runner would take, as its ActionCommandManager reads a log. */
  const taken = (log: string): string[] => {
    let until: string | undefined;
    return log.split(/\r?\n/).flatMap((line) => {
      const command =
        /^\s*::([^\s:]+)(?: [^:]*)?::/.exec(line)?.[1] ?? /##\[([^\s\]]+)[^\]]*\]/.exec(line)?.[1];
      if (command === undefined || (until !== undefined && command !== until)) return [];
      until = command === "stop-commands" ? line.slice(line.lastIndexOf("::") + 2) : undefined;
      return [command];
    });
  };

  test("of GitHub takes no command from anybody's text", () => {
    assert.ok(taken(text).includes("add-mask"), "otherwise there is nothing to stop");
    const log = forLog(text, { GITHUB_ACTIONS: "true" }, false);
    const [first, last] = taken(log);
    assert.equal(first, "stop-commands");
    assert.match(last ?? "", /^[0-9a-f]{32}$/);
    assert.equal(taken(log).length, 2);
    assert.ok(log.endsWith(`\n::${last}::`), "what comes after it may be a command again");
    assert.ok(!text.includes(last ?? ""));
    assert.notEqual(forLog(text, { GITHUB_ACTIONS: "true" }, false), log, "nobody can know the word");
  });

  test("has the text as it is where it is another's, or the text goes into a file", () => {
    assert.equal(forLog(text, {}, false), text);
    assert.equal(forLog(text, { GITHUB_ACTIONS: "true" }, true), text);
    for (const hidden of "\u001b\u202e\u200b\u0007\r") assert.ok(!text.includes(hidden));
  });
});

test("a pipeline compares with a stack that is there, and says which variable is empty", () => {
  const checkout = join(folder, "made");
  mkdirSync(join(checkout, ".berth/state/.pulumi/stacks/berth"), { recursive: true });
  writeFileSync(join(checkout, ".berth/state/.pulumi/stacks/berth/made.json"), "{}");
  requireMade(checkout, "made", {});
  assert.throws(
    () => requireMade(checkout, "prod", { PULUMI_BACKEND_URL: "" }),
    (error) =>
      error instanceof UsageError &&
      /PULUMI_BACKEND_URL is empty, and PULUMI_ACCESS_TOKEN is not set\./.test(error.message),
  );
});

describe("a comment that would be too long", () => {
  const files = Array.from({ length: 40 }, (_, index) =>
    nginx("a\n", `${`${"```".repeat(index % 5)} line of ${index}\n`.repeat(index * 30)}`, `number ${index}`),
  );
  const whole = comment(report(...files), { limit: limits.gitlab });

  for (const limit of [limits.github, 20_000, 6_000]) {
    test(`has ${limit} characters at most, whole parts, and says what is left out and where it is`, () => {
      assert.ok(whole.length > limit);
      const text = comment(report(...files), { limit, run: "https://ci.example/run/1)(<b>" });
      assert.ok(text.length <= limit, `${text.length}`);
      const { html, fences } = outsideCode(text);
      assert.match(html, ownHtml);
      assert.equal(html.split("<details>").length, html.split("</details>").length);
      const omitted = Number(/\*\*(\d+) parts left out\*\*/.exec(text)?.[1]);
      assert.ok(omitted > 0 && fences + omitted === 40, `${fences} shown, ${omitted} left out`);
      assert.match(text, /\[the log of this run\]\(https:\/\/ci\.example\/run\/1%29%28%3Cb%3E\)$/);
    });
  }

  test("is whole where there is room", () => {
    assert.equal(outsideCode(whole).fences, 40);
    assert.doesNotMatch(whole, /left out/);
  });

  test("has no line that nobody reads to its end", () => {
    const text = asComment(nginx("a\n", `${"x".repeat(100_000)}\n`));
    assert.match(text, /\+x{499}… \(99501 more characters\)/);
    assert.ok(asComment(nginx("a\n", `x${"🐘".repeat(1_000)}\n`)).isWellFormed());
  });
});

test("new migrations are those of the source that a commit does not have", () => {
  const checkout = join(folder, "checkout");
  mkdirSync(join(checkout, "shop/entries/migrations"), { recursive: true });
  writeFileSync(
    join(checkout, "Pulumi.one.yaml"),
    "config:\n  berth:app:\n    source: { directory: shop }\n",
  );
  writeFileSync(
    join(checkout, "Pulumi.two.yaml"),
    "config:\n  berth:app:\n    source: { git: https://git.example/shop }\n",
  );
  const migrations = join(checkout, "shop/entries/migrations");
  for (const name of ["__init__.py", "0001_initial.py"]) writeFileSync(join(migrations, name), "\n");
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", checkout, "-c", "user.name=t", "-c", "user.email=t@example.org", ...args], {
      stdio: "ignore",
    });
  git("init", "-q");
  git("add", "--all");
  git("commit", "-q", "-m", "One");
  writeFileSync(join(checkout, ".gitignore"), "0009_*\n");
  for (const name of ["0004_nobody_has_added.py", "0009_ignored.py", "notes.py"])
    writeFileSync(join(migrations, name), "\n");
  mkdirSync(join(checkout, "elsewhere/migrations"), { recursive: true });
  writeFileSync(join(checkout, "elsewhere/migrations/0001_initial.py"), "\n");
  const untracked = ["entries/migrations/0004_nobody_has_added.py"];
  assert.deepEqual(migrationsSince(checkout, "one", "HEAD"), untracked);
  rmSync(join(migrations, "0004_nobody_has_added.py"));
  for (const name of ["0002_more.py", "helpers.py", "0003_é.py"]) writeFileSync(join(migrations, name), "\n");
  writeFileSync(join(migrations, "0001_initial.py"), "# edited\n");
  git("add", "--all");
  git("commit", "-q", "-m", "Two");
  assert.deepEqual(migrationsSince(checkout, "one", "HEAD^"), [
    "entries/migrations/0002_more.py",
    "entries/migrations/0003_é.py",
  ]);
  assert.deepEqual(migrationsSince(checkout, "one", "HEAD"), []);
  for (const commit of ["nowhere", "--help", "HEAD:shop"])
    assert.throws(
      () => migrationsSince(checkout, "one", commit),
      /--since: git does not know what is new in \S+ since '/,
    );
  assert.throws(
    () => migrationsSince(checkout, "two", "HEAD"),
    /comes from https:\/\/git\.example\/shop, and not from a directory/,
  );
});
