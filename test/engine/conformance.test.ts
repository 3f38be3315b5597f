// A stack may change hands: made with the providers that Berth builds, taken over by the vendor's, and back. Neither
// side sees a difference, and either can change and remove what the other has made.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Origin, withEngine, withoutRealPlugins } from "./harness.ts";
import { isSecret, type StateResource, Trial } from "./providers.ts";
import { type Sshd, startSshd } from "./sshd.ts";

/** Every resource that Berth's providers have, with defaults and with much set, plain and secret. */
function program(sshd: Sshd, step: string): string {
  return `
    const plain = new random.RandomPassword("plain", { length: 16 });
    const set = new random.RandomPassword("set", { length: 24, keepers: { a: "b" }, numeric: true, minLower: 2, overrideSpecial: "_-" });
    new random.RandomPassword("secretly", { length: 12, keepers: { a: pulumi.secret("canary-keeper") } });
    new random.RandomString("string", { length: 8, number: false });
    new random.RandomId("id", { byteLength: 4 });
    new random.RandomId("prefixed", { byteLength: 4, prefix: "p-", keepers: { k: "v" } });
    new random.RandomBytes("bytes", { length: 16 });
    new random.RandomUuid("uuid");
    const key = new tls.PrivateKey("ed25519", { algorithm: "ED25519" });
    new tls.PrivateKey("rsa", { algorithm: "RSA", rsaBits: 2048 });
    new tls.PrivateKey("ecdsa", { algorithm: "ECDSA", ecdsaCurve: "P256" });
    new tls.PrivateKey("p224", { algorithm: "ECDSA" });
    new tls.SelfSignedCert("least", { privateKeyPem: key.privateKeyPem, allowedUses: [], validityPeriodHours: 100 });
    new tls.SelfSignedCert("most", { privateKeyPem: key.privateKeyPem, allowedUses: ["server_auth", "cert_signing"], validityPeriodHours: 100,
      earlyRenewalHours: 10, dnsNames: ["a.example"], ipAddresses: ["10.0.0.1"], uris: ["https://a.example"], isCaCertificate: true, maxPathLength: 1,
      setSubjectKeyId: true, setAuthorityKeyId: true, subject: { commonName: "a.example", streetAddresses: ["One", "Two"] } });
    new command.local.Command("local", { create: "echo ${step}", environment: { A: "b", SECRET: pulumi.secret("canary-environment") }, triggers: [1, "a", { x: [true] }] });
    new command.local.Command("nothing", { delete: "echo gone >> ${sshd.folder}/gone" });
    const connection = { host: "${sshd.host}", port: ${sshd.port}, user: "${sshd.user}", privateKey: ${JSON.stringify(sshd.keys.ed25519)}, hostKey: "${sshd.hostKey}" };
    new command.remote.Command("remote", { connection, create: "echo ${step}; cat > /dev/null", delete: "echo gone >> ${sshd.folder}/gone", stdin: set.result,
      triggers: ["host-1"], addPreviousOutputInEnv: false }, { additionalSecretOutputs: ["stdout"] });
    new command.remote.Command("through", { connection: { ...connection, proxy: connection }, create: "echo ${step}", logging: "none" });
    new command.remote.CopyToRemote("copy", { connection, source: new pulumi.asset.StringAsset("${step}"), remotePath: "${sshd.folder}/copy", triggers: [1] });
    export const password = plain.result;`;
}

/** The state's shape: for each resource its property names, what is secret, and the plain values that never differ. */
function shape(resources: readonly StateResource[]): unknown {
  const varies =
    /^(id|stdout|hex|dec|b64Std|b64Url|result|base64|certPem|validity(Start|End)Time|publicKey.*)$/;
  const sketch = (value: unknown, name = ""): unknown => {
    if (isSecret(value)) return "secret";
    if (Array.isArray(value)) return value.map((item) => sketch(item));
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(
        Object.entries(value)
          .sort(([left], [right]) => (left < right ? -1 : 1))
          .map(([key, item]) => [key, sketch(item, key)]),
      );
    }
    return varies.test(name) ? typeof value : value;
  };
  return resources
    .filter(({ type }) => /^(random|tls|command|pulumi:providers):/.test(type))
    .map(({ urn, type, inputs, outputs }) => ({
      urn,
      type,
      inputs: sketch(inputs),
      outputs: sketch(outputs),
    }))
    .map((entry) => (entry.type.startsWith("pulumi:providers") ? { ...entry, urn: entry.type } : entry))
    .sort((left, right) => (left.urn < right.urn ? -1 : 1));
}

async function resources(trial: Trial): Promise<StateResource[]> {
  return JSON.parse(await trial.exported()).deployment.resources;
}

for (const [maker, heir] of [
  ["node", "real"],
  ["real", "node"],
] as const satisfies [Origin, Origin][]) {
  const promise = `a stack made with the ${maker} providers is no change, then changed and destroyed, under the ${heir} ones`;
  test(promise, { skip: withoutRealPlugins, timeout: 300_000 }, async (t) => {
    const sshd = await startSshd();
    t.after(() => sshd.stop());
    const engine = await withEngine(t, { plugins: maker, languageHost: "node" });
    const trial = await Trial.start(engine);
    await trial.up(program(sshd, "one"));
    const made = shape(await resources(trial));
    for (const canary of ["canary-keeper", "canary-environment"]) {
      assert.ok(!(await trial.exported()).includes(canary), `${canary} is encrypted`);
    }

    engine.usePlugins(heir);
    await trial.unchanged();
    const { stdout } = await trial.preview("--diff", "--json");
    const steps = (JSON.parse(stdout).steps as { op: string; urn: string }[]).filter(
      ({ op }) => op !== "same",
    );
    assert.deepEqual(steps, [], "a preview shows nothing to do");
    await engine.succeed(["refresh", "--yes", "--skip-preview", "--expect-no-changes"], {
      cwd: trial.folder,
    });
    await trial.unchanged();
    assert.deepEqual(shape(await resources(trial)), made, "the state keeps its shape");

    const changed = await trial.up(program(sshd, "two"));
    assert.match(changed.stdout, /4 updated/);
    assert.equal(readFileSync(join(sshd.folder, "copy"), "utf8"), "two");
    engine.usePlugins(maker);
    await trial.unchanged();
    engine.usePlugins(heir);
    assert.ok(!existsSync(join(sshd.folder, "gone")));
    await trial.destroy();
    assert.equal(readFileSync(join(sshd.folder, "gone"), "utf8"), "gone\ngone\n");
  });
}

test("both kinds of providers leave the same state and show the same plan", {
  skip: withoutRealPlugins,
  timeout: 300_000,
}, async (t) => {
  const sshd = await startSshd();
  t.after(() => sshd.stop());
  const seen: Record<string, { state: unknown; first: unknown; change: unknown }> = {};
  for (const origin of ["node", "real"] as const) {
    const trial = await Trial.start(await withEngine(t, { plugins: origin, languageHost: "node" }));
    const plan = async () => {
      const { steps } = JSON.parse((await trial.preview("--json")).stdout) as { steps: PlanStep[] };
      return steps
        .filter(({ urn }) => /::(random|tls|command):/.test(urn))
        .map(({ op, urn, diffReasons, replaceReasons, detailedDiff, newState }) => ({
          op,
          urn,
          diffReasons: diffReasons?.sort(),
          replaceReasons: replaceReasons?.sort(),
          detailedDiff,
          inputs: Object.keys(newState?.inputs ?? {}).sort(),
          outputs: Object.keys(newState?.outputs ?? {}).sort(),
        }))
        .sort((left, right) => (left.urn < right.urn ? -1 : 1));
    };
    await trial.write(program(sshd, "one"));
    const first = await plan();
    await trial.up();
    const state = shape(await resources(trial));
    await trial.write(
      program(sshd, "two")
        .replace("length: 16", "length: 17")
        .replace('keepers: { a: "b" }', 'keepers: { a: "c" }')
        .replace("earlyRenewalHours: 10", "earlyRenewalHours: 20")
        .replace('algorithm: "ECDSA", ecdsaCurve: "P256"', 'algorithm: "RSA"')
        .replace('triggers: ["host-1"]', 'triggers: ["host-2"]'),
    );
    seen[origin] = { state, first, change: await plan() };
    await trial.destroy();
  }
  assert.deepEqual(seen.node?.state, seen.real?.state);
  assert.deepEqual(seen.node?.first, seen.real?.first);
  assert.deepEqual(seen.node?.change, seen.real?.change);
});

interface PlanStep {
  readonly op: string;
  readonly urn: string;
  readonly diffReasons?: string[];
  readonly replaceReasons?: string[];
  readonly detailedDiff?: unknown;
  readonly newState?: { readonly inputs?: object; readonly outputs?: object };
}
