// Files of an application that outlive its releases: who sees them, and who reads them on the host.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { edit, type Run, withStack } from "./harness.ts";

const stack = await withStack({ after }, { deployed: true });
const said = (run: Run) => run.stdout + run.stderr;
const current = () => stack.on("basename $(readlink /srv/logbook/current)");
const student = { headers: { "x-student": "ada" } };
const notSaid = /app-release: nobody sees uploads in \/srv\/logbook\/media unless the application shows them/;

/** As docs/deploying-your-application.md has it. */
const views = `
from urllib.parse import quote

from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.urls import path


def upload(request, name):
    if request.headers.get("X-Student") != "ada":
        return HttpResponse("not yours", status=403)
    response = HttpResponse(headers={"X-Accel-Redirect": quote(f"/berth/media/{name}")})
    del response["Content-Type"]
    return response


def groups(request):
    return HttpResponse(",".join(Group.objects.values_list("name", flat=True)))


def notes(request):
    with open("store/index/notes", "a+") as file:
        file.write(request.GET["add"])
        file.seek(0)
        return HttpResponse(file.read())


urlpatterns = [
    path("notes", notes),
    path("health", lambda request: HttpResponse("well")),
    path("groups", groups),
    path("media/<path:name>", upload),
    path("shown/<path:name>", upload),
]
`;
const settings = `
ROOT_URLCONF = "places"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["BOOK"]}}
`;
const migration = `
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("entries", "0001_initial")]
`;

before(async () => {
  writeFileSync(join(stack.project, "app/places.py"), views);
  edit(stack, "app/logbook/settings.py", (text) => text + settings);
  stack.configure({ media: undefined, app: { env: { BOOK: "${paths.data}/book.sqlite3" } } });
  assert.match(said(await stack.succeed()), notSaid);
  await stack.on(
    "runuser -u logbook -- sh -c 'cd /srv/logbook/media; echo mine >größe.html; mkdir .git; echo token >.git/config; ln -s ../data/book.sqlite3 link'",
  );
});

const nobodyReadsHiddenFiles = async () => {
  for (const path of ["/media/.git/config", "/shown/.git/config", "/media/%2egit/config"])
    for (const who of [{}, student]) {
      const { status, text } = await stack.fetch(path, who);
      assert.deepEqual([status === 200, text.includes("token")], [false, false], path);
    }
};

test("an upload is shown to those that the application shows it to, and to nobody else", async () => {
  const path = "/media/gr%C3%B6%C3%9Fe.html";
  assert.deepEqual(await stack.fetch(path).then(({ status, text }) => [status, text]), [403, "not yours"]);
  const { status, text, headers } = await stack.fetch(path, student);
  assert.deepEqual([status, text], [200, "mine\n"]);
  assert.deepEqual(
    ["content-type", "cache-control", "x-frame-options", "x-content-type-options"].map(
      (name) => headers[name],
    ),
    ["text/html", "private, no-cache", "DENY", "nosniff"],
  );
  assert.match(`${headers["content-security-policy"]}`, /script-src 'none'/);
  for (const hidden of ["/berth/media/gr%C3%B6%C3%9Fe.html", "/berth/media/", "/berth/media/.git/config"])
    assert.equal((await stack.fetch(hidden, student)).status, 404, hidden);
  await nobodyReadsHiddenFiles();
});

test("a database of SQLite outlives releases and rollbacks, and no other account and no visitor reads it", async () => {
  const first = await current();
  const add = (name: string) =>
    stack.on(
      `logbook-manage shell -c 'from django.contrib.auth.models import Group as G; G.objects.create(name="${name}")'`,
    );
  await add("one");
  writeFileSync(join(stack.project, "app/entries/migrations/0002_more.py"), migration);
  await stack.succeed();
  const second = await current();
  assert.notEqual(second, first);
  assert.equal(
    await stack.on(`head -c 15 /var/backups/berth/logbook/${second}.dump`),
    "SQLite format 3",
    "the dump before the migration",
  );
  await add("two");
  assert.equal((await stack.fetch("/groups")).text, "one,two");
  stack.configure({ app: { release: first } });
  await stack.succeed();
  assert.equal(await current(), first);
  assert.equal((await stack.fetch("/groups")).text, "one,two");
  stack.configure({ app: { release: undefined } });

  assert.equal(await stack.on("stat -c '%U:%G %a' /srv/logbook/data"), "logbook:logbook 2750");
  for (const account of ["deployer", "www-data", "nobody"])
    assert.notEqual(
      (await stack.ssh(`sudo runuser -u ${account} -- cat /srv/logbook/data/book.sqlite3`)).code,
      0,
      account,
    );
  for (const path of ["/data/book.sqlite3", "/media/../data/book.sqlite3", "/media/link", "/shown/link"]) {
    const { status, text } = await stack.fetch(path, student);
    assert.deepEqual([status === 200, text.includes("SQLite format 3")], [false, false], path);
  }
});

test("by word of the stack everyone sees uploads, and hidden files among them still nobody", async () => {
  stack.configure({ media: { public: true } });
  assert.doesNotMatch(said(await stack.succeed()), notSaid);
  assert.equal((await stack.fetch("/media/gr%C3%B6%C3%9Fe.html")).text, "mine\n");
  assert.equal((await stack.fetch("/shown/gr%C3%B6%C3%9Fe.html")).status, 403);
  assert.equal((await stack.fetch("/shown/gr%C3%B6%C3%9Fe.html", student)).text, "mine\n");
  assert.equal((await stack.fetch("/media/link")).text.includes("SQLite format 3"), false);
  await nobodyReadsHiddenFiles();
});

test("a directory of the release that the stack shares outlives it, and no file of the source is lost there", async () => {
  mkdirSync(join(stack.project, "app/store/index"), { recursive: true });
  writeFileSync(join(stack.project, "app/store/index/.gitkeep"), "");
  stack.configure({ app: { shared: { "store/index": "index" } } });
  await stack.succeed();
  const first = await current();
  assert.equal((await stack.fetch("/notes?add=one,")).text, "one,");
  edit(stack, "app/notes.txt", () => "another release");
  await stack.succeed();
  assert.equal((await stack.fetch("/notes?add=two,")).text, "one,two,");
  stack.configure({ app: { release: first } });
  await stack.succeed();
  assert.equal((await stack.fetch("/notes?add=three")).text, "one,two,three");
  stack.configure({ app: { release: undefined } });

  writeFileSync(join(stack.project, "app/store/index/own.txt"), "mine");
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(
    said(refused),
    /the release has files at store\/index \(app\.shared\).* where a link to \/srv\/logbook\/data\/index must be\. Take them out/s,
  );
  assert.equal(await current(), first);
});
