// What a user may get wrong: each fault has its own clear error, and nothing has been made or changed by then.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Run, type StackConfig, withStack } from "../e2e/harness.ts";
import { freePort, startSshd } from "../engine/sshd.ts";
import { bareMachine } from "./faults.ts";

const stack = await withStack({ after });
const folder = mkdtempSync(join(tmpdir(), "berth-input-"));
const machine = bareMachine({ after });
// It would let nobody do anything, whatever Berth sent to it.
const sshd = await startSshd(["ForceCommand /bin/false"]);
after(async () => {
  await sshd.stop();
  rmSync(folder, { recursive: true });
});

const original = readFileSync(stack.file, "utf8");

/** An `up` with this configuration that must fail, and make nothing. */
async function refused(config: StackConfig, expected: RegExp, made: readonly string[] = []): Promise<Run> {
  writeFileSync(stack.file, original);
  stack.configure(config);
  const run = await stack.up();
  const all = run.stdout + run.stderr;
  assert.notEqual(run.code, 0, all);
  assert.match(all, expected);
  assert.doesNotMatch(all, /^\s+at .*\(.*:\d+:\d+\)$/m, "there is no stack trace");
  const kinds = new Set((await stack.resources()).map((one) => one.type));
  // Names of groups, generated passwords and keys are nothing but lines in the state.
  const harmless = /^(pulumi:|berth:|random:|tls:)/;
  assert.deepEqual(
    [...kinds].filter((kind) => !harmless.test(kind)),
    made,
  );
  assert.deepEqual(stack.traces(), [], "no machine was made");
  return run;
}

const machineHost = () => ({
  kind: "existing",
  address: machine.address,
  user: "berth",
  hostKey: machine.hostKey,
  privateKeyFile: keyFile("machine", machine.privateKey),
});
const sshdHost = () => ({
  kind: "existing",
  address: sshd.host,
  port: sshd.port,
  user: sshd.user,
  hostKey: sshd.hostKey,
  privateKeyFile: keyFile("sshd", sshd.keys.ed25519),
});
function keyFile(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}
function anotherKey(name: string): { readonly private: string; readonly public: string } {
  const path = join(folder, name);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path]);
  return { private: path, public: readFileSync(`${path}.pub`, "utf8").trim() };
}

test("faults of the configuration come all in one message, before anything is asked of anybody", async () => {
  const run = await refused(
    {
      host: { kind: "local", memroy: 512 },
      site: { domain: "-logbook.test" },
      app: { wsgi: undefined, workers: "two" },
    },
    /The configuration of stack '.*' \(Pulumi\..*\.yaml\) has 4 faults:/,
  );
  for (const fault of [
    /berth:host\.memroy: there is no such key\. Did you mean 'memory'\?/,
    /berth:site\.domain: expected a domain name .*; found "-logbook\.test"/,
    /berth:app\.wsgi: expected a text \(put it in quotes\); found nothing: the key is required/,
    /berth:app\.workers: expected a number; found "two"/,
  ]) {
    assert.match(run.stdout, fault);
  }
});

test("another major version of PostgreSQL is refused with the way to move the data", async () => {
  await refused({ postgres: { version: 16 } }, /berth:postgres\.version: expected 17\..*dump it.*found 16/);
});

test("an EC2 host without the AWS plugin, or without an account, is refused with what is missing", async () => {
  await refused(
    {
      host: {
        kind: "ec2",
        region: "eu-central-1",
        instanceType: "t4g.small",
        sshFrom: ["203.0.113.0/24"],
      },
    },
    /aws: not available from the registry build; install Pulumi|AWS: expected credentials of an account/,
  );
});

test("a source directory that does not exist is named, with where it was sought", async () => {
  await refused(
    { app: { source: { directory: "ap" } } },
    /berth:app\.source\.directory: expected a directory, from \/.*; found no directory 'ap'/,
  );
});

test("a source without the WSGI module is refused with the files that were sought", async () => {
  await refused(
    { app: { wsgi: "logbok.wsgi:application" } },
    /berth:app\.wsgi: expected the module 'logbok\.wsgi' in 'app'; found neither logbok\/wsgi\.py nor logbok\/wsgi\/__init__\.py/,
  );
});

test("a private key file that does not exist is named", async () => {
  await refused(
    { host: { ...machineHost(), privateKeyFile: "~/no-such-key" } },
    /berth:host\.privateKeyFile: expected a private key; found no file '\/.*\/no-such-key'/,
  );
});

test("a git server whose host key nobody knows is not talked to", async () => {
  await refused(
    { app: { source: { directory: undefined, git: "git@git.example.org:team/shop.git" } } },
    /berth:app\.source\.hostKey: expected the ed25519 host key of git\.example\.org; found nothing/,
  );
});

test("a host at whose address nothing answers is named, with where to look", async () => {
  const nobody = machine.address.replace(/\d+$/, "250");
  await refused(
    { host: { ...machineHost(), address: nobody } },
    /berth: [\d.]+ cannot be reached by SSH: .*No route to host.*Look at host\.address and port, and at the firewall/,
  );
});

test("a host whose SSH port is closed is named, with where to look", async () => {
  const port = await freePort();
  await refused(
    { host: { ...sshdHost(), port } },
    /berth: \[127\.0\.0\.1\]:\d+ cannot be reached by SSH: .*Connection refused.*Look at host\.address and port/,
  );
});

test("a host that does not let this key in is named, with what to do", async () => {
  await refused(
    { host: { ...machineHost(), privateKeyFile: anotherKey("wrong").private } },
    /berth: [\d.]+ does not let 'berth' in with this key\. Put the right key in host\.privateKeyFile/,
  );
  assert.doesNotMatch(machine.inside("journalctl -u ssh --no-pager"), /Accepted/);
});

test("a private key that is not whole, or that has a passphrase, is said to be that", async () => {
  const broken = keyFile("broken", "-----BEGIN OPENSSH PRIVATE KEY-----\n");
  await refused(
    { host: { ...machineHost(), privateKeyFile: broken } },
    /berth: the private key of 'host' cannot be read: \w.*\. Give the whole file of a key without a passphrase/,
  );
  const locked = join(folder, "locked");
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "a passphrase", "-f", locked]);
  await refused(
    { host: { ...machineHost(), privateKeyFile: locked } },
    /berth: the private key of 'host' cannot be read: incorrect passphrase .*load it into your SSH agent/,
  );
});

test("a host that shows another key is sent nothing, and both keys are shown", async () => {
  const other = anotherKey("other").public;
  await refused(
    { host: { ...machineHost(), hostKey: other } },
    new RegExp(
      `berth: ${machine.address} shows the host key '${machine.hostKey.split(" ").slice(0, 2).join(" ")}', and host.hostKey expects '${other}'`.replaceAll(
        /[.+/]/g,
        "\\$&",
      ),
    ),
  );
  assert.doesNotMatch(machine.inside("journalctl -u ssh --no-pager"), /Accepted/);
});

test("an account that may not become root is refused", async () => {
  machine.inside(
    "useradd -m plain; install -d -o plain -m 700 ~plain/.ssh; install -o plain ~berth/.ssh/authorized_keys ~plain/.ssh/",
  );
  await refused(
    { host: { ...machineHost(), user: "plain" } },
    /berth: 'plain' on [\d.]+ is not root and may not use sudo without a password/,
  );
  machine.inside("userdel -r plain 2>/dev/null");
});

/** Refused by the host itself: that it could be reached is then in the state, and nothing else. */
async function refusedThere(fault: string, undo: string, expected: RegExp): Promise<void> {
  machine.inside(`${fault}; touch /run/before; sleep 0.05`);
  await refused({ host: machineHost() }, expected, ["command:local:Command"]);
  assert.equal(machine.inside("find /etc /usr /opt /srv /home /var/spool -newer /run/before"), "");
  machine.inside(undo);
  const result = await stack.destroy();
  assert.equal(result.code, 0, result.stdout);
}

test("an unsupported Debian is refused before anything on the host is changed", async () => {
  await refusedThere(
    "cp -P /etc/os-release /run/kept; rm /etc/os-release; printf 'ID=debian\nVERSION_ID=\"11\"\n' >/etc/os-release",
    "rm /etc/os-release; cp -P /run/kept /etc/os-release",
    /berth: web-connect: this host runs 'debian 11'; Berth needs Debian 13\. Choose another machine\. Nothing has been changed\./,
  );
});

test("an unsupported CPU is refused before anything on the host is changed", async () => {
  await refusedThere(
    "printf '#!/bin/sh\necho armv7l\n' >/usr/local/bin/uname; chmod +x /usr/local/bin/uname",
    "rm /usr/local/bin/uname",
    /berth: web-connect: this host's CPU is 'armv7l'; Berth runs on x86_64 and aarch64\. Choose another machine\. Nothing has been changed\./,
  );
});

test("a host without systemd is refused before anything on the host is changed", async () => {
  await refusedThere(
    "mv /run/systemd/system /run/systemd/system.away",
    "mv /run/systemd/system.away /run/systemd/system",
    /berth: web-connect: this host does not run systemd\./,
  );
});

test("a private repository asks for its deploy key first; then a reference that does not exist is answered with those that do", async () => {
  const repository = join(folder, "shop");
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.org", "-C", repository, ...args]);
  execFileSync("git", ["init", "-q", "-b", "main", repository]);
  git("commit", "-q", "--allow-empty", "-m", "First");
  const server = await startSshd([`ForceCommand git upload-pack ${repository}`]);
  try {
    const source = {
      directory: undefined,
      git: `ssh://${server.user}@${server.host}:${server.port}/shop.git`,
      ref: "mian",
      hostKey: server.hostKey,
    };
    const run = await refused(
      { app: { source } },
      /berth:app\.source\.git: ssh:.* cannot be read: .*Permission denied.*\n.*Enter this deploy key \(read only\) at 127\.0\.0\.1, then run 'pulumi up' again:\n.*ssh-ed25519 /,
    );
    const deployKey = /ssh-ed25519 [A-Za-z0-9+/=]+/.exec(run.stdout.split("deploy key")[1] ?? "")?.[0];
    appendFileSync(join(server.folder, "authorized_keys"), `${deployKey}\n`);
    await refused(
      { app: { source } },
      /berth:app\.source\.ref: ssh:.* has no branch or tag 'mian'; its branches are: main/,
    );
  } finally {
    await server.stop();
  }
});
