// The data volume, on machines of this computer with a disk that is made of a file.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { cyclesAtBoot } from "../e2e/harness.ts";
import { until } from "../until.ts";
import { type Disk, type Machine, stepsOf, withDisk, withMachine } from "./host-machine.ts";

const succeeded = (result: { code: number; stdout: string; stderr: string }) =>
  assert.equal(result.code, 0, result.stdout + result.stderr);

describe("the data volume", { concurrency: false }, () => {
  const cleanUp: (() => void | Promise<void>)[] = [];
  const scope = { after: (clean: () => void | Promise<void>) => cleanUp.push(clean) };
  after(async () => {
    for (const clean of cleanUp) await clean();
  });
  let disk: Disk;
  let machine: Machine;
  const blkid = () => execFileSync("blkid", ["-p", "-o", "export", disk.loop], { encoding: "utf8" });
  const start = () =>
    execFileSync("bash", ["-c", `head -c 16M ${disk.loop} | sha256sum`], { encoding: "utf8" });
  const ownersOnDisk =
    "stat -c '%U:%G %a %n' /var/lib/postgresql/17/main /var/lib/redis /srv/shop/media/photo";

  before(async () => {
    disk = withDisk(scope, 1);
    machine = await withMachine(scope);
    const { connect } = await stepsOf(machine);
    succeeded(await machine.step(connect));
  });

  test("a disk that is not there is asked for by name, and nothing is formatted", async () => {
    // Two minutes on a host; here the clock of the step is turned.
    const { dataVolume } = await stepsOf(machine);
    const result = await machine.step(dataVolume.replaceAll("wait_until 120", "wait_until 1"));
    assert.equal(result.code, 1);
    assert.match(result.stderr, /the data volume web-data-disk-id does not appear on this machine/);
  });

  test("a disk that holds anything but Berth's file system is never formatted", async () => {
    machine.attach(disk);
    const { dataVolume } = await stepsOf(machine);
    for (const [make, clear] of [
      [`mkswap ${disk.loop}`, `wipefs -aq ${disk.loop}`],
      [
        `printf data | dd of=${disk.loop} bs=1 seek=9000 conv=notrunc`,
        `dd if=/dev/zero of=${disk.loop} bs=64K count=1`,
      ],
    ] as const) {
      execFileSync("bash", ["-c", make], { stdio: "ignore" });
      const before = start();
      const result = await machine.step(dataVolume);
      assert.equal(result.code, 1, result.stdout);
      assert.match(result.stderr, /Nothing was changed on it/);
      assert.equal(start(), before);
      execFileSync("bash", ["-c", clear], { stdio: "ignore" });
    }
  });

  test("a blank disk is formatted, once", async () => {
    const { dataVolume } = await stepsOf(machine);
    succeeded(await machine.step(dataVolume));
    const formatted = blkid();
    assert.match(formatted, /TYPE=ext4/);
    await machine.on("echo kept >/srv/shop/media/kept");
    succeeded(await machine.step(dataVolume));
    assert.equal(blkid(), formatted);
    assert.equal(await machine.on("cat /srv/shop/media/kept"), "kept");
  });

  test("services put their data there, and the numbers of their accounts are noted", async () => {
    await installServices(machine);
    const { postgres } = await stepsOf(machine);
    succeeded(await machine.step(postgres));
    await machine.on("runuser -u postgres -- psql -qc 'CREATE TABLE kept AS SELECT 42 AS answer'");
    await machine.on(
      "useradd --system --user-group --no-create-home --home-dir /srv/shop shop; chown shop:www-data /srv/shop/media; chmod 2750 /srv/shop/media; runuser -u shop -- touch /srv/shop/media/photo",
    );
    await machine.on("redis-cli config set appendonly yes; redis-cli set answer 42");
    await machine.on("until grep -q ^shop: /var/lib/berth/data/accounts/passwd; do sleep 0.1; done");
    assert.equal(await machine.on("findmnt -nro FSTYPE --target /var/lib/postgresql/17/main"), "ext4");
  });

  test("a disk that has grown is a file system that has grown, and its services run", async () => {
    disk.grow(2);
    const { dataVolume } = await stepsOf(machine, { volume: 2 });
    succeeded(await machine.step(dataVolume));
    const size = Number(await machine.on("stat -fc %b /var/lib/postgresql")) * 4096;
    assert.ok(size > 1.8 * 2 ** 30, `${size}`);
    assert.equal(await machine.on("systemctl is-active postgresql@17-main redis-server"), "active\nactive");
    assert.equal(await machine.on("runuser -u postgres -- psql -qAtc 'SELECT answer FROM kept'"), "42");
  });

  test("a directory that comes to the volume later brings what it holds, and its owner", async () => {
    await machine.on("install -d -o shop -g shop -m 0750 /srv/shop/reports; echo one >/srv/shop/reports/one");
    const { dataVolume } = await stepsOf(machine, {
      volume: 2,
      directories: ["/var/lib/postgresql", "/var/lib/redis", "/srv/shop/media", "/srv/shop/reports"],
    });
    succeeded(await machine.step(dataVolume));
    assert.equal(
      await machine.on("stat -c '%U:%G %a' /srv/shop/reports; cat /srv/shop/reports/one"),
      "shop:shop 750\none",
    );
    assert.equal(await machine.on("findmnt -nro FSTYPE --mountpoint /srv/shop/reports"), "ext4");
    assert.equal(await machine.on("systemctl is-active postgresql@17-main redis-server"), "active\nactive");
  });

  test("no unit of the data volume waits for one that waits for it", async () => {
    assert.equal(await machine.on(cyclesAtBoot), "");
  });

  test("after a boot the data is there before its services; without the disk none of them starts", async () => {
    await machine.on(
      "systemctl disable --now berth-data.service 2>&1; systemctl enable berth-data.service 2>&1",
    );
    assert.equal(
      (await machine.ssh("systemctl is-active postgresql@17-main redis-server")).stdout,
      "inactive\ninactive\n",
    );
    await reboot(machine);
    // A machine of this computer forgets its disks at a boot.
    const waiting = await machine.on(
      "systemctl is-active berth-data postgresql@17-main redis-server || true",
    );
    assert.doesNotMatch(waiting, /^active/m);
    machine.attach(disk);
    const services = "systemctl is-active berth-data postgresql@17-main redis-server";
    await until(
      "the services to run",
      async () => (await machine.ssh(services)).stdout === "active\nactive\nactive\n",
    );
    assert.equal(await machine.on("runuser -u postgres -- psql -qAtc 'SELECT answer FROM kept'"), "42");
    await reboot(machine);
    // The minute and a half of waiting, cut short.
    await machine.on(
      "sed -i 's/left=90/left=2/' /usr/local/sbin/berth-data; systemctl restart berth-data || true",
    );
    const states = await machine.ssh("systemctl is-active berth-data postgresql@17-main redis-server");
    assert.equal(states.stdout, "failed\ninactive\ninactive\n");
    assert.match(
      await machine.on("journalctl --sync; journalctl -b -u berth-data -o cat"),
      /is not attached to this machine; nothing that needs it starts/,
    );
    assert.match(await machine.on("journalctl -b -o cat"), /Dependency failed for .*[Pp]ostgre/);
    assert.equal(await machine.on("ls -A /var/lib/redis"), "");
  });

  test("another machine with the disk has the data, and every file its owner, though a number was taken there", async () => {
    const taken = await machine.on("id -u postgres");
    machine.remove();
    machine = await withMachine(scope);
    await machine.on(`groupadd --gid ${taken} other; useradd --uid ${taken} --gid ${taken} other`);
    machine.attach(disk);
    const { connect, dataVolume, postgres } = await stepsOf(machine, { volume: 2 });
    succeeded(await machine.step(connect));
    succeeded(await machine.step(dataVolume));
    await installServices(machine);
    succeeded(await machine.step(postgres));
    assert.equal(
      await machine.on(ownersOnDisk),
      "postgres:postgres 700 /var/lib/postgresql/17/main\nredis:redis 750 /var/lib/redis\nshop:www-data 644 /srv/shop/media/photo",
    );
    assert.equal(await machine.on("find /var/lib/postgresql /var/lib/redis /srv/shop/media -user other"), "");
    assert.equal(await machine.on("runuser -u postgres -- psql -qAtc 'SELECT answer FROM kept'"), "42");
    succeeded(await machine.step(postgres));
    assert.equal(
      await machine.on(
        "systemctl stop redis-server; echo 'appendonly yes' >>/etc/redis/redis.conf; systemctl start redis-server; redis-cli get answer",
      ),
      "42",
    );
  });

  test("a cluster whose making was cut off is made anew, and one with a database in it never", async () => {
    const { postgres } = await stepsOf(machine);
    const making = "/var/lib/postgresql/.berth-making-17";
    await machine.on(`runuser -u postgres -- createdb precious; touch ${making}`);
    const refused = await machine.step(postgres);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /is marked as unfinished, and it holds a database/);
    await machine.on(`rm ${making}; systemctl stop postgresql@17-main; rm -r /etc/postgresql/17`);
    succeeded(await machine.step(postgres));
    await machine.on("runuser -u postgres -- psql -d precious -qAtc 'SELECT 1'");
    await machine.on(
      "systemctl stop postgresql@17-main; rm -r /etc/postgresql/17; mv /var/lib/postgresql/17/main /root/precious",
    );
    await machine.on("runuser -u postgres -- mkdir -p /var/lib/postgresql/17/main/base/1");
    const foreign = await machine.step(postgres);
    assert.match(foreign.stderr, /holds files, but no whole database; Berth did not make them/);
    await machine.on(`touch ${making}`);
    succeeded(await machine.step(postgres));
    assert.equal((await machine.ssh(`test -e ${making}`)).code, 1);
    assert.equal(await machine.on("runuser -u postgres -- psql -qAtc 'SELECT 1'"), "1");
  });
});

/** As the step of the packages does. */
async function installServices(machine: Machine): Promise<void> {
  await machine.on(
    "mkdir -p /etc/postgresql-common/createcluster.d; echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/berth.conf",
  );
  await machine.on(
    "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends postgresql-17 redis-server >/dev/null 2>&1",
  );
}

async function reboot(machine: Machine): Promise<void> {
  const boot = "cat /proc/sys/kernel/random/boot_id; systemctl show -p UserspaceTimestampMonotonic";
  const before = await machine.on(boot);
  await machine.ssh("systemctl reboot");
  await until(`${machine.name} to be back`, async () => {
    const now = await machine.ssh(boot);
    return now.code === 0 && now.stdout.trim() !== before;
  });
}
