// The examples of deployment manuals: their stack files are valid, and begin as 'npm run init' begins them.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { parseConfig } from "../../config/read.ts";
import { look } from "../../scripts/lib/init/look.ts";

const root = join(import.meta.dirname, "../..");
const manuals = "examples/manuals";
const text = (file: string) => readFileSync(join(root, manuals, file), "utf8");

const configOf = (file: string) => {
  const sections: Record<string, unknown> = parse(text(file)).config;
  const values = Object.entries(sections).map(([key, value]) => [key, JSON.stringify(value)]);
  return parseConfig(Object.fromEntries(values), "manual");
};

test("every manual is in the list, with the test that deploys it", () => {
  const list = text("README.md");
  for (const one of readdirSync(join(root, manuals), { withFileTypes: true }).filter((one) =>
    one.isDirectory(),
  )) {
    const row = list.split("\n").find((line) => line.includes(`(${one.name}/README.md)`));
    assert.ok(row, one.name);
    const tried = /`(test\/e2e\/[\w-]+\.test\.ts)`/.exec(row)?.[1] ?? "none";
    assert.ok(existsSync(join(root, tried)), tried);
    assert.ok(existsSync(join(root, manuals, one.name, "README.md")), one.name);
  }
});

test("init finds what the ferries' stack file says", () => {
  const { app, postgres, redis } = configOf("celery-and-front-end/Pulumi.ferries.yaml");
  const { entry, services, health, dependencies, built, wanted, own, processes } = look(
    join(root, manuals, "celery-and-front-end"),
  );
  assert.deepEqual(
    [entry.wsgi, entry.settings, health.path, services.postgres, services.redis, dependencies.file],
    [app.wsgi, app.settings, app.health, postgres.enabled, redis.enabled, app.requirements],
  );
  assert.deepEqual([built.frontEnds, own?.path], [[app.build.frontEnd], Object.keys(app.files)[0]]);
  assert.deepEqual(Object.fromEntries(wanted.env), app.env);
  const begun = Object.values(app.processes).map(({ command = "" }) =>
    command.replace(/ --concurrency 2$/, ""),
  );
  assert.deepEqual(
    processes.processes.map(({ command }) => command),
    begun,
  );
});

test("the sample of the ferries' settings sets what that of developers sets", () => {
  const names = (file: string) =>
    [...text(`celery-and-front-end/backend/backend_site/${file}`).matchAll(/^([A-Z_]+) = /gm)].map(
      ([, name]) => name,
    );
  assert.deepEqual(names("settings_local.prod.py").sort(), names("settings_local.dev.py").sort());
});

test("init finds what the web portal's stack file says", () => {
  const { app, postgres, redis, mongodb } = configOf("flask-and-mongodb/Pulumi.web-portal.yaml");
  const { entry, services, health, dependencies, own } = look(join(root, manuals, "flask-and-mongodb"));
  assert.deepEqual(
    [entry.wsgi, entry.static, health.path, dependencies.file],
    [app.wsgi, app.static, app.health, "requirements.txt"],
  );
  assert.deepEqual(
    [services.redis, services.mongodb, true],
    [redis.enabled, mongodb.enabled, postgres.enabled],
    "FerretDB needs PostgreSQL",
  );
  assert.ok(own, "the file of settings that the source lacks");
});

test("the web portal's settings on a server set what those of developers set, without the debug mode", () => {
  const linesOf = (file: string) => text(`flask-and-mongodb/${file}`).split("\n");
  const names = (file: string) => linesOf(file).flatMap((line) => /^([A-Z_]+) = /.exec(line)?.[1] ?? []);
  const developers = names("debug.cfg");
  assert.deepEqual(
    names("staging.cfg").filter((name) => developers.includes(name)),
    developers,
  );
  assert.ok(linesOf("staging.cfg").includes("DEBUG = False"));
});
