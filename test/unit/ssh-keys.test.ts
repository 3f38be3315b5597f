import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { test } from "node:test";
import ssh2 from "ssh2";
import { privateKeyOpenssh, publicKeyBlob } from "../../engine/plugins/openssh.ts";

// One key in 256 begins so, in either half; a writer that drops the zero makes a host that no sshd starts on.
for (const half of ["x", "d"] as const) {
  test(`a key with a zero at the beginning of its ${half === "x" ? "public" : "private"} half is whole`, (t) => {
    const folder = mkdtempSync(`${tmpdir()}/berth-ssh-keys-`);
    t.after(() => rmSync(folder, { recursive: true }));
    const key = beginningWithZero(half);
    const line = `ssh-ed25519 ${publicKeyBlob(key).toString("base64")}`;
    writeFileSync(`${folder}/key`, privateKeyOpenssh(key), { mode: 0o600 });
    const read = execFileSync("ssh-keygen", ["-y", "-f", `${folder}/key`], { encoding: "utf8" });
    assert.equal(read.trimEnd(), line);

    const [mine, theirs] = [parsed(privateKeyOpenssh(key)), parsed(line)];
    assert.equal(theirs.verify("said", mine.sign("said")), true);
  });
}

function beginningWithZero(half: "x" | "d"): KeyObject {
  for (;;) {
    const { privateKey } = generateKeyPairSync("ed25519");
    if (Buffer.from(String(privateKey.export({ format: "jwk" })[half]), "base64url")[0] === 0)
      return privateKey;
  }
}

function parsed(text: string): ssh2.ParsedKey {
  const key = ssh2.utils.parseKey(text);
  if (key instanceof Error) throw key;
  return key;
}
