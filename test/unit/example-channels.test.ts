import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { parseConfig } from "../../config/read.ts";
import { look } from "../../scripts/lib/init/look.ts";

const root = join(import.meta.dirname, "../..");
const text = (file: string) => readFileSync(join(root, "examples/channels", file), "utf8");
const config = () => {
  const sections: Record<string, unknown> = parse(text("Pulumi.channels.yaml")).config;
  const values = Object.entries(sections).map(([key, value]) => [key, JSON.stringify(value)]);
  return parseConfig(Object.fromEntries(values), "channels");
};

test("the harbour radio's stack file is a valid configuration of an application that is there", () => {
  const { app } = config();
  assert.ok("directory" in app.source);
  for (const module of [app.asgi?.split(":")[0], app.settings])
    assert.ok(existsSync(join(root, app.source.directory, `${module?.replaceAll(".", "/")}.py`)), module);
});

test("init finds what the harbour radio's stack file says", () => {
  const { app, postgres, redis } = config();
  const { entry, services, health } = look(join(root, "examples/channels"));
  assert.deepEqual(
    [entry.wsgi, entry.asgi, entry.settings, health.path, services.postgres, services.redis],
    [undefined, app.asgi, app.settings, app.health, postgres.enabled, redis.enabled],
  );
});

test("the harbour radio's readme explains every environment variable that it reads", () => {
  const readme = text("README.md");
  const sources = ["radio/settings.py", "radio/consumers.py"].map(text).join("");
  const read = [...sources.matchAll(/(?:environ\.get|needed)\("([A-Z_]+)"/g)].map(([, name]) => name);
  assert.ok(read.length > 4, `found only ${read.length} variables`);
  assert.deepEqual(
    read.filter((name) => !readme.includes(`\`${name}\``)),
    [],
  );
});
