// What tools that weigh a host's security say of one of Berth's. docs/security.md names them, with the commands.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { pythonWith } from "../../scripts/lib/python.ts";
import { root } from "../engine/harness.ts";
import { execute, withStack } from "./harness.ts";

const stack = await withStack({ after }, { deployed: true, crew: true });
await stack.succeed();
const requirements = join(root, "test/fixtures/hardening/requirements.txt");
const python = join(await pythonWith(requirements, "hardening"), "python");

test("ssh-audit fails nothing, and warns of nothing but the key exchange that Berth itself needs", async () => {
  const said = await execute(python, [
    "-m",
    "ssh_audit",
    "--json",
    "--skip-rate-test",
    await stack.address(),
  ]);
  const found = JSON.parse(said.stdout) as Record<string, { algorithm: string; notes: Notes }[]>;
  const kinds = ["kex", "key", "enc", "mac"];
  const weighed = kinds.flatMap((kind) => found[kind] ?? []);
  assert.ok(weighed.length >= 12, said.stdout);
  const told = weighed.flatMap(({ algorithm, notes: { fail = [], warn = [] } }) =>
    [...fail, ...warn].map((note) => `${algorithm}: ${note}`),
  );
  // docs/security.md says why.
  const kept = /^curve25519-sha256(@libssh\.org)?: does not provide protection against post-quantum attacks$/;
  assert.deepEqual(
    told.filter((note) => !kept.test(note)),
    [],
  );
  assert.ok(
    weighed.some(({ algorithm }) => algorithm.startsWith("mlkem768") || algorithm.startsWith("sntrup761")),
  );
});

interface Notes {
  readonly fail?: readonly string[];
  readonly warn?: readonly string[];
}

test("systemd gives no unit of a site an exposure above 2.5", async () => {
  const live = (await stack.on("readlink /srv/logbook/config/web/current")).trim();
  const units = [
    "nginx",
    "postgresql@17-main",
    "redis-server",
    "redis-server@cache",
    `logbook-web@${live}`,
    `logbook-worker@${live}`,
    `logbook-beat@${live}`,
  ];
  for (const unit of units) {
    const said = await stack.on(
      `systemctl is-active ${unit} && systemd-analyze security --no-pager ${unit}.service | tail -n 1`,
    );
    const [, exposure] = /exposure level for .*: ([0-9.]+) /.exec(said) ?? [];
    assert.ok(Number(exposure) <= 2.5, `${unit}: ${said}`);
  }
});

test("gixy finds nothing of a high or medium weight in nginx's configuration", async () => {
  const file = join(stack.project, "nginx.conf");
  writeFileSync(file, await stack.on("nginx -T 2>/dev/null"));
  // docs/security.md says why.
  const skipped = "hsts_header,worker_rlimit_nofile_vs_connections,try_files_is_evil_too";
  const said = await execute(python, ["-m", "gixy", "--format", "json", "-ll", "--skips", skipped, file]);
  assert.deepEqual(JSON.parse(said.stdout), [], said.stdout + said.stderr);
});

test("Django's own check of a deployment warns of nothing", async () => {
  assert.match(await stack.on("logbook-manage check --deploy --fail-level WARNING 2>&1"), /no issues/);
});

test("Lynis gives the host an index of 85 or more, without what Berth has in another form", async () => {
  const profile = readFileSync(join(root, "test/fixtures/hardening/lynis.prf"), "utf8");
  await stack.on("apt-get -o DPkg::Lock::Timeout=120 install -q -y --no-install-recommends lynis", {
    timeout: 300_000,
  });
  await stack.on("cat >/etc/lynis/custom.prf", { stdin: profile });
  const report = await stack.on(
    "lynis audit system --quick --no-colors >/dev/null 2>&1; cat /var/log/lynis-report.dat",
    { timeout: 300_000 },
  );
  const [, index] = /^hardening_index=(\d+)$/m.exec(report) ?? [];
  assert.ok(Number(index) >= 85, report);
  // What this computer's kernel does not let a machine of the tests set, a host sets at every boot.
  const set = await stack.on("cat /etc/sysctl.d/60-berth.conf");
  const shared = [...profile.matchAll(/^skip-test=KRNL-6000:((?:dev|fs|kernel)\.(?!ctrl).+)$/gm)];
  assert.ok(shared.length >= 7, profile);
  for (const [, key = ""] of shared) assert.ok(set.includes(`\n${key} = `), `${key}: ${set}`);
});
