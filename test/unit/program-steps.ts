// Every step that a stack shows, from the program itself without an engine.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { type Answers, willing } from "./aws-account.ts";
import { type Made, record } from "./aws-mocks.ts";
import { textOf } from "./step-snapshots.ts";

/** What every secret of the stack is, or has in it. */
export const secretValue = "secret-of-the-test";

/** Addresses of the stack's machines by their resources' names. */
const addresses: Readonly<Record<string, string>> = { "tasks-machine": "192.0.2.8" };

const tlsKey = () => ({
  publicKeyOpenssh: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPublic",
  privateKeyOpenssh: `${secretValue}\n`,
  privateKeyPem: `${secretValue}\n`,
});
const outputs = {
  "command:local:Command": (_: unknown, name: string) => ({
    stdout: JSON.stringify({
      address: addresses[name] ?? "192.0.2.7",
      machine: name,
      instanceId: "i-0123456789abcdef",
    }),
  }),
  "random:index/randomPassword:RandomPassword": () => ({ result: secretValue }),
  "aws:iam/accessKey:AccessKey": (_: unknown, name: string) => ({ id: `${name}-id`, secret: secretValue }),
  "tls:index/privateKey:PrivateKey": tlsKey,
  "tls:index/selfSignedCert:SelfSignedCert": () => ({
    certPem: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
  }),
};

/** The stack has never been deployed, and its account is a good one. */
const answers: Answers = { ...willing, "pulumi:pulumi:readStackOutputs": () => ({ outputs: {} }) };

type Keys = Readonly<Record<string, unknown>>;

let runs = 0;

/** Runs the program for a stack, with more of its configuration and of its application's; tells what it asks for. */
export async function programResources(config: Keys = {}, app: Keys = {}): Promise<readonly Made[]> {
  const folder = mkdtempSync(join(tmpdir(), "berth-steps-"));
  const project = join(folder, "shop");
  mkdirSync(join(project, "shop"), { recursive: true });
  writeFileSync(join(project, "shop/wsgi.py"), "application = None\n");
  writeFileSync(join(project, "shop/settings.py"), "");
  const stack = {
    host: { kind: "local", timezone: "Europe/Berlin" },
    site: { domain: "shop.example.org", aliases: ["www.shop.example.org"] },
    app: {
      name: "shop",
      source: { directory: project },
      wsgi: "shop.wsgi",
      settings: "shop.settings",
      health: "/health",
      env: { PAGE_SIZE: "20", DB_HOST: "${postgres.host}", DB_PASSWORD: "${postgres.password}" },
      secrets: { API_TOKEN: secretValue },
      ...app,
    },
    admins: [{ name: "alice", keys: ["ssh-ed25519 AAAAC3Alice alice@example.org"] }],
    ...config,
  };
  // The program keeps its archives in the project's folder.
  const here = process.cwd();
  process.chdir(folder);
  const program = () => {
    pulumi.runtime.setAllConfig(
      Object.fromEntries(
        Object.entries(stack).map(([key, value]) => [`berth:${key}`, JSON.stringify(value)]),
      ),
    );
    // The program is a module, which runs once by each name.
    return import(`../../index.ts?${++runs}`);
  };
  // What waits for a step that cannot be made would wait for ever.
  const failed = Promise.withResolvers<never>();
  process.once("unhandledRejection", failed.reject);
  try {
    const made = await Promise.race([
      record(program, { project: "berth", outputs, answers }),
      failed.promise,
    ]);
    return made.resources;
  } finally {
    process.off("unhandledRejection", failed.reject);
    process.chdir(here);
    rmSync(folder, { recursive: true });
  }
}

/** Every secret arrives by standard input, and the text of no step holds one. */
export function assertNoSecret(resources: readonly Made[]): void {
  const steps = resources.filter(({ type }) => type === "command:remote:Command");
  let arriving = 0;
  for (const step of steps) {
    const { environment, stdin = "" } = step.inputs;
    // The first step's text is its standard input.
    const lines = environment === undefined ? [] : stdin.split("\n").filter(Boolean);
    for (const line of lines) {
      const [secret, value] = line.split(" ");
      const text = Buffer.from(value, "base64").toString();
      assert.ok(text.includes(secretValue), `${step.name}: '${secret}' is not known to this test`);
      arriving += 1;
    }
    assert.ok(!textOf(step).includes(secretValue), `${step.name} holds a secret`);
  }
  assert.ok(arriving >= 8, `secrets: ${arriving}`);
}
