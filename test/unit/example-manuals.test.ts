// The examples of deployment manuals: their stack files are valid, and begin as 'npm run init' begins them.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { parseConfig } from "../../config/read.ts";
import { look } from "../../scripts/lib/init/look.ts";
import type { Made } from "./aws-mocks.ts";
import { programResources, secretValue } from "./program-steps.ts";

const root = join(import.meta.dirname, "../..");
const manuals = "examples/manuals";
const text = (file: string) => readFileSync(join(root, manuals, file), "utf8");

const configOf = (file: string, app: object = {}) => {
  const sections: Record<string, unknown> = parse(text(file)).config;
  sections["berth:app"] = { ...(sections["berth:app"] as object), ...app };
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

test("init finds what the workbench's stack file says", () => {
  const { app, postgres, redis, docker } = configOf("huey-and-docker/Pulumi.workbench.yaml", {
    // As its page says to set it.
    secrets: { DEPLOYMENT_KEY: "a key" },
  });
  const { entry, services, health, dependencies, wanted, processes } = look(
    join(root, manuals, "huey-and-docker"),
  );
  assert.deepEqual(
    [entry.wsgi, entry.settings, health.path, services.postgres, services.redis, dependencies.file],
    [app.wsgi, app.settings, app.health, postgres.enabled, redis.enabled, app.requirements],
  );
  assert.deepEqual([services.docker, docker.enabled], ["workbench/tasks/jobs.py", true]);
  assert.deepEqual(
    wanted.required.map(({ name }) => name).filter((name) => !(name in app.env)),
    [],
  );
  assert.deepEqual(
    processes.processes.map(({ command }) => command),
    [app.processes.huey?.command?.replace(/ -w 2$/, "")],
  );
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

const charts = ["charts", "charts-staging", "charts-prod"].map((name) => `django-and-s3/Pulumi.${name}.yaml`);

test("init finds what the charts' stack files say", () => {
  const { entry, services, dependencies, processes } = look(join(root, manuals, "django-and-s3"));
  for (const file of charts) {
    const { app, postgres, redis } = configOf(file);
    assert.deepEqual(
      [entry.wsgi, entry.settings, services.postgres, services.redis, dependencies.file],
      [app.wsgi, app.settings, postgres.enabled, redis.enabled, "requirements.txt"],
    );
    assert.deepEqual(
      processes.processes.filter(({ name }) => name !== "release"),
      [],
      "the Procfile has none beside the web server",
    );
  }
});

test("staging and production of the charts differ in what their README says, and in nothing else of the application", () => {
  const [, staging, prod] = charts.map((file) => configOf(file));
  const changed = (one: object, other: object) =>
    Object.keys({ ...one, ...other }).filter(
      (key) => JSON.stringify(one[key as never]) !== JSON.stringify(other[key as never]),
    );
  assert.ok(staging && prod);
  assert.deepEqual(changed(staging.app, prod.app).sort(), ["env", "files", "generate", "workers"]);
  assert.deepEqual(changed(staging.app.env, prod.app.env).sort(), [
    "AUTH_WALL_REALM",
    "AUTH_WALL_USERNAME",
    "DJANGO_AWS_ACCESS_KEY_ID",
    "DJANGO_AWS_SECRET_ACCESS_KEY",
    "NEW_RELIC_APP_NAME",
  ]);
  const names = (file: string) =>
    [...text(`django-and-s3/${file}`).matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name);
  assert.deepEqual(names("staging.env"), names("prod.env"));
});

/** What the program asks for where a stack file of the charts is on EC2. */
const chartsOn = (name: string): Promise<readonly Made[]> => {
  const sections = Object.entries(parse(text(`django-and-s3/Pulumi.${name}.yaml`)).config);
  const { app, ...config } = Object.fromEntries(
    sections.map(([key, value]) => [key.replace("berth:", ""), value as Record<string, unknown>]),
  );
  const folder = join(root, manuals, "django-and-s3");
  const from = Object.entries(app?.files as Record<string, { from: string }>).map(([file, one]) => [
    file,
    { from: join(root, one.from) },
  ]);
  // There is no stack file in which the program could look how a value is written.
  const env = Object.entries(app?.env ?? {}).map(([key, value]) => [key, `${value}`]);
  return programResources(
    { admins: [], ...config },
    {
      ...app,
      source: { directory: folder },
      secrets: undefined,
      files: Object.fromEntries(from),
      env: Object.fromEntries(env),
    },
  );
};

/** The secret settings that the application gets. */
const secretsOf = (made: readonly Made[]): Readonly<Record<string, string>> => {
  const { stdin } = made.find(({ name }) => name === "app-live")?.inputs ?? {};
  const lines = `${stdin}`.split("\n").map((line) => line.split(" "));
  return Object.fromEntries(
    lines.map(([name = "", value = ""]) => [name, Buffer.from(value, "base64").toString()]),
  );
};
const bucket = "arn:aws:mock:eu-central-1:123456789012:media-bucket-bucket";
const mayListReadCreateUpdate = (policy: string) =>
  assert.deepEqual(
    JSON.parse(policy).Statement.map(({ Action, Resource }: Record<string, unknown>) => [Action, Resource]),
    [
      [["s3:ListBucket"], [bucket]],
      [["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"], [`${bucket}/*`]],
    ],
  );

test("staging of the charts has an IAM user that may list, read, create and update, and the application its key", async () => {
  const made = await chartsOn("charts-staging");
  const ofUser = made.filter(({ type, name }) => /^aws:iam/.test(type) && /^media/.test(name));
  assert.deepEqual(ofUser.map(({ name }) => name).sort(), [
    "media-user-key-a",
    "media-user-policy",
    "media-user-user",
  ]);
  mayListReadCreateUpdate(ofUser.find(({ name }) => name === "media-user-policy")?.inputs.policy);
  const { DJANGO_AWS_ACCESS_KEY_ID, DJANGO_AWS_SECRET_ACCESS_KEY } = secretsOf(made);
  assert.deepEqual(
    [DJANGO_AWS_ACCESS_KEY_ID, DJANGO_AWS_SECRET_ACCESS_KEY],
    ["media-user-key-a-id", secretValue],
  );
});

test("production of the charts uses its bucket with the instance's role, and there is no key", async () => {
  const made = await chartsOn("charts-prod");
  assert.ok(!made.some(({ type, name }) => type === "aws:iam/user:User" && name.startsWith("media")));
  mayListReadCreateUpdate(made.find(({ name }) => name === "web-role-media")?.inputs.policy);
  assert.deepEqual(
    Object.keys(secretsOf(made)).filter((name) => /AWS/.test(name)),
    [],
  );
});

test("the charts are backed up at four in the morning, UTC, into a bucket of their own", async () => {
  for (const name of ["charts-staging", "charts-prod"]) {
    const made = await chartsOn(name);
    assert.ok(made.some((one) => one.name === "backup-bucket-bucket"));
    const timers = made.filter(({ inputs }) =>
      /OnCalendar=\*-\*-\* 04:00:00 UTC/.test(JSON.stringify(inputs)),
    );
    assert.ok(timers.length > 0, name);
  }
});
