import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { Nginx, type NginxArgs } from "../../components/nginx/nginx.ts";
import { record, standInHost } from "./aws-mocks.ts";
import { assertSnapshot, shown, stepsOf, textOf } from "./step-snapshots.ts";

const password = "a password of the team's";

function recordSite(args: Partial<NginxArgs> = {}) {
  return record(() => {
    return new Nginx("nginx", {
      host: standInHost("machine"),
      name: "shop",
      serverNames: ["shop.example.org"],
      tls: { kind: "off" },
      domains: ["shop.example.org"],
      maxBody: 25,
      timeout: 60,
      socket: "/run/shop/web.sock",
      staticRoot: "/srv/shop/static/current",
      mediaRoot: "/srv/shop/media",
      mediaPublic: true,
      health: "/health",
      ...args,
    });
  });
}

/** Everything that the steps of a site are told, by the step's name. */
async function site(args: Partial<NginxArgs> = {}) {
  const made = await recordSite(args);
  return Object.fromEntries(
    made.all("remote:Command").map((step) => {
      const { name, inputs, secrets, dependsOn } = step;
      return [name, { text: textOf(step), stdin: `${inputs.stdin ?? ""}`, secrets, dependsOn }];
    }),
  );
}
const basicAuth = { user: "team", password: pulumi.secret(password) };

test("a site that asks for no password has no step for one, and nothing of it in its own", async () => {
  const steps = await site();
  assert.deepEqual(Object.keys(steps), ["nginx-site"]);
  assert.doesNotMatch(steps["nginx-site"]?.text ?? "", /auth_basic |htpasswd|Authorization/);
});

test("the steps of a site that asks for a password are these texts", async (t) => {
  const { resources } = await recordSite({ basicAuth });
  assertSnapshot(t, "nginx-basic-auth", shown(stepsOf(resources)));
});

test("the password travels by standard input alone, as a secret", async () => {
  const steps = Object.values(await site({ basicAuth }));
  assert.equal(steps.length, 2);
  for (const { text, stdin, secrets } of steps) {
    assert.ok(!text.includes(password));
    assert.ok(stdin.includes(Buffer.from(password).toString("base64")));
    assert.ok(secrets.includes("stdin"));
  }
});

test("the password is on the host before nginx is told to ask for it", async () => {
  const { "nginx-site": step } = await site({ basicAuth });
  assert.ok(step?.dependsOn.includes("nginx-basic-auth"));
});

test("a health path that is the front page is open to the host alone", async () => {
  const open = /^map "(.*)" \$berth_realm \{\n.*\n {4}"(.*)" off;/m;
  const text = async (health: string) => (await site({ basicAuth, health }))["nginx-site"]?.text ?? "";
  assert.deepEqual(open.exec(await text("/"))?.slice(1), ["$berth_self $uri", "~^1 /\\z"]);
  assert.deepEqual(open.exec(await text("/health?deep=1"))?.slice(1), ["$uri", "~^/health\\z"]);
});

test("browsers are told the text of the stack's file, or the application's name", async () => {
  const realmOf = async (realm?: string) =>
    /^map \$berth_is_excepted \$berth_realm_here \{\n {4}default "(.*)";/m.exec(
      (await site({ basicAuth: { ...basicAuth, realm } }))["nginx-site"]?.text ?? "",
    )?.[1];
  assert.equal(await realmOf(), "shop");
  assert.equal(await realmOf("Charts, before they are published"), "Charts, before they are published");
});
