// Messages about what needs attention: what the stack's file may say of them, and what steps they are. What is told, and
// when, is tested in test/program/test_notices.py.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { checkSite } from "../../components/site/check.ts";
import { findingCodes } from "../../components/status/codes.ts";
import type { Made } from "./aws-mocks.ts";
import { assertNoSecret, programResources, secretValue } from "./program-steps.ts";
import { stepsOf } from "./step-snapshots.ts";

const root = join(import.meta.dirname, "../..");
const targets = { ops: `slack://first-of-the-tokens/${secretValue}/third/#ops` };
const faults = (notify: object) => {
  const checked = checkSite({
    host: { kind: "local" },
    app: { source: { directory: "shop" }, wsgi: "shop.wsgi" },
    notify: notify as { targets: Record<string, string> },
  });
  assert.ok("faults" in checked, "this was taken");
  return checked.faults.join("\n");
};

let made: readonly Made[] = [];
before(async () => {
  made = await programResources({
    notify: { targets, ignore: ["reboot"] },
    hosts: { tasks: { kind: "local" } },
  });
});

test("the command that a key's description shows can be typed", () => {
  const page = readFileSync(join(root, "docs/configuration.md"), "utf8");
  assert.match(page, /--path 'berth:notify\.targets\.NAME' -s STACK/);
  assert.doesNotMatch(page, /berth:berth:/);
});

test("what is wrong is said by its key, and no address is shown", () => {
  assert.match(faults({ targets: {} }), /^notify\.targets: expected at least one target/m);
  assert.match(
    faults({ targets: { Ops: "json://x" } }),
    /notify\.targets.*expected a name of lower-case letters/,
  );
  const wrong = faults({ targets: { ops: "https-hooks.slack.com/secret-part" } });
  assert.match(wrong, /^notify\.targets\.ops: expected a URL of Apprise/m);
  assert.doesNotMatch(wrong, /secret-part/);
  assert.match(faults({ targets, ignore: ["rebot"] }), /^notify\.ignore\[0\]: /m);
});

test("logins are told of those who may do all, without the account that deploys, and only by choice", async () => {
  const planOf = (all: readonly Made[], name: string) =>
    /"logins":(\[.*?\])/.exec(
      JSON.stringify(stepsOf(all)[name]?.files["/etc/berth/notices/plan.json"]).replaceAll(/\\n|\\| /g, ""),
    )?.[1];
  assert.equal(planOf(made, "notices-setup"), "[]");
  const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICkL8qJ3bwCdDuiTJuNpJ6M62y9An63V8KnxE0ga1jfg";
  const mine = { kind: "existing", hostKey: key, privateKeyFile: join(root, "package.json") };
  const told = await programResources({
    notify: { targets, logins: true },
    admins: [{ name: "ada", keys: [key] }],
    host: { ...mine, address: "192.0.2.7", user: "root" },
    hosts: { tasks: { ...mine, address: "192.0.2.8", user: "deploy" } },
  });
  assert.equal(planOf(told, "notices-setup"), '["ada"]');
  assert.equal(planOf(told, "tasks-notices-setup"), '["ada","root"]');
});

test("every host of the stack watches itself, and no address is in a step's text", () => {
  const steps = stepsOf(made);
  assert.ok(steps["notices-setup"] && steps["tasks-notices-setup"], Object.keys(steps).join());
  const planOf = (name: string) =>
    JSON.stringify(steps[name]?.files["/etc/berth/notices/plan.json"]).replaceAll(/\\n|\\| /g, "");
  assert.match(planOf("notices-setup"), /"ignore":\["reboot"\]/);
  assert.match(planOf("tasks-notices-setup"), /"first":false,.*"host":"--hosttasks"/);
  for (const host of ["system-packages", "tasks-system-packages"])
    assert.match(`${steps[host]?.slots.packages}`, /apprise/);
  assertNoSecret(made);
  assert.ok(!JSON.stringify(steps).includes("first-of-the-tokens"));
});

test("without the key nothing of it is there", async () => {
  assert.doesNotMatch(JSON.stringify(stepsOf(await programResources())), /notices|apprise/);
});

test("the codes that can be left out are those that a host finds, and docs/status.md has each", () => {
  const folder = join(root, "components/status/program/host_status");
  // Whose a machine is, is known by who asks.
  const judges = readdirSync(folder).filter((file) => /^judge.*\.py$/.test(file));
  const sources = [...judges, "../notices/queues.py"]
    .map((file) => readFileSync(join(folder, file), "utf8"))
    .join("\n");
  const page = readFileSync(join(root, "docs/status.md"), "utf8");
  for (const code of findingCodes) {
    assert.match(sources, new RegExp(`"${code}"`), code);
    assert.match(page, new RegExp(`^[|] (\`[a-z-]+\`, )*\`${code}\``, "m"), code);
  }
  // Where the kind or the code is chosen, its own words stand there all the same.
  const found = [
    ...sources.matchAll(/Finding\(\s*(?:"(?:fault|warning)"|[^,()]+),\s*"([a-z-]+)"/g),
    ...sources.matchAll(/"([a-z-]+)" if [^:\n]+ else "([a-z-]+)"/g),
    ...sources.matchAll(/return \(?"(unit[a-z-]*)"/g),
  ]
    .flatMap(([, ...codes]) => codes.filter((code) => code !== undefined))
    .filter((code) => !["fault", "warning", "nginx", "web", "claim", "wait", "waits"].includes(code));
  assert.ok(found.length > 20);
  assert.deepEqual(
    found.filter((code) => !(findingCodes as readonly string[]).includes(code)),
    [],
  );
});
