// Docker: what its host is told, and who may use it.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { dockerGroup } from "../../policy/rules/docker.ts";
import type { Made } from "./aws-mocks.ts";
import { assertNoSecret, programResources } from "./program-steps.ts";
import { type Steps, stepsOf } from "./step-snapshots.ts";

const digest = `@sha256:${"3".repeat(64)}`;
let made: readonly Made[] = [];
let steps: Steps = {};
before(async () => {
  const docker = {
    enabled: true,
    images: { runner: `registry.example.org:5000/jobs/runner:2${digest}` },
    registries: { "registry.example.org:5000": { username: "jobs", password: `\${secrets.API_TOKEN}` } },
    logs: 60,
    network: "10.20.0.0/16",
  };
  const processes = {
    jobs: { command: "python jobs.py", account: "jobs", groups: ["docker"] },
    other: { command: "python other.py" },
  };
  made = await programResources({ docker }, { processes });
  steps = stepsOf(made);
});

const file = (step: string, path: string): string => {
  const found = steps[step]?.files[path] ?? "";
  return typeof found === "string" ? found : `${Object.values(found)[0]}`;
};

test("its steps come before the application's, and no text of them holds a secret", () => {
  assertNoSecret(made);
  assert.deepEqual(steps["docker-images"]?.after, ["docker-server"]);
  assert.match(
    file("docker-images", "/etc/berth/docker/images"),
    /^runner registry\.example\.org:5000\/jobs/,
  );
  const [, env = ""] = `${made.find(({ name }) => name === "app-settings")?.inputs.stdin}`.split(" ");
  const setting = new RegExp(
    `^DOCKER_IMAGE_RUNNER='registry\\.example\\.org:5000/jobs/runner:2${digest}'$`,
    "m",
  );
  assert.match(Buffer.from(env, "base64").toString(), setting);
});

test("its settings bound what is kept, keep to its network, and publish nothing to others", () => {
  const settings = JSON.parse(file("docker-server", "/etc/docker/daemon.json"));
  assert.equal(settings.bip, "10.20.0.1/24");
  assert.deepEqual(settings["log-opts"], { "max-file": "3", "max-size": "20m" });
  assert.equal(settings.ip, "127.0.0.1");
  assert.equal(settings.hosts, undefined);
});

test("only the process that says so is in the group, and the policy pack says what that means", () => {
  const unit = (name: string) => file("app-processes", `/etc/systemd/system/shop-${name}@.service`);
  assert.match(unit("jobs"), /^SupplementaryGroups=docker$/m);
  assert.doesNotMatch(unit("other"), /SupplementaryGroups/);
  const broken = made.filter(({ inputs }) => {
    const resource = { urn: "", type: "", name: "", props: inputs, protect: false, provider: {} };
    return (dockerGroup.check?.(resource as never, undefined as never) ?? []).length > 0;
  });
  assert.deepEqual(
    broken.map(({ name }) => name),
    ["app-processes"],
  );
});
