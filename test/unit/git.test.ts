import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  type GitReference,
  knownHostsLine,
  resolveCommit,
  sshServer,
} from "../../components/app/source/git.ts";
import { type Sshd, startSshd } from "../engine/sshd.ts";

test("the server of an SSH URL is found in both of git's ways to write it", () => {
  assert.deepEqual(sshServer("git@git.example.org:team/shop.git"), { host: "git.example.org", port: 22 });
  assert.deepEqual(sshServer("ssh://git@git.example.org:2222/shop.git"), {
    host: "git.example.org",
    port: 2222,
  });
  assert.deepEqual(sshServer("ssh://git.example.org/shop.git"), { host: "git.example.org", port: 22 });
  assert.equal(sshServer("https://git.example.org/shop.git"), undefined);
});

test("a git server is only talked to when its host key is known", () => {
  assert.match(knownHostsLine({ host: "github.com", port: 22 }, undefined), /^github\.com ssh-ed25519 AAAA/);
  assert.equal(
    knownHostsLine({ host: "git.example.org", port: 2222 }, "ssh-ed25519 AAAA"),
    "[git.example.org]:2222 ssh-ed25519 AAAA",
  );
  assert.throws(() => knownHostsLine({ host: "git.example.org", port: 22 }, undefined), {
    message:
      /^app\.source\.hostKey: expected the ed25519 host key of git\.example\.org; found nothing\. 'ssh-keyscan/,
  });
});

let sshd: Sshd;
let repository: string;
let commit: string;
let url: string;
const git = (...args: string[]) =>
  execFileSync("git", ["-C", repository, "-c", "user.name=t", "-c", "user.email=t@example.org", ...args], {
    encoding: "utf8",
  }).trim();

before(async () => {
  sshd = await startSshd();
  repository = mkdtempSync(join(tmpdir(), "berth-git-test-"));
  git("init", "-q", "-b", "main");
  writeFileSync(join(repository, "wsgi.py"), "application = None\n");
  git("add", ".");
  git("commit", "-qm", "First");
  commit = git("rev-parse", "HEAD");
  git("tag", "-am", "First", "v1");
  git("branch", "feature/x");
  url = `ssh://${sshd.user}@${sshd.host}:${sshd.port}${repository}`;
});
after(async () => {
  await sshd.stop();
  rmSync(repository, { recursive: true });
});

const reference = (ref: string, wrong: Partial<Sshd> = {}): GitReference => {
  const server = { ...sshd, ...wrong };
  return {
    url,
    ref,
    ssh: { privateKey: server.keys.ed25519, knownHosts: knownHostsLine(server, server.hostKey) },
  };
};

for (const ref of ["main", "feature/x", "v1", "HEAD"]) {
  test(`the reference ${ref} stands for its commit`, async () => {
    assert.equal(await resolveCommit(reference(ref)), commit);
  });
}

test("a full commit id is taken as it is, without asking the server", async () => {
  const id = "0123456789".repeat(4);
  assert.equal(await resolveCommit({ url: "ssh://git@192.0.2.1/none.git", ref: id }), id);
});

test("a reference that does not exist is answered with the branches that do", async () => {
  await assert.rejects(resolveCommit(reference("mian")), {
    message: `app.source.ref: ${url} has no branch or tag 'mian'; its branches are: feature/x, main`,
  });
});

test("a repository that is not there, a key that is not let in, a host key that differs: each is said", async () => {
  await assert.rejects(resolveCommit({ ...reference("main"), url: `${url}-none` }), {
    message: /^app\.source\.git: ssh:.*-none cannot be read: .*does not appear to be a git repository/s,
  });
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(repository, "other")]);
  const key = execFileSync("cat", [join(repository, "other")], { encoding: "utf8" });
  await assert.rejects(resolveCommit(reference("main", { keys: { ...sshd.keys, ed25519: key } })), {
    message: /^app\.source\.git: .* cannot be read: .*Permission denied/s,
  });
  const other = execFileSync("cut", ["-d ", "-f1-2", join(repository, "other.pub")], {
    encoding: "utf8",
  }).trim();
  await assert.rejects(resolveCommit(reference("main", { hostKey: other })), {
    message: /^app\.source\.hostKey: .* shows another host key than the one that is expected/,
  });
});
