// What a preview of a whole stack shows: the text of every step, rendered from the program itself without an engine.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "berth-steps-"));
const shown: Record<string, string> = {};
const secretValue = "secret-of-the-test";

/** Pulumi's own stand-in for an engine: every resource gets outputs at once. */
const mocks: pulumi.runtime.Mocks = {
  newResource: ({ name, type, inputs }) => {
    if (type === "command:remote:Command") shown[name] = inputs.environment?.BERTH_STEP ?? inputs.stdin;
    const outputs: Record<string, unknown> = { ...inputs };
    if (type === "command:local:Command") {
      outputs.stdout = JSON.stringify({
        address: "192.0.2.7",
        machine: name,
        instanceId: "i-0123456789abcdef",
      });
    }
    if (type.startsWith("random:")) outputs.result = secretValue;
    if (type.startsWith("tls:")) {
      outputs.publicKeyOpenssh = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPublic";
      outputs.privateKeyOpenssh = outputs.privateKeyPem = `${secretValue}\n`;
      outputs.certPem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    }
    return { id: `${name}-id`, state: outputs };
  },
  call: ({ inputs }) => inputs,
};

before(async () => {
  const project = join(folder, "shop");
  mkdirSync(join(project, "shop"), { recursive: true });
  writeFileSync(join(project, "shop/wsgi.py"), "application = None\n");
  await pulumi.runtime.setMocks(mocks, "berth", "prod");
  pulumi.runtime.setAllConfig({
    "berth:host": JSON.stringify({ kind: "local", timezone: "Europe/Berlin" }),
    "berth:site": JSON.stringify({ domain: "shop.example.org", aliases: ["www.shop.example.org"] }),
    "berth:app": JSON.stringify({
      name: "shop",
      source: { directory: project },
      wsgi: "shop.wsgi",
      settings: "shop.settings",
      health: "/health",
      env: { PAGE_SIZE: 20 },
      secrets: { API_TOKEN: secretValue },
    }),
    "berth:admins": JSON.stringify([{ name: "alice", keys: ["ssh-ed25519 AAAAC3Alice alice@example.org"] }]),
  });
  // The program keeps its archives in the project's folder.
  const here = process.cwd();
  process.chdir(folder);
  await import("../../index.ts");
  await pulumi.runtime.disconnect();
  process.chdir(here);
});
after(() => rmSync(folder, { recursive: true }));

const library = ["step.sh", "files.sh", "services.sh"].map((file) =>
  readFileSync(join(root, "components/host/lib", file), "utf8"),
);

test("every step of a stack is this text", (t) => {
  assert.ok(Object.keys(shown).length >= 12, `steps: ${Object.keys(shown)}`);
  for (const [name, text] of Object.entries(shown)) {
    // The shell library is none of the step's own; its digest is in its name.
    const own = library
      .reduce((rest, part) => rest.replaceAll(part, ""), text)
      .replaceAll(/\/library\/[0-9a-f]{12}\.sh/g, "/library/DIGEST.sh")
      .replaceAll(/\n{3,}/g, "\n\n");
    t.assert.fileSnapshot(own, join(import.meta.dirname, "snapshots/steps", `${name}.sh`), {
      serializers: [(value: string) => value],
    });
  }
});

test("no secret is in the text of any step", () => {
  for (const [name, text] of Object.entries(shown)) {
    assert.ok(!text.includes(secretValue), `${name} holds a secret`);
  }
});
