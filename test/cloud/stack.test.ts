// Berth's whole program on a simulated AWS: the main job, a replaced machine, a rotated key, the end.
import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import ssh2 from "ssh2";
import { photoOn, visitLog } from "../e2e/visitor.ts";
import { until } from "../until.ts";
import type { Thing } from "./aws/cloud.ts";
import { assertAllowed } from "./deploying-role.ts";
import { documentedSettings } from "./documented.ts";
import { type Cloud, type CloudStack, withCloudStack } from "./harness.ts";
import { openTunnel } from "./tunnel.ts";

/** The example's way to a server of ours, which has no names for buckets. */
const toMoto = (cloud: Cloud) => ({
  env: { AWS_ENDPOINT_URL: cloud.endpointForHosts, AWS_S3_ADDRESSING_STYLE: "path" },
});

const basic = (user: string, password: unknown) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`,
});

/** Signs the log with a photo; the answer is where the photo is to be had. */
async function leavePhoto(stack: CloudStack, name: string, headers = {}): Promise<string> {
  const visitor = await visitLog(stack, headers);
  const signed = await visitor.sign(name, "By way of the cloud");
  assert.equal(signed.status, 302, signed.text);
  return photoOn((await visitor.page()).text);
}

async function keysIn(cloud: Cloud, bucket: string): Promise<string[]> {
  const s3 = new S3Client(cloud.client());
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  return Contents.map(({ Key }) => `${Key}`).sort();
}

const isJpeg = async (url: string) => {
  const answer = await fetch(url);
  assert.equal(answer.status, 200, await answer.clone().text());
  assert.deepEqual([...new Uint8Array(await answer.arrayBuffer()).subarray(0, 3)], [0xff, 0xd8, 0xff]);
};

/** The newest value of what an alarm looks at; none is a failure. */
async function lastValue(cloud: Cloud, alarm: Thing): Promise<number> {
  const dimensions = Object.entries(alarm.dimensions as Record<string, string>).flatMap(
    ([name, value], index) => [
      [`Dimensions.member.${index + 1}.Name`, name],
      [`Dimensions.member.${index + 1}.Value`, value],
    ],
  );
  const body = new URLSearchParams({
    Action: "GetMetricStatistics",
    Version: "2010-08-01",
    Namespace: `${alarm.namespace}`,
    MetricName: `${alarm.metricName}`,
    Period: "60",
    StartTime: new Date(Date.now() - 600_000).toISOString(),
    EndTime: new Date(Date.now() + 60_000).toISOString(),
    "Statistics.member.1": `${alarm.statistic}`,
    ...Object.fromEntries(dimensions),
  });
  const scope = `x/20260101/${cloud.region}/monitoring/aws4_request`;
  // moto reads of an unsigned request whose it is; with IAM enforced it would ask for the signature.
  await cloud.moto.enforceIam(false);
  const answer = await fetch(cloud.moto.endpoint, {
    method: "POST",
    headers: { Authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0` },
    body,
  });
  await cloud.moto.enforceIam(true);
  const text = await answer.text();
  const [, value] = new RegExp(`<${alarm.statistic}>([^<]+)`).exec(text) ?? [];
  assert.ok(value, `${alarm.id}: ${text}`);
  return Number(value);
}

/** Asks sshd on the host which key it shows. */
const showKey = "ssh-keyscan -qt ed25519 127.0.0.1 2>/dev/null | sed -n '/^[^#]/ { s/^[^ ]* //p }'";

/** The public half of the private host key that user-data holds. */
function keyInUserData(text: string): string {
  const pem = /-----BEGIN OPENSSH PRIVATE KEY-----[\s\S]*?-----END OPENSSH PRIVATE KEY-----/.exec(
    text.replaceAll("\\n", "\n"),
  )?.[0];
  assert.ok(pem, "user-data holds the host key of the first contact");
  const key = ssh2.utils.parseKey(`${pem}\n`);
  assert.ok(!(key instanceof Error), `${key}`);
  const [parsed] = [key].flat();
  return `ssh-ed25519 ${parsed?.getPublicSSH().toString("base64")}`;
}

test("a stack on EC2 goes from nothing to production, keeps all it has through a new machine, and ends as nothing", async (t) => {
  await withCloudStack(
    {
      config: {
        // At the address, as long as there is no name.
        site: { domain: undefined, basicAuth: { user: "crew" } },
        media: { public: undefined, store: "s3" },
        secrets: { mirror: "parameter-store" },
      },
    },
    async (stack, cloud) => {
      const { env } = toMoto(cloud);
      stack.configure({ app: { env: { ...env, DJANGO_AWS_STORAGE_BUCKET_NAME: "${media.bucket}" } } });

      await t.test("one up makes the cloud, the host and the application, and the site is well", async () => {
        // The rules that need the whole stack are judged at its end.
        await stack.succeed("--policy-pack", "policy");
        assert.equal((await stack.fetch("/health")).status, 200);
      });
      if (cloud.things("instances").length === 0) return;
      const outputs = await stack.outputs();
      const bucket = `${outputs.media}`.replace("s3://", "");
      const crew = basic("crew", outputs.basicAuthPassword);

      await t.test("the outputs tell of the cloud, and the secret one among them is marked so", async () => {
        assert.equal(outputs.hostAddress, cloud.address());
        assert.equal(outputs.url, `https://${cloud.address()}/`);
        assert.match(`${outputs.media}`, /^s3:\/\/berth-t-[0-9a-f]{6}-media-[0-9a-f]{8}$/);
        const given =
          "tr '\\0' '\\n' <\"/proc/$(pgrep -of gunicorn)/environ\" | sed -n 's/^DJANGO_AWS_STORAGE_BUCKET_NAME=//p'";
        assert.equal(await stack.on(given), bucket);
        assert.equal(outputs.instanceId, cloud.things("instances")[0]?.id);
        assert.ok(!outputs.imageOffer, "the newest image is in use");
        assert.deepEqual(outputs.dns, [], "a site without a name needs no record");
        const { mirroredSecrets } = outputs as { mirroredSecrets: Record<string, string> };
        assert.deepEqual(Object.keys(mirroredSecrets).sort(), [
          "BASIC_AUTH_PASSWORD",
          "DATABASE_URL",
          "REDIS_URL",
          "SECRET_KEY",
        ]);
        const shown = await stack.pulumi(["stack", "output", "--json"]);
        assert.equal(JSON.parse(shown.stdout).basicAuthPassword, "[secret]");
      });

      await t.test("a second up finds nothing to change", async () => {
        const again = await stack.up("--expect-no-changes");
        assert.equal(again.code, 0, again.stdout + again.stderr);
      });

      await t.test("visitors are asked for the password", async () => {
        assert.equal((await stack.fetch("/")).status, 401);
        assert.equal((await stack.fetch("/", { headers: basic("crew", "guess") })).status, 401);
        assert.equal((await stack.fetch("/", { headers: crew })).status, 200);
      });

      let first = "";
      await t.test("an upload lands in the bucket by the instance's role, without a key", async () => {
        first = await leavePhoto(stack, "Ada", crew);
        await isJpeg(first);
        assert.equal((await keysIn(cloud, bucket)).length, 1);
        const settings = await stack.on("cat /srv/logbook/config/env");
        assert.doesNotMatch(settings, /AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY)/);
      });

      await t.test(
        "the service reads its credentials by a file and nothing from the metadata service",
        async () => {
          const ask =
            "curl -sS -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' -w '%{http_code}' -o /dev/null http://169.254.169.254/latest/api/token";
          assert.equal(await stack.on(ask), "200", "root");
          for (const account of ["logbook", "www-data", "postgres", "nobody"]) {
            const refused = await stack.ssh(`runuser -u ${account} -- ${ask}`);
            assert.notEqual(refused.code, 0, account);
            assert.doesNotMatch(refused.stdout, /200/, account);
          }
          assert.notEqual(
            (await stack.ssh("runuser -u www-data -- cat /run/berth-credentials/logbook.json")).code,
            0,
          );
        },
      );

      await t.test("what user-data shows is not the key that the host has", async () => {
        const shown = `${cloud.things("instances")[0]?.userData}`;
        const text = /^[A-Za-z0-9+/=\s]+$/.test(shown) ? Buffer.from(shown, "base64").toString() : shown;
        assert.notEqual(keyInUserData(text), outputs.hostKey);
        const scan = await stack.on(showKey);
        assert.equal(scan, outputs.hostKey);
        const secrets = (await stack.resources())
          .filter(({ type }) => /RandomPassword|PrivateKey/.test(type))
          .filter(({ urn }) => !urn.endsWith("web-bootstrap-key"))
          .flatMap(({ outputs: made }) => [made.result, made.privateKeyOpenssh])
          .filter((value): value is string => typeof value === "string");
        assert.ok(secrets.length >= 5);
        for (const secret of secrets) assert.ok(!text.includes(secret.trim().split("\n").at(2) ?? secret));
      });

      await t.test("a newer image is offered, and nothing is replaced for it", async () => {
        const [used] = cloud.things("images").filter(({ id }) => id === cloud.things("instances")[0]?.ami);
        assert.ok(used);
        const newer = { ...used, id: "ami-000000000000000f1", creationDate: "2026-09-01T00:00:00.000Z" };
        cloud.put("images", { ...newer, name: `${used.name}`.replace("20260101", "20260901") });
        const run = await stack.succeed();
        assert.deepEqual(run.changes, {});
        assert.equal((await stack.outputs()).imageOffer, newer.id);
      });

      await t.test(
        "another image replaces the instance, as the preview says; address, host key, rows and uploads stay",
        async () => {
          const before = cloud.things("instances")[0]?.id;
          stack.configure({ host: { image: "ami-000000000000000f1" } });
          const preview = await stack.preview();
          assert.equal(preview.code, 0, preview.stdout);
          assert.match(`${preview.changes["web-instance"]}`, /replace/);
          for (const kept of ["web-address", "web-data-disk", "web-host-key", "media-bucket-bucket"]) {
            assert.equal(preview.changes[kept], undefined, kept);
          }
          await stack.succeed();
          const after = await stack.outputs();
          assert.notEqual(after.instanceId, before);
          assert.equal(cloud.things("instances").length, 1);
          assert.deepEqual([after.hostAddress, after.hostKey], [outputs.hostAddress, outputs.hostKey]);
          assert.equal(await stack.on(showKey), after.hostKey);
          const rows = "SELECT name FROM entries_entry";
          assert.equal(await stack.on(`runuser -u postgres -- psql -XAtq logbook -c "${rows}"`), "Ada");
          await isJpeg(first);
          await leavePhoto(stack, "Ben", crew);
          assert.equal((await keysIn(cloud, bucket)).length, 2);
          assert.equal((await stack.up("--expect-no-changes")).code, 0);
        },
      );

      await t.test("a larger data volume grows with its file system, and nothing is replaced", async () => {
        stack.configure({ host: { dataVolume: 24 } });
        const { changes } = await stack.succeed();
        assert.equal(changes["web-data-disk"], "update");
        assert.ok(
          !Object.values(changes).some((operation) => operation.includes("replace")),
          JSON.stringify(changes),
        );
        const size = Number(await stack.on("df --output=size -k /var/lib/postgresql | tail -n 1"));
        assert.ok(size > 22 * 1024 * 1024, `${size} KiB`);
      });

      await t.test(
        "every secret is made anew on request, here and in the mirror; the old ones are refused",
        async () => {
          const before = await stack.outputs();
          stack.configure({
            // What was live before has had its time soon.
            site: { timeout: 5 },
            rotate: { database: 2, redis: 2, signingKey: 2, basicAuth: 2 },
          });
          await stack.succeed();
          const after = await stack.outputs();
          const renewed = basic("crew", after.basicAuthPassword);
          assert.equal((await stack.fetch("/", { headers: crew })).status, 401);
          await isJpeg(await leavePhoto(stack, "Cy", renewed));
          const asks = {
            databaseUrl: (url: unknown) => `psql -XAtq -d '${url}' -c 'SELECT 1'`,
            redisUrl: (url: unknown) => `REDISCLI_AUTH='${new URL(`${url}`).password}' redis-cli -e ping`,
          };
          for (const [name, ask] of Object.entries(asks)) {
            const now = await stack.ssh(ask(after[name]));
            assert.equal(now.code, 0, name + now.stderr);
            await until(
              `the old ${name} to end`,
              async () => (await stack.ssh(ask(before[name]))).code !== 0,
            );
          }
          const ssm = new SSMClient(cloud.client());
          for (const [name, value] of Object.entries({
            DATABASE_URL: after.databaseUrl,
            REDIS_URL: after.redisUrl,
          })) {
            const mirrored = { Name: `/berth/${stack.name}/${name}`, WithDecryption: true };
            assert.equal((await ssm.send(new GetParameterCommand(mirrored))).Parameter?.Value, value, name);
          }
        },
      );

      await t.test("a host tells how full its disks and its memory are, where the alarms look", async () => {
        // Nothing here leads AWS's own name to a CloudWatch of ours.
        const settings = "/etc/systemd/system/berth-metrics.service.d";
        const endpoint = `Environment=AWS_ENDPOINT_URL_CLOUDWATCH=${cloud.endpointForHosts}`;
        await stack.on(`mkdir -p ${settings}; printf '[Service]\\n${endpoint}\\n' >${settings}/test.conf`);
        stack.configure({ host: { alarms: { agent: true } } });
        await stack.succeed("--policy-pack", "policy");
        assert.equal(await stack.on("systemctl is-active berth-metrics.timer"), "active");
        const alarms = cloud.things("alarms").filter(({ namespace }) => `${namespace}`.startsWith("Berth/"));
        const told: number[] = [];
        for (const alarm of alarms) told.push(await lastValue(cloud, alarm));
        assert.deepEqual(
          alarms.map(({ id }) => `${id}`.replace(/.*web-alarms-/, "")),
          ["data-disk", "memory", "root-disk"],
        );
        for (const value of told) assert.ok(value > 0 && value < 100, `${told}`);
        const df = Number(await stack.on("df --output=pcent /var/lib/berth/data | tail -n 1 | tr -d ' %'"));
        assert.ok(
          Math.abs((told[0] as number) - df) < 2,
          `the data disk is ${told[0]} % full; df says ${df} %`,
        );

        stack.configure({ host: { alarms: undefined } });
        await stack.succeed();
        assert.deepEqual(cloud.things("alarms"), []);
        assert.equal(await stack.on(`rm -r ${settings}; systemctl list-units --all -q 'berth-metrics*'`), "");
        assert.equal((await stack.up("--expect-no-changes")).code, 0);
      });

      await t.test(
        "destroy leaves the data volume and the bucket, and nothing else; the deploying role allows all that was asked of AWS",
        async () => {
          const gone = await stack.destroy();
          assert.equal(gone.code, 0, gone.stdout + gone.stderr);
          assert.deepEqual(cloud.things("instances"), []);
          assert.equal(cloud.things("volumes").length, 1);
          assert.deepEqual(cloud.things("addresses"), []);
          assertAllowed(cloud.calls());
        },
      );
    },
  );
});

test("with port 22 closed a stack is made through a tunnel; its bucket has a public folder; a key is rotated while visitors upload, and no upload fails", async (t) => {
  await withCloudStack(
    {
      config: {
        site: { domain: undefined },
        media: {
          public: undefined,
          store: "s3",
          access: "user",
          publicFiles: { folder: "assets", by: "s3" },
        },
      },
    },
    async (stack, cloud) => {
      const reach = { address: "127.0.0.1", port: await openTunnel(t, cloud) };
      stack.configure({ app: toMoto(cloud), host: { sshFrom: [], connectEndpoint: true, reach } });
      appendFileSync(join(stack.project, "app/logbook/settings.py"), documentedSettings());

      await t.test("the policy pack stops a public folder, unless it is waived for a time", async () => {
        const stopped = await stack.preview("--policy-pack", "policy");
        assert.notEqual(stopped.code, 0);
        assert.match(
          stopped.stdout,
          /media-bucket-private leaves blockPublicPolicy, restrictPublicBuckets off/,
        );
        const until = new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10);
        const waiver = { rule: "bucket-private", resource: "media-bucket-bucket", until, why: "a test" };
        stack.configure({ waive: [waiver] });
        await stack.succeed("--policy-pack", "policy");
      });
      const outputs = await stack.outputs();
      const bucket = `${outputs.media}`.replace("s3://", "");

      await t.test("everyone reads the static files there, and no upload", async () => {
        assert.equal(outputs.publicFiles, `https://${bucket}.s3.${cloud.region}.amazonaws.com/assets/`);
        const { text } = await stack.fetch("/");
        const links = [...text.matchAll(/(?:href|src)="([^"]+\.(?:css|js))"/g)].map(([, link]) => `${link}`);
        assert.ok(links.length > 0, text);
        const read = (path: string) => fetch(`${cloud.moto.endpoint}/${bucket}${path}`);
        for (const link of links) {
          assert.ok(link.startsWith(`${outputs.publicFiles}`), link);
          assert.equal((await read(new URL(link).pathname)).status, 200, link);
        }
        const photo = await leavePhoto(stack, "Ada");
        await isJpeg(photo);
        const [key] = (await keysIn(cloud, bucket)).filter((one) => !one.startsWith("assets/"));
        assert.equal((await read(`/${key}`)).status, 403);
      });

      await t.test("the endpoint is the only way to port 22", async () => {
        const rules = cloud.things("rules").filter(({ fromPort }) => fromPort === 22);
        assert.deepEqual(
          rules.map(({ cidrIpv4, cidrIpv6 }) => cidrIpv4 ?? cidrIpv6),
          [undefined, undefined],
        );
        const answers = await new Promise((resolve) => {
          const socket = connect({ host: cloud.address(), port: 22, timeout: 3000 });
          for (const [event, answer] of [
            ["connect", true],
            ["timeout", false],
            ["error", false],
          ] as const) {
            socket.once(event, () => resolve(answer) ?? socket.destroy());
          }
        });
        assert.equal(answers, false);
      });

      const keyInUse = () => {
        const found = cloud.inside("sed -n s/^AWS_ACCESS_KEY_ID=//p /srv/logbook/config/env");
        assert.equal(found.code, 0, found.stderr);
        return found.stdout.trim();
      };
      const keys = [keyInUse()];

      const load = { running: true, sent: 0, failures: [] as string[] };
      const visitors = (async () => {
        while (load.running) {
          try {
            await isJpeg(await leavePhoto(stack, `visitor-${load.sent}`));
          } catch (error) {
            load.failures.push(`upload ${load.sent}: ${error}`);
          }
          load.sent += 1;
        }
      })();
      try {
        for (const generation of [2, 3]) {
          stack.configure({ rotate: { media: generation } });
          await stack.succeed();
          keys.push(keyInUse());
        }
      } finally {
        load.running = false;
        await visitors;
      }
      assert.deepEqual(load.failures, []);
      assert.ok(load.sent > 3, `${load.sent} uploads were under way`);
      assert.equal(new Set(keys).size, 3, "each rotation is another key");
      const uploads = (await keysIn(cloud, bucket)).filter((key) => !key.startsWith("assets/"));
      assert.equal(uploads.length, load.sent + 1, "and the first one");
      assert.equal((await stack.up("--expect-no-changes")).code, 0);
    },
  );
});
