// What the real engine says in a preview, read: a changed step on a real SSH server, a replaced volume, a secret, a broken
// rule. The aws provider here accepts everything.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { stepText } from "../../components/host/step.ts";
import { writeFile } from "../../engine/files.ts";
import { launcherText, pluginPath } from "../../engine/launchers.ts";
import { readPreview } from "../../scripts/lib/preview/events.ts";
import { comment, limits } from "../../scripts/lib/preview/markdown.ts";
import { reportOn } from "../../scripts/lib/preview/report.ts";
import { root, withEngine } from "./harness.ts";
import { startSshd } from "./sshd.ts";

const canary = "Canary-h5Jq8Wz2LxVb6TnY";

const text = JSON.stringify;

test("a preview's comment says what changes on the host and in the cloud, and shows no secret", async (t) => {
  // Of the steps here only the text is looked at: what runs is 'true'.
  const sshd = await startSshd(["AcceptEnv BERTH_STEP"]);
  t.after(() => sshd.stop());
  const engine = await withEngine(t);
  const provider = join(root, "test/engine/accepting-aws.ts");
  writeFile(pluginPath(engine.home, "aws", "7.48.0"), launcherText(process.execPath, provider), 0o755);
  const cwd = engine.project({
    "site.sh": "on_change reload nginx.service /etc/nginx/\n",
    "Pulumi.shop.yaml": `config:
  aws:region: eu-central-1
  aws:accessKey: test
  aws:secretKey: test
  aws:skipCredentialsValidation: "true"
  aws:skipRequestingAccountId: "true"
  aws:skipMetadataApiCheck: "true"
`,
  });
  const step = (body: string) =>
    stepText({
      name: "nginx-site",
      scripts: [join(cwd, "site.sh")],
      slots: {},
      files: {
        "/etc/nginx/sites-available/shop.conf": { content: `server {\n  client_max_body_size ${body};\n}\n` },
      },
      secretFiles: {},
      secrets: ["password"],
    });
  const connection = text({
    host: sshd.host,
    port: sshd.port,
    user: sshd.user,
    hostKey: sshd.hostKey,
    dialErrorLimit: 1,
  });
  const write = (body: string, secret: string, zone: string, more = "") =>
    writeFile(
      join(cwd, "index.ts"),
      `import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { Volume } from "@pulumi/aws/ebs/volume.js";
import { Instance } from "@pulumi/aws/ec2/instance.js";
new remote.Command("nginx-site", {
  connection: { ...${connection}, privateKey: pulumi.secret(${text(sshd.keys.ed25519)}) },
  create: "true", update: "true", environment: { BERTH_STEP: ${text(step(body))} }, stdin: pulumi.secret(${text(secret)}), logging: "none",
}, { additionalSecretOutputs: ["connection", "stdin"] });
new Volume("data", { availabilityZone: ${text(zone)}, size: 8, encrypted: true, tags: { project: "p", stack: "s", component: "c", key: pulumi.secret(${text(secret)}) } });
${more}`,
    );
  const preview = async (...options: string[]) => {
    const result = await engine.pulumi(["preview", "--json", ...options], {
      cwd,
      env: { PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true" },
    });
    return reportOn("shop", readPreview(result.stdout, result.stderr, result.code));
  };
  const asComment = async (...options: string[]) =>
    comment(await preview(...options), { limit: limits.github });

  write("25m", `${canary}-1`, "eu-central-1a");
  await engine.succeed(["stack", "init", "shop"], { cwd });
  await engine.succeed(["up", "--yes", "--skip-preview"], { cwd });

  write("10m", `${canary}-2`, "eu-central-1b");
  const changed = await asComment();
  assert.match(
    changed,
    /\*\*DATA would go: `data`; `nginx` reloads, 1 line; other resources: 1 replaced\*\*/,
  );
  assert.match(
    changed,
    /- DATA: `data` \(`aws:ebs\/volume:Volume`\) is replaced, because of `availabilityZone`/,
  );
  assert.match(changed, /<code>nginx-site<\/code> changed, \+1 −1, with other secret input/);
  assert.match(
    changed,
    /```diff\n@@ .* @@\n server {\n- {2}client_max_body_size 25m;\n\+ {2}client_max_body_size 10m;\n }\n```/,
  );
  assert.match(changed, /`availabilityZone`: `eu-central-1a` → `eu-central-1b`, `tags`/);
  for (const secret of [canary, ...sshd.keys.ed25519.split("\n").slice(1, 4)])
    assert.ok(!changed.includes(secret), changed);

  write(
    "25m",
    `${canary}-1`,
    "eu-central-1a",
    `new Instance("bare", { ami: "ami-1", instanceType: "t4g.small" });`,
  );
  const broken = await asComment("--policy-pack", join(root, "policy"));
  assert.match(broken, /\*\*\d findings of the policy pack, so nothing can be deployed/);
  assert.match(broken, /<code>imds-v2<\/code><\/summary>\n\n```text\n [^\n]*\n bare \(aws:ec2/);
});
