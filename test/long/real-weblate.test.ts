// Weblate from PyPI, not changed by a line: its directory has a list of requirements and nothing else.
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parse } from "yaml";
import { browse } from "../e2e/browser.ts";
import { edit, withStack } from "../e2e/harness.ts";
import { root } from "../engine/harness.ts";

const place = mkdtempSync(join(tmpdir(), "berth-weblate-"));
after(() => rmSync(place, { recursive: true }));
const example = join(root, "examples/real/weblate");
copyFileSync(join(example, "requirements.txt"), join(place, "requirements.txt"));
const stack = await withStack({ after }, { app: place });
copyFileSync(join(example, "Pulumi.weblate.settings.py"), join(stack.project, "Pulumi.weblate.settings.py"));
const visitor = browse(stack);
const { "berth:app": app } = parse(readFileSync(join(example, "Pulumi.weblate.yaml"), "utf8")).config;
const asked = {
  ...app,
  source: { directory: "app" },
  secrets: { WEBLATE_ADMIN_PASSWORD: "tulips-and-roses" },
};

const live = () => stack.on("readlink /srv/weblate/current");
const inDjango = (code: string) => stack.on(`weblate-manage shell -c "${code}" 2>/dev/null`);

test("its pages are there with their styles", async () => {
  stack.configure({ app: asked });
  await stack.succeed();
  const page = await visitor.page("/accounts/login/");
  assert.equal(page.status, 200, page.text);
  const files = [...page.text.matchAll(/(?:href|src)="(\/static\/[^"]+)"/g)].map(([, path = ""]) => path);
  assert.ok(files.some((path) => path.endsWith(".css")));
  for (const path of files) assert.equal((await stack.fetch(path)).status, 200, path);
});

test("the administrator of its stack file signs in, and its worker answers", async () => {
  const signedIn = await visitor.send("/accounts/login/", {
    username: "maria",
    password: "tulips-and-roses",
  });
  assert.match(signedIn.text, /@maria/);
  assert.match((await visitor.page("/manage/")).text, /Performance report/);
  assert.match(
    await inDjango("from weblate.utils.celery import app; print(app.control.ping(timeout=10))"),
    /'ok': 'pong'/,
  );
});

test("a release and its roll-back leave it as it was, and no preview wants a change", async () => {
  const before = await live();
  edit(stack, "app/requirements.txt", (text) => `${text}# another release\n`);
  await stack.succeed();
  assert.notEqual(await live(), before);
  stack.configure({ app: { ...asked, release: before.split("/").at(-1) } });
  await stack.succeed();
  assert.equal(await live(), before);
  assert.equal((await visitor.page("/manage/")).status, 200);
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});
