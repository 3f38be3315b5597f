import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { processFiles, timerFiles } from "../../components/app/processes/processes.ts";
import {
  fileDigests,
  fileFaults,
  fileLinks,
  filesOfStep,
  openFiles,
} from "../../components/app/settings/files.ts";
import { filesSchema } from "../../components/app/settings/files-schema.ts";
import { referencesTo } from "../../components/app/settings/references.ts";
import { postgres } from "../../components/postgres/service.ts";
import { parseConfig } from "../../config/read.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-files-"));
const from = join(folder, "shop.local_settings.py");
writeFileSync(from, 'HOST = "${postgres.host}"\nPASSWORD = "${postgres.password}"\nLITERAL = "$${x}"\n');
const files = filesSchema.parse({
  "shop/local_settings.py": { from },
  ".env": { content: "MEDIA=${paths.media}\n", replace: true },
});
const references = (password: string) =>
  referencesTo(
    [
      {
        service: postgres,
        url: pulumi.secret(`postgresql://shop:${password}@127.0.0.1:5432/shop`),
      },
    ],
    {
      "site.url": "https://shop.example.org",
      "site.scheme": "https",
      "site.domain": "shop.example.org",
      "paths.media": "/srv/shop/media",
      "paths.data": "/srv/shop/data",
      "paths.logs": "/srv/shop/logs",
    },
    {},
  );
const read = <Value>(output: pulumi.Input<Value>) =>
  new Promise<pulumi.Unwrap<Value>>((settled) => pulumi.output(output).apply(settled));

/** What the configuration says of these files, a fault a line. */
function faults(wanted: unknown): string {
  const app = { source: { directory: "shop" }, wsgi: "shop.wsgi", files: wanted };
  try {
    parseConfig({ "berth:host": '{"kind":"local"}', "berth:app": JSON.stringify(app) }, "prod");
  } catch (error) {
    return (error as Error).message.split("\n").slice(1, -1).join("\n");
  }
  return "";
}

test("a file beside the code lies in the application's own directory, and nowhere else", () => {
  for (const path of [
    "/etc/passwd",
    "../x",
    "a/../x",
    ".git/config",
    "a/.git/x",
    ".venv/x",
    "a//b",
    "a/",
    ".",
  ]) {
    assert.match(
      faults({ [path]: { content: "" } }),
      /expected a path in the application's directory, such as shop\/local_settings\.py: relative/,
      path,
    );
  }
  for (const path of [".env", "shop/local_settings.py", ".gitconfig", "a/b/..c", "ca.pem"])
    assert.equal(faults({ [path]: { content: "" } }), "", path);
});

test("a file has one text: of a template, or its own", () => {
  assert.match(
    faults({ ".env": { from, content: "x" } }),
    /berth:app\.files\.\.env\.content: there is no such key/,
  );
  assert.match(faults({ ".env": {} }), /berth:app\.files\.\.env/);
  assert.match(
    faults({ a: { content: "x" }, "a/b": { content: "y" } }),
    /berth:app\.files\.a: expected a directory, for 'a\/b' is in it; found "a file"/,
  );
});

test("a template that is not there, or is no text, is told by its key", () => {
  const binary = join(folder, "binary");
  writeFileSync(binary, Buffer.from([0xff, 0xfe, 0x00]));
  for (const wrong of [join(folder, "none"), folder, binary]) {
    const said = faults({ "shop/local_settings.py": { from: wrong } });
    assert.match(said, /berth:app\.files\.shop\/local_settings\.py\.from: expected a text file, from/);
    assert.ok(said.includes(`found "${wrong}"`), said);
  }
});

test("a reference to what there is not is told by key and line, with what was meant", () => {
  const content = "A = 1\nKEY = 'hyacinth'; B = '${postgres.pasword}'\n";
  const said = faults({ "shop/local_settings.py": { content } });
  assert.match(
    said,
    /berth:app\.files\.shop\/local_settings\.py\.content: line 2: expected in \$\{…\} one of .*Did you mean 'postgres\.password'\?.*found "\$\{postgres\.pasword\}"$/,
  );
  assert.doesNotMatch(said, /hyacinth/);
  assert.equal(fileFaults(files, ["postgres.host", "postgres.password", "paths.media"]).length, 0);
});

test("a file with a secret in it travels as a secret, and another one is seen in a preview", async () => {
  const step = filesOfStep("shop", "/srv/shop", openFiles(files, references("tulips-1")));
  assert.deepEqual(Object.keys(step.files), ["/srv/shop/config/files/.env"]);
  assert.deepEqual(await read(step.files["/srv/shop/config/files/.env"] ?? { content: "" }), {
    content: "MEDIA=/srv/shop/media\n",
    owner: "root:shop",
    mode: "0640",
  });
  const secret = step.secretFiles["/srv/shop/config/files/shop/local_settings.py"];
  assert.equal(secret?.owner, "root:shop");
  assert.equal(secret?.mode, "0640");
  assert.ok(await pulumi.isSecret(pulumi.output(secret?.content)));
  assert.equal(
    await read(secret?.content ?? ""),
    'HOST = "127.0.0.1"\nPASSWORD = "tulips-1"\nLITERAL = "${x}"\n',
  );
  // By these the host masks what a release prints.
  assert.equal(await read(step.secretFiles["/etc/berth/shop/files-secrets"]?.content ?? ""), '["tulips-1"]');
});

test("a changed text is told by a digest, which a secret is no part of", async () => {
  const digest = (wanted: typeof files, password: string) =>
    read(fileDigests(openFiles(wanted, references(password))));
  const first = await digest(files, "tulips-1");
  assert.deepEqual(await digest(files, "tulips-2"), first);
  const changed = { ...files, ".env": { content: "other", replace: true } };
  const second = await digest(changed, "tulips-1");
  assert.notEqual(second[".env"], first[".env"]);
  assert.equal(second["shop/local_settings.py"], first["shop/local_settings.py"]);
});

test("a release knows which files there are, and not what is in them", () => {
  const links = (password: string) => fileLinks(openFiles(files, references(password)));
  assert.deepEqual(links("tulips-1"), { ".env": true, "shop/local_settings.py": false });
});

test("every unit of an instance has the files of that instance, and without files none has a place for them", () => {
  const place = { name: "shop", root: "/srv/shop", media: "/srv/shop/media", after: [] };
  const worker = {
    name: "worker",
    kind: "rq",
    isPool: false,
    count: 1,
    stopTimeout: 60,
    onRelease: "restart",
  } as const;
  const timers = { clean: { command: "true", at: "daily", account: "cleaner" } };
  const units = (hasFiles: boolean) => [
    processFiles({ ...place, hasFiles }, [worker])["/etc/systemd/system/shop-worker@.service"]?.content ?? "",
    timerFiles({ ...place, hasFiles }, timers)["/etc/systemd/system/shop-clean.service"]?.content ?? "",
  ];
  const [process = "", timer = ""] = units(true);
  assert.ok(process.includes("\nBindReadOnlyPaths=-/srv/shop/config/web/%i/files:/srv/shop/config/files\n"));
  assert.ok(
    timer.includes("\nBindReadOnlyPaths=-/srv/shop/config/web/current/files:/srv/shop/config/files\n"),
  );
  for (const text of units(false)) assert.doesNotMatch(text, /BindReadOnlyPaths/);
});
