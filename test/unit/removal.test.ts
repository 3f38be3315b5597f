import assert from "node:assert/strict";
import { test } from "node:test";
import { attachmentsOf, protectedOf, removalText, type StateResource } from "../../scripts/lib/removal.ts";

const resource = (type: string, name: string, more: Partial<StateResource> = {}): StateResource => ({
  urn: `urn:pulumi:prod::berth::${type}::${name}`,
  type,
  custom: !type.startsWith("berth:"),
  ...more,
});
const stackWith = (...hosts: StateResource[]): StateResource[] => [
  resource("pulumi:pulumi:Stack", "berth-prod", { custom: false, outputs: { media: "/srv/shop/media" } }),
  ...hosts,
  resource("berth:postgres:Postgres", "postgres", { outputs: { keeps: "the database" } }),
  resource("berth:redis:Redis", "redis", { outputs: { keeps: "Redis's data" } }),
  resource("berth:app:App", "app", { outputs: { keeps: "private files in /srv/shop/data" } }),
  resource("command:remote:Command", "web-connect"),
];
const last = "goes   all else that the stack made, passwords and keys among it (resources in all: 1)";
const data = "the database, Redis's data, private files in /srv/shop/data, uploads in /srv/shop/media";

test("a host on this computer goes with its data", () => {
  assert.deepEqual(removalText(stackWith(resource("berth:host:LocalHost", "web"))), [
    "goes   host web, a machine on this computer",
    `goes   DATA on it: ${data}`,
    last,
  ]);
});

test("before a removal AWS is asked for the links between volumes and instances, and for nothing else", () => {
  const type = "aws:ec2/volumeAttachment:VolumeAttachment";
  const link = resource(type, "web-data-attachment");
  const stack = stackWith(resource("aws:ec2/instance:Instance", "web-instance"), link);
  assert.deepEqual(attachmentsOf(stack), [link.urn]);
  assert.deepEqual(attachmentsOf(stackWith(resource("berth:host:LocalHost", "web"))), []);
});

test("a machine that the user has stays, with its data", () => {
  assert.deepEqual(removalText(stackWith(resource("berth:host:ExistingHost", "web"))), [
    "goes   what Berth set up on host web: services, settings, the running release",
    "stays  the machine of host web, with its packages and accounts",
    `stays  DATA on it: ${data}`,
    last,
  ]);
});

test("on AWS the data goes with the volume that it is on, or with the instance where there is none", () => {
  const instance = resource("berth:ec2:Ec2Host", "web");
  const address = resource("aws:ec2/eip:Eip", "web-address", { outputs: { publicIp: "203.0.113.7" } });
  const volume = resource("aws:ebs/volume:Volume", "web-data-disk");
  assert.deepEqual(removalText(stackWith(instance, address, volume)).slice(0, 4), [
    "goes   host web, an EC2 instance",
    "goes   address 203.0.113.7; you cannot get it back",
    "goes   volume web-data-disk",
    `goes   DATA on it: ${data}`,
  ]);
  assert.deepEqual(removalText(stackWith(instance)).slice(0, 2), [
    "goes   host web, an EC2 instance",
    `goes   DATA on it: ${data}`,
  ]);
  const retained = removalText(stackWith(instance, { ...volume, id: "vol-1", retainOnDelete: true }));
  assert.deepEqual(retained.slice(1, 3), [
    "stays  volume web-data-disk (vol-1)",
    `stays  DATA on it: ${data}`,
  ]);
});

test("a bucket goes with all its files, or only when it is empty, as the stack says", () => {
  const bucket = (forceDestroy: boolean) =>
    removalText([
      resource("pulumi:pulumi:Stack", "berth-prod", { outputs: { media: "s3://shop-media" } }),
      resource("berth:host:LocalHost", "web"),
      resource("berth:app:App", "app", { outputs: { keeps: "private files in /srv/shop/data" } }),
      resource("aws:s3/bucket:Bucket", "media-bucket", {
        inputs: { forceDestroy },
        outputs: { bucket: "shop-media" },
      }),
    ]);
  assert.deepEqual(bucket(true).slice(0, 3), [
    "goes   host web, a machine on this computer",
    "goes   DATA on it: private files in /srv/shop/data",
    "goes   bucket shop-media, with all its DATA: uploads and their earlier versions",
  ]);
  assert.equal(
    bucket(false)[2],
    "goes   bucket shop-media if it is empty; while it holds DATA, it stays and the removal stops there",
  );
});

test("backups stay, and whoever has no copy of a passphrase that goes is told to keep one", () => {
  const backup = resource("berth:backup:Backup", "backup", { outputs: { place: "s3://shop/prod-shop" } });
  const existing = resource("berth:host:ExistingHost", "web");
  const stays = "stays  backups in s3://shop/prod-shop";
  const lines = (...more: StateResource[]) =>
    removalText([...stackWith(existing), backup, ...more]).filter((line) => /backups/.test(line));
  assert.deepEqual(lines(), [stays]);
  assert.deepEqual(lines(resource("random:index/randomPassword:RandomPassword", "backup-passphrase")), [
    stays,
    "goes   their passphrase, without which nobody can read them. Keep a copy first: npm run --silent backups -- -s prod --show-passphrase",
  ]);
});

test("backups in a directory go with a machine that goes, and stay with one that stays", () => {
  const backup = resource("berth:backup:Backup", "backup", { outputs: { place: "/mnt/backups" } });
  const told = (type: string) =>
    removalText([...stackWith(resource(type, "web")), backup]).filter((line) => /backups/.test(line));
  const goes =
    "goes   backups in /mnt/backups on host web, unless another disk is mounted there. Copy them away first";
  assert.deepEqual(told("berth:host:LocalHost"), [goes]);
  assert.deepEqual(told("berth:ec2:Ec2Host"), [goes]);
  assert.deepEqual(told("berth:host:ExistingHost"), ["stays  backups in /mnt/backups"]);
});

test("the protected resources are those that the engine refuses to delete", () => {
  const volume = resource("aws:ebs/volume:Volume", "web-data-disk", { protect: true });
  assert.deepEqual(protectedOf(stackWith(volume)), ["web-data-disk"]);
  assert.deepEqual(protectedOf(stackWith()), []);
});
