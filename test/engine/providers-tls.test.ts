import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isSecret, underBoth, underNode } from "./providers.ts";

const KINDS = {
  ed25519: { algorithm: "ED25519" },
  rsa: { algorithm: "RSA", rsaBits: 2048 },
  ecdsa: { algorithm: "ECDSA", ecdsaCurve: "P384" },
};
const NAMES = ["privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh"] as const;

underBoth("keys are what OpenSSH and OpenSSL read, and secret in the state", async (trial) => {
  await trial.up(`export const keys = pulumi.secret(Object.fromEntries(Object.entries(${JSON.stringify(KINDS)}).map(([name, kind]) => {
    const key = new tls.PrivateKey(name, kind);
    return [name, pulumi.all({ privateKeyPem: key.privateKeyPem, privateKeyPemPkcs8: key.privateKeyPemPkcs8, privateKeyOpenssh: key.privateKeyOpenssh,
      publicKeyOpenssh: key.publicKeyOpenssh, publicKeyPem: key.publicKeyPem, sha256: key.publicKeyFingerprintSha256, md5: key.publicKeyFingerprintMd5 })];
  })));`);
  await trial.unchanged();
  const { keys } = (await trial.outputs()) as { keys: Record<string, Record<string, string>> };
  const state = await trial.exported();
  const folder = mkdtempSync(join(tmpdir(), "berth-keys-"));
  try {
    for (const [name, key] of Object.entries(keys)) {
      const publicPem = createPrivateKey(key.privateKeyPem as string).export({
        type: "pkcs8",
        format: "pem",
      });
      assert.equal(key.privateKeyPemPkcs8, publicPem, `${name}: both PEM forms are one key`);
      writeFileSync(join(folder, name), key.privateKeyOpenssh as string, { mode: 0o600 });
      const derived = execFileSync("ssh-keygen", ["-y", "-f", join(folder, name)], { encoding: "utf8" });
      assert.equal(
        derived.trim(),
        key.publicKeyOpenssh?.trim(),
        `${name}: ssh-keygen finds the same public key`,
      );
      const fingerprint = (hash: string) =>
        execFileSync("ssh-keygen", ["-l", "-E", hash, "-f", join(folder, name)], { encoding: "utf8" }).split(
          " ",
        )[1];
      assert.equal(fingerprint("sha256"), key.sha256);
      assert.equal(fingerprint("md5"), `MD5:${key.md5}`);
      const { outputs } = await trial.resource(name);
      for (const part of NAMES) {
        assert.ok(isSecret(outputs[part]), `${name}.${part} is secret`);
        assert.ok(!state.includes(JSON.stringify(key[part]).slice(1, -1)), `${name}.${part} is encrypted`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const certificate = (options: string) => `
  const key = new tls.PrivateKey("key", { algorithm: "ED25519" });
  const cert = new tls.SelfSignedCert("cert", { privateKeyPem: key.privateKeyPem, allowedUses: ["digital_signature", "server_auth"],
    validityPeriodHours: 48, subject: { commonName: "app.example", organization: "Ánimo & Co" }, ${options} });
  export const pem = cert.certPem; export const key_ = key.privateKeyPem; export const end = cert.validityEndTime; export const ready = cert.readyForRenewal;`;

underBoth(
  "a self-signed certificate holds for its names and is renewed in place of what changed",
  async (trial) => {
    await trial.up(
      certificate('dnsNames: ["app.example", "www.app.example"], ipAddresses: ["10.99.0.2", "fd00::2"]'),
    );
    await trial.unchanged();
    const first = (await trial.outputs()) as Record<string, string>;
    const read = new X509Certificate(first.pem as string);
    assert.ok(read.checkHost("www.app.example") && read.checkIP("10.99.0.2") && read.checkIP("fd00::2"));
    assert.equal(read.checkHost("other.example"), undefined);
    assert.ok(read.verify(read.publicKey), "it is signed with its own key");
    assert.ok(read.checkPrivateKey(createPrivateKey(first.key_ as string)));
    assert.match(read.subject, /CN=app\.example/);
    assert.match(read.subject, /O=Ánimo & Co/);
    assert.equal(read.ca, false);
    assert.equal(Math.round((Date.parse(read.validTo) - Date.parse(read.validFrom)) / 3_600_000), 48);
    assert.equal(first.ready, false);
    assert.ok(
      isSecret((await trial.resource("cert")).inputs.privateKeyPem),
      "the key stays secret as an input",
    );

    await trial.up(
      certificate(
        'earlyRenewalHours: 24, dnsNames: ["app.example", "www.app.example"], ipAddresses: ["10.99.0.2", "fd00::2"]',
      ),
    );
    assert.equal(
      (await trial.outputs()).pem,
      first.pem,
      "a longer time before renewal makes no new certificate yet",
    );
    await trial.up(
      certificate('earlyRenewalHours: 24, dnsNames: ["app.example"], ipAddresses: ["10.99.0.2"]'),
    );
    const second = (await trial.outputs()) as Record<string, string>;
    assert.notEqual(second.pem, first.pem, "other names need another certificate");
    assert.equal(second.key_, first.key_, "with the same key");
  },
);

const KEYS_OF_AUTHORITIES = {
  p224: { algorithm: "ECDSA", ecdsaCurve: "P224" },
  p521: { algorithm: "ECDSA", ecdsaCurve: "P521" },
  rsa: { algorithm: "RSA", rsaBits: 2048 },
};

underBoth("an authority's certificate holds with a key of any kind, and beyond 2050", async (trial) => {
  await trial.up(`export const pems = Object.fromEntries(Object.entries(${JSON.stringify(KEYS_OF_AUTHORITIES)}).map(([name, kind]) => {
    const key = new tls.PrivateKey(name, kind);
    const cert = new tls.SelfSignedCert(name, { privateKeyPem: key.privateKeyPem, isCaCertificate: true, setAuthorityKeyId: true,
      allowedUses: ["cert_signing", "crl_signing", "server_auth"], validityPeriodHours: 24 * 365 * 40, ipAddresses: ["::ffff:192.0.2.1"],
      uris: ["https://ca.example/"], subject: { commonName: "ca.example", emailAddress: "ca@ca.example" } });
    return [name, cert.certPem];
  }));`);
  const { pems } = (await trial.outputs()) as { pems: Record<string, string> };
  for (const [name, pem] of Object.entries(pems)) {
    const read = new X509Certificate(pem);
    assert.ok(read.verify(read.publicKey), `${name}: it is signed with its own key`);
    assert.ok(
      read.ca && read.checkIssued(read),
      `${name}: it may sign, and what it says of its issuer is itself`,
    );
    assert.deepEqual(read.keyUsage, ["1.3.6.1.5.5.7.3.1"]);
    assert.equal(read.subjectAltName, "IP Address:192.0.2.1, URI:https://ca.example/");
    assert.match(read.subject, /emailAddress=ca@ca\.example/);
    assert.ok(Date.parse(read.validTo) > Date.UTC(2060, 0));
  }
});

underBoth("a certificate that is due for renewal is made anew by the next up", async (trial) => {
  await trial.up(certificate("earlyRenewalHours: 48"));
  const first = await trial.outputs();
  assert.equal(first.ready, true);
  await trial.up();
  assert.notEqual((await trial.outputs()).pem, first.pem);
});

underBoth(
  "a certificate with an unknown use, without a key or with an address that is none is refused",
  async (trial) => {
    const said = await trial.fails(
      'new tls.SelfSignedCert("bad", { privateKeyPem: "not a key", allowedUses: ["flying"], validityPeriodHours: 1 });',
    );
    assert.match(said, /allowed_?[uU]ses/);
    assert.match(said, /flying/);
    const broken = await trial.fails(
      'new tls.SelfSignedCert("bad", { privateKeyPem: "canary-not-a-key", allowedUses: [], validityPeriodHours: 1 });',
    );
    assert.match(broken, /private key/i);
    assert.ok(!broken.includes("canary-not-a-key"), "what stands in the key's place is never shown");
    const scoped = await trial.fails(`const key = new tls.PrivateKey("key", { algorithm: "ED25519" });
    new tls.SelfSignedCert("bad", { privateKeyPem: key.privateKeyPem, allowedUses: [], validityPeriodHours: 1, ipAddresses: ["fe80::1%eth0"] });`);
    assert.match(scoped, /fe80::1%eth0/);
  },
);

underNode("a tls resource that the registry build has not is refused by its name", async (trial) => {
  const said = await trial.fails('new tls.CertRequest("r", { privateKeyPem: "x" });');
  assert.match(
    said,
    /tls:index\/certRequest:CertRequest: not available from the registry build; install Pulumi/,
  );
});
