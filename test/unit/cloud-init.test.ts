import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { type UserDataArgs, userData } from "../../cloud-init/user-data.ts";

const args: UserDataArgs = {
  fqdn: "shop.example.com",
  user: "berth",
  authorizedKey: "ssh-ed25519 AAAAC3NzaLogin engine",
  hostPrivateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY-----",
  hostPublicKey: "ssh-ed25519 AAAAC3NzaHost",
};

test("the first boot of a host is this text", (t) => {
  const path = fileURLToPath(new URL("snapshots/user-data.yaml", import.meta.url));
  t.assert.fileSnapshot(userData(args), path, { serializers: [(text: string) => text] });
});

test("user-data is YAML with the facts it was given", () => {
  const text = userData(args);
  assert.match(text, /^#cloud-config\n/);
  const read = parse(text);
  assert.equal(read.hostname, "shop");
  assert.equal(read.fqdn, "shop.example.com");
  assert.deepEqual(read.users[0].ssh_authorized_keys, [args.authorizedKey]);
  assert.equal(read.ssh_keys.ed25519_private, `${args.hostPrivateKey}\n`);
  assert.equal(read.ssh_keys.ed25519_public, args.hostPublicKey);
  assert.equal(read.write_files[0].content, "127.0.1.1 shop.example.com shop\n");
});

test("no account of a new host has a password, and root cannot log in", () => {
  const read = parse(userData(args));
  assert.equal(read.users.length, 1);
  assert.equal(read.users[0].lock_passwd, true);
  assert.equal(read.disable_root, true);
  assert.equal(read.ssh_pwauth, false);
  assert.deepEqual(Object.keys(read.ssh_keys), ["ed25519_private", "ed25519_public"]);
});

test("the private key ends with exactly one line end, with or without one given", () => {
  assert.equal(userData(args), userData({ ...args, hostPrivateKey: `${args.hostPrivateKey}\n\n` }));
});

test("a value cannot become YAML of its own", () => {
  const comment = "ssh-ed25519 AAAA \"quoted\": {a: b} # 'x' {{ user }}";
  const read = parse(userData({ ...args, authorizedKey: comment }));
  assert.deepEqual(read.users[0].ssh_authorized_keys, [comment]);
});

test("a name without a domain is given to the host once", () => {
  assert.equal(parse(userData({ ...args, fqdn: "shop" })).write_files[0].content, "127.0.1.1 shop\n");
});

for (const fqdn of ["", "Shop.example.com", "shop_1", "shop.example.com\nroot: x", "-shop", "shop."]) {
  test(`the host name ${JSON.stringify(fqdn)} is refused by name`, () => {
    assert.throws(() => userData({ ...args, fqdn }), { message: /the host's name is .*expected labels/ });
  });
}

test("a public key that is two lines, or none, is refused by name", () => {
  const two = "ssh-ed25519 AAAA one\nssh-ed25519 BBBB two";
  assert.throws(() => userData({ ...args, authorizedKey: two }), {
    message: /^authorizedKey is not a public key/,
  });
  assert.throws(() => userData({ ...args, hostPublicKey: "" }), {
    message: /^hostPublicKey is not a public key/,
  });
});

test("a host key of another kind than ed25519 is refused", () => {
  assert.throws(() => userData({ ...args, hostPublicKey: "ssh-rsa AAAA" }), {
    message: /expected an ed25519 key/,
  });
});
