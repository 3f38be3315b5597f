// A project of 'wagtail start', not changed by a line, from the stack file that 'npm run init' begins.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parse } from "yaml";
import { look } from "../../scripts/lib/init/look.ts";
import { report } from "../../scripts/lib/init/report.ts";
import { stackFile } from "../../scripts/lib/init/stack-file.ts";
import { pythonWith } from "../../scripts/lib/python.ts";
import { root } from "../engine/harness.ts";
import { browse } from "./browser.ts";
import { edit, withStack } from "./harness.ts";

const place = mkdtempSync(join(tmpdir(), "berth-wagtail-"));
after(() => rmSync(place, { recursive: true }));
const programs = await pythonWith(join(root, "test/fixtures/wagtail/requirements.txt"), "wagtail");
execFileSync(join(programs, "python"), ["-m", "wagtail.bin.wagtail", "start", "mysite"], { cwd: place });

const stack = await withStack({ after }, { app: join(place, "mysite") });
const written = readFileSync(join(root, "examples/real/wagtail/Pulumi.mysite.yaml"), "utf8");
const visitor = browse(stack);
const static_ = (text: string) => /href="(\/static\/[^"]+\.css[^"]*)"/.exec(text)?.[1] ?? "none";

before(async () => {
  const sections = Object.entries(parse(written).config as Record<string, object>);
  const { app, ...others } = Object.fromEntries(
    sections.map(([key, value]) => [key.replace("berth:", ""), value]),
  );
  stack.configure({
    ...others,
    app: { ...app, source: { directory: "app" }, secrets: { DJANGO_SUPERUSER_PASSWORD: "tulips-and-roses" } },
  });
  await stack.succeed();
});

test("the stack file in examples/ is what init writes, and a few lines", () => {
  const facts = look(join(place, "mysite"));
  const text = stackFile(facts, { stack: "mysite", name: "mysite", directory: "../mysite" });
  const lines = written.split("\n");
  const missing = text.split("\n").filter((line) => !lines.includes(line));
  assert.deepEqual(missing, ["  # berth:media:", "  #   public: true"]);
  assert.doesNotMatch(report(facts, "mysite", "Pulumi.mysite.yaml"), /Left to do/);
});

test("its pages are there with their styles, and no preview wants a change", async () => {
  const page = await visitor.page("/");
  assert.equal(page.status, 200, page.text);
  assert.match(page.text, /Welcome to your new Wagtail site/);
  assert.match(static_(page.text), /\/static\/css\/.*\.[0-9a-f]{12}\.css/);
  const style = await stack.fetch(static_(page.text));
  assert.deepEqual([style.status, style.headers["content-type"]], [200, "text/css"]);
  assert.equal((await stack.fetch("/search/?query=x")).status, 200);
  assert.equal((await stack.fetch("/nowhere/")).status, 404);
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});

test("its administrator signs in, with the styles of the admin", async () => {
  const login = await visitor.page("/admin/");
  assert.match(login.text, /name="password"/);
  const page = await visitor.send("/admin/login/?next=/admin/", {
    username: "maria",
    password: "tulips-and-roses",
  });
  assert.equal(page.status, 200);
  assert.match(page.text, /Log ?out/i);
  assert.equal((await stack.fetch(static_(page.text))).status, 200, static_(page.text));
});

test("an uploaded document and its image are there for visitors", async () => {
  const notes = Buffer.from("tulips");
  const sent = await visitor.send("/admin/documents/add/", { title: "Notes", file: ["notes.txt", notes] });
  assert.equal(sent.status, 200, sent.text);
  const link = /href="(\/documents\/\d+\/[^"]+)"/.exec((await visitor.page("/admin/documents/")).text)?.[1];
  assert.equal((await stack.fetch(link ?? "/none")).text, "tulips");
  const pixel =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  const image = await visitor.send("/admin/images/add/", {
    title: "Pixel",
    file: ["pixel.png", Buffer.from(pixel, "base64")],
  });
  assert.equal(image.status, 200, image.text);
  const source = /src="(\/media\/images\/[^"]+)"/.exec((await visitor.page("/admin/images/")).text)?.[1];
  const shown = await stack.fetch(source ?? "/none");
  assert.deepEqual([shown.status, shown.headers["content-type"]], [200, "image/png"]);
});

test("a changed line is a release, and a roll-back shows the old one with what has been kept", async () => {
  const { release } = await stack.outputs();
  edit(stack, "app/home/templates/home/welcome_page.html", (text) =>
    text.replace("Welcome to your new Wagtail site", "Welcome to the tulips"),
  );
  await stack.succeed();
  assert.match((await visitor.page("/")).text, /Welcome to the tulips/);
  stack.configure({ app: { ...parse(readFileSync(stack.file, "utf8")).config["berth:app"], release } });
  await stack.succeed();
  assert.match((await visitor.page("/")).text, /Welcome to your new Wagtail site/);
  assert.match((await visitor.page("/admin/documents/")).text, /Notes/);
});
