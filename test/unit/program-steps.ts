// The text of every step that a stack shows, rendered from the program itself without an engine.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";

const root = join(import.meta.dirname, "../..");

/** What every secret of the stack is. */
export const secretValue = "secret-of-the-test";

/** What the steps of a stack are, by their names. */
export type Steps = Readonly<Record<string, string>>;

/** Addresses of the stack's machines by their resources' names. */
const addresses: Readonly<Record<string, string>> = { "tasks-machine": "192.0.2.8" };

/** Pulumi's own stand-in for an engine: every resource gets outputs at once. */
const mocksThatNote = (shown: Record<string, string>): pulumi.runtime.Mocks => ({
  newResource: ({ name, type, inputs }) => {
    if (type === "command:remote:Command") shown[name] = inputs.environment?.BERTH_STEP ?? inputs.stdin;
    const outputs: Record<string, unknown> = { ...inputs };
    if (type === "command:local:Command") {
      outputs.stdout = JSON.stringify({
        address: addresses[name] ?? "192.0.2.7",
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
});

type Keys = Readonly<Record<string, unknown>>;

/**
 * Runs the program for a stack, with more of its configuration and of its application's. Once a process: the program
 * is a module.
 */
export async function programSteps(config: Keys = {}, app: Keys = {}): Promise<Steps> {
  const shown: Record<string, string> = {};
  const folder = mkdtempSync(join(tmpdir(), "berth-steps-"));
  const project = join(folder, "shop");
  mkdirSync(join(project, "shop"), { recursive: true });
  writeFileSync(join(project, "shop/wsgi.py"), "application = None\n");
  await pulumi.runtime.setMocks(mocksThatNote(shown), "berth", "prod");
  const stack = {
    host: { kind: "local", timezone: "Europe/Berlin" },
    site: { domain: "shop.example.org", aliases: ["www.shop.example.org"] },
    app: {
      name: "shop",
      source: { directory: project },
      wsgi: "shop.wsgi",
      settings: "shop.settings",
      health: "/health",
      env: { PAGE_SIZE: 20 },
      secrets: { API_TOKEN: secretValue },
      ...app,
    },
    admins: [{ name: "alice", keys: ["ssh-ed25519 AAAAC3Alice alice@example.org"] }],
    ...config,
  };
  pulumi.runtime.setAllConfig(
    Object.fromEntries(Object.entries(stack).map(([key, value]) => [`berth:${key}`, JSON.stringify(value)])),
  );
  // The program keeps its archives in the project's folder.
  const here = process.cwd();
  process.chdir(folder);
  await import("../../index.ts");
  await pulumi.runtime.disconnect();
  process.chdir(here);
  rmSync(folder, { recursive: true });
  return shown;
}

const library = ["step.sh", "files.sh", "services.sh"].map((file) =>
  readFileSync(join(root, "components/host/lib", file), "utf8"),
);

/** The text without the shell library, which is none of the step's own; its digest is in its name. */
export const ownText = (step: string): string =>
  library
    .reduce((rest, part) => rest.replaceAll(part, ""), step)
    .replaceAll(/\/library\/[0-9a-f]{12}\.sh/g, "/library/DIGEST.sh")
    .replaceAll(/\n{3,}/g, "\n\n");
