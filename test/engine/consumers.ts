// Programs of another team, which read the outputs of a stack: a backend for both, the stack, and examples/consumer in
// either language.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { reader } from "../../scripts/lib/package.ts";
import { packPython } from "../../scripts/lib/package-python.ts";
import { startS3Beside } from "../e2e/s3-server.ts";
import { installPackage, linkPackages } from "../unit/package-program.ts";
import { type Engine, execute, type Result, root, withEngine } from "./harness.ts";
import { pulumiPython } from "./python.ts";

/** The stack that is read. */
export const shop = "organization/berth/prod";

export const password = "Canary-p4Vn9KdR3sXwT7Lm";

/** What a stack tells. */
export const told = {
  url: "https://shop.example.org/",
  hostAddress: "203.0.113.7",
  sshCommand: "ssh ida@203.0.113.7",
  hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKZ0",
  databaseUrl: `postgresql://shop_0a1b2c:${password}@127.0.0.1:5432/shop`,
  redisUrl: `redis://:${password}@127.0.0.1:6379/0`,
  data: { "app.name": "shop" },
  media: "/srv/shop/media",
  release: "0123456789-abcd",
};

/** A program of another team. */
export interface Consumer {
  /** Where its files go, by the names that the example gives them. */
  made(name: string): string;
  up(): Promise<Result>;
  preview(): Promise<Result>;
  /** Asks the CLI about its stack. */
  ask(...args: string[]): Promise<string>;
}

export type Backend = "files" | "bucket";

/** An engine whose backend is a folder, or a bucket that speaks TLS. */
export async function withBackend(t: TestContext, backend: Backend): Promise<Engine> {
  if (backend === "files") return await withEngine(t);
  const { place, bucket, owner } = await startS3Beside(t);
  const ca = join(bucket, "../../ca.pem");
  writeFileSync(ca, `${place.ca}`);
  const endpoint = `https://127.0.0.1:${place.endpoint?.split(":")[1]}`;
  const env = {
    PULUMI_BACKEND_URL: `s3://backups?region=us-east-1&endpoint=${endpoint}&s3ForcePathStyle=true`,
    AWS_CA_BUNDLE: ca,
    AWS_ACCESS_KEY_ID: owner.accessKey,
    AWS_SECRET_ACCESS_KEY: owner.secretKey,
    NO_PROXY: "*",
    // The engine tells servers that are not AWS by a header that there is no checksum, and versitygw refuses that.
    AWS_REQUEST_CHECKSUM_CALCULATION: "when_supported",
  };
  return await withEngine(t, { env });
}

/** Deploys the stack with the contract that the program of Berth has; `instead` is what it tells in place of that. */
export async function deployShop(
  engine: Engine,
  instead: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const text = JSON.stringify;
  const cwd = engine.project({
    "Pulumi.yaml":
      "name: berth\nruntime:\n  name: nodejs\n  options:\n    typescript: false\nmain: index.ts\n",
    "index.ts":
      `import { stackOutputs } from ${text(join(root, "outputs.ts"))};\n` +
      `export default { ...stackOutputs(${text(told)}), ...${text(instead)} };\n`,
  });
  await engine.succeed(["stack", "select", "--create", shop], { cwd });
  await engine.succeed(["up", "--yes", "--skip-preview"], { cwd });
}

/** The example in TypeScript, with the packed package; `env` is what its team has otherwise. */
export async function typescriptConsumer(
  engine: Engine,
  env: Readonly<Record<string, string>> = {},
): Promise<Consumer> {
  const cwd = engine.project({ "node_modules/.package-lock.json": "{}" });
  cpSync(join(root, "examples/consumer"), cwd, { recursive: true });
  installPackage(cwd, reader);
  linkPackages(cwd, ["@pulumi/command"]);
  const name = env.PULUMI_CONFIG_PASSPHRASE === undefined ? "typescript" : "other";
  const made = configure(cwd, name);
  await engine.succeed(["stack", "init", name], { cwd, env });
  return {
    made: (name) => join(made, name),
    up: () => engine.pulumi(["up", "--yes", "--skip-preview"], { cwd, env }),
    preview: () => engine.pulumi(["preview"], { cwd, env }),
    ask: async (...args) => (await engine.succeed(args, { cwd, env })).stdout,
  };
}

/**
 * The example in Python, with the packed package. The engine's language host for Python is no Go module, so none can be
 * built here: the engine asks Pulumi's SDK for Python itself, as programs with its Automation API have it.
 */
export async function pythonConsumer(engine: Engine): Promise<Consumer> {
  const cwd = engine.project({});
  cpSync(join(root, "examples/consumer-python"), cwd, { recursive: true });
  const packages = await installPython(join(cwd, "packages"));
  const bin = await pulumiPython();
  const made = configure(cwd, "python");
  const run = (operation: string) =>
    execute(join(bin, "python"), [join(root, "test/engine/consumer.py"), operation, cwd, "python"], {
      cwd,
      env: { ...engine.env, PYTHONPATH: packages, PATH: `${join(engine.home, "bin")}:${engine.env.PATH}` },
      timeout: 120_000,
    });
  return {
    made: (name) => join(made, name),
    up: () => run("up"),
    preview: () => run("preview"),
    ask: async (...args) => (await engine.succeed([...args, "--stack", "python"], { cwd })).stdout,
  };
}

/** Writes the settings of a consumer's stack; the folder where its files go. */
function configure(cwd: string, name: string): string {
  const made = join(cwd, "made");
  writeFileSync(
    join(cwd, `Pulumi.${name}.yaml`),
    `config:\n  shop-watch:stack: ${shop}\n  shop-watch:folder: ${made}\n`,
  );
  return made;
}

/** Packs the Python package and installs it into a folder of its own, by pip. */
export async function installPython(folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const packed = await packPython(root, folder);
  const install = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--no-index",
    "--no-deps",
  ];
  const installed = await execute(join(await pulumiPython(), "python"), [
    ...install,
    ...["--no-build-isolation", "--target", folder, packed],
  ]);
  assert.equal(installed.code, 0, installed.stdout + installed.stderr);
  return folder;
}

/** That a consumer has made all of the example from the outputs, and that its state has the secrets encrypted. */
export async function assertMade(consumer: Consumer): Promise<void> {
  const monitor = JSON.parse(readFileSync(consumer.made("shop.json"), "utf8"));
  assert.deepEqual(monitor, [{ targets: [told.url], labels: { site: "shop", release: told.release } }]);
  assert.equal(readFileSync(consumer.made("reports.env"), "utf8"), `DATABASE_URL=${told.databaseUrl}\n`);
  assert.deepEqual(JSON.parse(await consumer.ask("stack", "output", "--json")), {
    record: { type: "A", records: [told.hostAddress] },
    knownHosts: `${told.hostAddress} ${told.hostKey}`,
    caches: "[secret]",
  });
  const state = await consumer.ask("stack", "export");
  assert.ok(state.includes("reports.env"));
  assert.ok(state.includes(told.hostKey), "what is no secret is in plain text");
  assert.ok(!state.includes(password), "the password is in the state of the consumer");
}
