// The main job, as a user sees it: from nothing to a served Django application, its changes, its failures, its end.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { test } from "node:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { outputsSchema } from "../../outputs.ts";
import { keyPair } from "../keys.ts";
import { until } from "../until.ts";
import {
  cyclesAtBoot,
  edit,
  machinesLeft,
  reboot,
  type Stack,
  sharedTraces,
  tidied,
  untilWell,
  withStack,
} from "./harness.ts";
import { photoOn, visitLog } from "./visitor.ts";

test("a stack takes the Django example from nothing to production and back to nothing", async (t) => {
  const anna = keyPair();
  const ben = keyPair();
  const admin = (name: string, keys: { public: string }) => ({ name, keys: [keys.public.trim()] });
  const stack = await withStack(t, {
    bare: true,
    crew: true,
    config: {
      host: { timezone: "Europe/Berlin" },
      app: { env: { SITE_NAME: "Logbook of the tests" }, workers: undefined },
      admins: [admin("anna", anna), admin("ben", ben)],
    },
  });
  const password = 'it\'s $HOME "quoted" \\ and `odd`';
  const set = ["config", "set", "--secret", "--path", "berth:app.secrets.PARTNER_TOKEN"];
  assert.equal((await stack.pulumi(set, { stdin: password })).code, 0);

  await t.test("one up makes the host, its services and the application, and the site is well", async () => {
    const made = await stack.succeed();
    assert.match(made.stdout, /to migrate: entries\.0001_initial/);
    assert.ok(Object.values(made.changes).every((operation) => operation === "create"));
    const health = await stack.fetch("/health");
    assert.equal(health.status, 200);
    const { status, postgres, redis } = JSON.parse(health.text);
    assert.deepEqual([status, postgres, redis], ["ok", "ok", "ok"]);
  });
  if (stack.traces().length === 0) return;

  await t.test("the outputs are the contract that other teams read, its secrets marked as secret", () =>
    outputsHold(stack),
  );

  await t.test("a second up and a preview find nothing to change", async () => {
    const again = await stack.up("--expect-no-changes");
    assert.equal(again.code, 0, again.stdout + again.stderr);
    assert.deepEqual(again.changes, {});
    assert.equal((await stack.preview("--expect-no-changes")).code, 0);
  });

  await t.test("the front page tells which release runs and that all parts are well", async () => {
    const page = await stack.fetch("/");
    assert.equal(page.status, 200);
    assert.match(page.text, /Logbook of the tests/);
    assert.match(page.text, /All parts well/);
    assert.ok(page.text.includes(`${(await stack.outputs()).release}`));
  });

  await t.test("plain HTTP is sent on to the same place over HTTPS", async () => {
    const answer = await stack.fetch("/admin/?next=/x", { scheme: "http" });
    assert.equal(answer.status, 301);
    assert.equal(answer.headers.location, `https://${await stack.address()}/admin/?next=/x`);
  });

  await t.test("every page carries the security headers, once each", async () => {
    const { headers } = await stack.fetch("/");
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["x-frame-options"], "DENY");
    assert.equal(headers["referrer-policy"], "same-origin");
    assert.equal(headers["cross-origin-opener-policy"], "same-origin");
    assert.equal(headers.server, "nginx", "no version");
  });

  await t.test("a name that is not the site's is refused", async () => {
    assert.equal((await stack.fetch("/", { headers: { host: "other.example" } })).status, 421);
    assert.equal((await stack.fetch("/health", { headers: { host: "logbook.test" } })).status, 200);
  });

  let photo = "";
  await t.test(
    "an entry with a photo is a row in Postgres, a session in the cache and a file that is served",
    async () => {
      photo = await writeEntry(stack);
    },
  );

  await t.test(
    "a worker makes the photo's preview, and the page tells what was done and when beat ticked",
    async () => {
      await untilShown(stack, /<img src="\/media\/previews\/[0-9a-f]{32}\.jpg"/);
      const page = (await untilShown(stack, /id="tick"/)).text;
      assert.match(page, /id="done" data-done="[1-9]\d*"/);
      assert.match(page, /none failed/);
      assert.match(page, /id="last-run">(a preview of a photo|taking stock)</);
      const small = await stack.fetch(/<img src="([^"]+)"/.exec(page)?.[1] ?? "");
      assert.equal(small.headers["content-type"], "image/jpeg");
      assert.match(
        await stack.on("journalctl -o cat -u 'logbook-worker@*'"),
        /make_preview\[[^\]]+\] succeeded/,
      );
    },
  );

  await t.test("static files come from the disk, cached for good, in gzip and brotli made beforehand", () =>
    staticFilesHold(stack),
  );

  await t.test("a request larger than site.maxBody is refused by nginx", async () => {
    const headers = { "content-length": `${26 * 1024 * 1024}` };
    assert.equal((await stack.fetch("/", { method: "POST", headers, body: "x" })).status, 413);
  });

  await t.test("services own neither code nor static files and can write only media, data and logs", () =>
    ownershipHolds(stack),
  );

  await t.test("the settings are readable by the service alone, odd characters and all", async () => {
    const settings = "/srv/logbook/config/env";
    assert.equal(await stack.on(`stat -c '%U:%G %a' ${settings}`), "root:logbook 640");
    assert.notEqual((await stack.ssh(`runuser -u www-data -- cat ${settings}`)).code, 0);
    const pid = await stack.on(`${tidied}systemctl show 'logbook-web@*.service' -P MainPID`);
    const value = await stack.on(`tr '\\0' '\\n' </proc/${pid}/environ | sed -n s/^PARTNER_TOKEN=//p`);
    assert.equal(value, password);
  });

  await t.test("Postgres and Redis listen on the loopback address alone and ask for a password", () =>
    databasesHold(stack),
  );

  await t.test("the firewall lets in SSH, HTTP and HTTPS and nothing else", () => firewallHolds(stack));

  await t.test("sshd takes keys only, and no one as root", async () => {
    const effective = await stack.on("sshd -T");
    for (const line of [
      "passwordauthentication no",
      "kbdinteractiveauthentication no",
      "permitrootlogin no",
      "x11forwarding no",
    ])
      assert.ok(effective.split("\n").includes(line), line);
    const stranger = await stack.ssh("true", {
      key: keyPair().private,
      asRoot: false,
    });
    assert.equal(stranger.code, 255);
    assert.match(stranger.stderr, /Permission denied \(publickey\)/);
  });

  await t.test("the host has its full name, its time zone and its locale", async () => {
    assert.equal(await stack.on("hostname -f"), "logbook.test");
    assert.match(await stack.on("date +%Z"), /^CES?T$/);
    assert.match(await stack.on("locale -a"), /^en_US\.utf8$/m);
    assert.equal(await stack.on("bash -lc 'echo $LANG'", { asRoot: false }), "en_US.UTF-8");
  });

  await t.test("logs stay within bounds and security upgrades run at night only, without a reboot", () =>
    housekeepingHolds(stack),
  );

  await t.test("the application runs in a tight sandbox and no unit has failed", async () => {
    const verdict = await stack.on(
      "systemd-analyze security --no-pager logbook-web@$(readlink /srv/logbook/config/web/current).service | tail -n 1",
    );
    const level = Number(/exposure level for [^:]+: ([\d.]+)/.exec(verdict)?.[1]);
    assert.ok(level <= 2.5, verdict);
    assert.equal(await stack.on("systemctl --failed --plain --no-legend"), "");
  });

  await t.test(
    "an administrator logs in with the own key, has sudo, and loses both when taken out",
    async () => {
      assert.equal(await stack.on("whoami", { user: "anna", key: anna.private }), "root");
      assert.equal((await stack.ssh("true", { user: "anna", key: ben.private })).code, 255);
      stack.configure({ admins: [admin("ben", ben)] });
      assert.deepEqual((await stack.succeed()).changes, {
        "system-accounts": "update",
        "system-reached": "update",
        "system-ssh": "update",
      });
      assert.equal((await stack.ssh("true", { user: "anna", key: anna.private, asRoot: false })).code, 255);
      assert.equal(await stack.on("whoami", { user: "ben", key: ben.private }), "root");
    },
  );

  await t.test("one changed nginx setting updates that one step, and nginx reloads", () =>
    nginxSettingHolds(stack),
  );

  await t.test("a changed source is a new release and changes nothing else", async () => {
    const before = await stack.outputs();
    const untouched = await stack.on("systemctl show nginx postgresql@17-main redis-server -P MainPID");
    edit(stack, "app/logbook/__init__.py", (text) =>
      text.replace(/__version__ = .*/, '__version__ = "9.9.9"'),
    );
    const { changes } = await stack.succeed();
    assert.deepEqual(Object.keys(changes).sort(), ["app-archive", "app-live", "app-release"]);
    const after = await stack.outputs();
    assert.notEqual(after.release, before.release);
    assert.match((await stack.fetch("/")).text, /9\.9\.9/);
    assert.equal(
      await stack.on("systemctl show nginx postgresql@17-main redis-server -P MainPID"),
      untouched,
    );
  });

  await t.test(
    "one changed line that would leave the data behind is refused, in a preview already",
    async () => {
      const described = readFileSync(stack.file, "utf8");
      stack.configure({ app: { name: "store" }, postgres: { database: "other" } });
      for (const run of [await stack.preview(), await stack.up()]) {
        assert.notEqual(run.code, 0);
        assert.match(run.stdout, /would leave the stack's data behind/);
        assert.match(run.stdout, /berth:app\.name: found 'store'; this stack's data is under 'logbook': /);
        assert.match(run.stdout, /berth:postgres\.database: found 'other'; .* under 'logbook': /);
      }
      writeFileSync(stack.file, described);
      assert.equal((await stack.up("--expect-no-changes")).code, 0);
    },
  );

  await t.test(
    "a changed setting of the application is in force and changes only its own steps",
    async () => {
      stack.configure({ app: { env: { SITE_NAME: "Renamed logbook" } } });
      const { changes } = await stack.succeed();
      assert.deepEqual(changes, { "app-settings": "update", "app-live": "update" });
      assert.match((await stack.fetch("/")).text, /Renamed logbook/);
    },
  );

  await t.test("an application that is killed comes back by itself", async () => {
    await stack.on("systemctl kill -s KILL --kill-whom=all 'logbook-web@*.service'");
    await untilWell(stack);
    assert.equal(await stack.on(`${tidied}systemctl is-active 'logbook-web@*.service'`), "active");
  });

  await t.test("while the application is away, visitors see a page that says so and comes back", async () => {
    await stack.on("systemctl stop 'logbook-web@*'");
    const away = await stack.fetch("/");
    assert.equal(away.status, 502);
    assert.equal(away.headers["retry-after"], "10");
    assert.equal(away.headers["x-content-type-options"], "nosniff");
    assert.match(away.text, /Back in a moment/);
    await stack.on("systemctl restart logbook-web-start");
    await untilWell(stack);
  });

  await t.test("after a reboot of the host everything is back by itself, with its data", async () => {
    await reboot(stack.machine);
    await untilWell(stack);
    assert.equal(await stack.on("hostname -f"), "logbook.test");
    assert.match((await stack.fetch("/")).text, /Written by the tests/);
    if (photo !== "") assert.equal((await stack.fetch(photo)).status, 200);
    assert.match(await stack.on("nft list table inet berth"), /policy drop/);
    assert.equal(await stack.on(cyclesAtBoot), "");
    assert.equal(await stack.on("systemctl --failed --plain --no-legend"), "");
    assert.equal((await stack.preview("--expect-no-changes")).code, 0);
  });

  await t.test("destroy leaves nothing on this computer", async () => {
    const gone = await stack.destroy();
    assert.equal(gone.code, 0, gone.stdout + gone.stderr);
    assert.deepEqual(stack.traces(), []);
    // Another test's machine may be there, and then the network that they share.
    if (machinesLeft().length === 0) assert.deepEqual(sharedTraces(), []);
  });
});

async function outputsHold(stack: Stack): Promise<void> {
  const outputs = await stack.outputs();
  const address = await stack.address();
  // All that it tells is in the contract, and all that the contract promises is there.
  outputsSchema.strict().parse(outputs);
  assert.equal(outputs.url, `https://${address}/`);
  assert.equal(outputs.hostAddress, address);
  assert.equal(typeof outputs.sshCommand, "string");
  assert.match(`${outputs.hostKey}`, /^ssh-ed25519 [A-Za-z0-9+/]+=*$/);
  assert.match(
    `${outputs.databaseUrl}`,
    /^postgresql:\/\/logbook_[0-9a-f]{6}:[^@]+@127\.0\.0\.1:5432\/logbook$/,
  );
  assert.match(`${outputs.redisUrl}`, /^redis:\/\/:[^@]+@127\.0\.0\.1:6379\/0$/);
  assert.equal(outputs.media, "/srv/logbook/media");
  assert.match(`${outputs.release}`, /^[0-9a-f]{10}-[0-9a-f]{4}$/);
  const shown = await stack.pulumi(["stack", "output", "--json"]);
  const marked = Object.entries(JSON.parse(shown.stdout)).filter(([, value]) => value === "[secret]");
  assert.deepEqual(marked.map(([name]) => name).sort(), ["databaseUrl", "redisUrl"]);
}

/** The front page, once it shows this. Beat ticks for the first time a minute after its start. */
async function untilShown(stack: Stack, wanted: RegExp) {
  let page = await stack.fetch("/");
  const shown = async () => {
    page = await stack.fetch("/");
    return wanted.test(page.text);
  };
  await until(`${wanted} on the page`, shown, () => page.text);
  return page;
}

/** Signs the log as a visitor does; the answer is the photo's path. */
async function writeEntry(stack: Stack): Promise<string> {
  const stranger = await visitLog(stack);
  const origin = `https://${await stack.address()}`;
  const forged = await stack.fetch("/", { method: "POST", headers: { origin }, body: "name=Eve&message=x" });
  assert.equal(forged.status, 403, "without the visitor's cookie");
  const posted = await stranger.sign("Ada", "Written by the tests");
  assert.equal(posted.status, 302, posted.text);
  for (const set of stranger.setCookies) {
    assert.match(set, /; Secure/i, set.split("=")[0]);
    assert.match(set, /; HttpOnly/i, set.split("=")[0]);
  }

  const rows = "SELECT name, message FROM entries_entry";
  assert.equal(
    await stack.on(`runuser -u postgres -- psql -XAtq logbook -c "${rows}"`),
    "Ada|Written by the tests",
  );
  const { password } = new URL(`${(await stack.outputs()).redisUrl}`);
  const keys = await stack.on(
    "read -r REDISCLI_AUTH; export REDISCLI_AUTH; redis-cli --no-raw -p 6381 keys '*'",
    {
      stdin: `${password}\n`,
    },
  );
  assert.ok(keys.includes(`django.contrib.sessions.cached_db${stranger.cookie("sessionid")}`), keys);

  const page = await stranger.page();
  assert.match(page.text, /Thank you, Ada/);
  const path = photoOn(page.text);
  const photo = await stack.fetch(path);
  assert.equal(photo.status, 200);
  assert.equal(photo.headers["content-type"], "image/jpeg");
  assert.equal(photo.headers["x-content-type-options"], "nosniff");
  assert.match(`${photo.headers["content-security-policy"]}`, /script-src 'none'/);
  assert.match(`${photo.headers["cache-control"]}`, /max-age=3600/);
  assert.deepEqual([...photo.body.subarray(0, 3)], [0xff, 0xd8, 0xff], "a JPEG");
  return path;
}

async function staticFilesHold(stack: Stack): Promise<void> {
  const page = await stack.fetch("/");
  const path = /href="(\/static\/logbook\/site\.[0-9a-f]+\.css)"/.exec(page.text)?.[1] ?? "";
  const as = (encoding: string) => stack.fetch(path, { headers: { "accept-encoding": encoding } });
  const [asItIs, gzip, brotli] = [await as("identity"), await as("gzip"), await as("gzip, br")];
  assert.equal(asItIs.status, 200);
  assert.equal(asItIs.headers["content-encoding"], undefined);
  assert.equal(asItIs.headers["cache-control"], "public, max-age=31536000, immutable");
  assert.equal(asItIs.headers["content-type"], "text/css");
  assert.equal(asItIs.headers["x-content-type-options"], "nosniff");
  assert.equal(gzip.headers["content-encoding"], "gzip");
  assert.equal(gzip.headers.vary, "Accept-Encoding");
  assert.equal(gunzipSync(gzip.body).toString(), asItIs.text);
  assert.equal(brotli.headers["content-encoding"], "br");
  assert.equal(brotliDecompressSync(brotli.body).toString(), asItIs.text);
  // Made beforehand: a length is known, which nginx cannot know of what it compresses on the way.
  assert.equal(gzip.headers["content-length"], `${gzip.body.length}`);
  const plain = await stack.fetch("/static/logbook/site.css");
  assert.equal(plain.headers["cache-control"], "public, max-age=3600");
  assert.equal((await stack.fetch("/static../config/env")).status, 404);
}

async function ownershipHolds(stack: Stack): Promise<void> {
  const root = "/srv/logbook";
  const outside = `\\( -path ${root}/media -o -path ${root}/data -o -path ${root}/logs \\) -prune -o`;
  assert.equal(await stack.on(`find ${root} ${outside} \\( -user logbook -o -user www-data \\) -print`), "");
  const owners = async (places: string) => [
    ...new Set((await stack.on(`cd ${root}; stat -c '%U' ${places}`)).split("\n")),
  ];
  assert.deepEqual(await owners(". releases venvs static static/current config current"), ["root"]);
  assert.deepEqual(await owners("releases/* venvs/* static/*/logbook"), ["deployer"]);
  const writable = (account: string) =>
    stack.on(`runuser -u ${account} -- find ${root}/ -writable -not -type l 2>/dev/null || true`);
  assert.deepEqual((await writable("www-data")).split("\n").filter(Boolean), []);
  const ofService = (await writable("logbook")).split("\n");
  assert.deepEqual(
    ofService.filter((path) => !["media", "data", "logs"].some((one) => path.startsWith(`${root}/${one}`))),
    [],
  );
  const login = await stack.on("getent passwd logbook | cut -d: -f7; getent passwd deployer | cut -d: -f7");
  assert.equal(login, "/usr/sbin/nologin\n/bin/bash");
}

async function databasesHold(stack: Stack): Promise<void> {
  const listening = (await stack.on("ss -Hltn | awk '{ print $4 }' | sort -u")).split("\n");
  const open = listening.filter((place) => !/^(127\.0\.0\.\d+|\[::1\])[:%]/.test(place));
  const ports = new Set(open.map((place) => place.split(":").at(-1)));
  assert.deepEqual([...ports].sort(), ["22", "443", "80"]);
  const psql = (query: string) => stack.on(`runuser -u postgres -- psql -XAtq -c "${query}"`);
  assert.equal(
    await psql(
      "SELECT rolpassword LIKE 'SCRAM-SHA-256\\$%' FROM pg_authid WHERE rolname LIKE 'logbook%' AND rolcanlogin",
    ),
    "t",
  );
  assert.equal(
    await psql("SELECT count(*) FROM pg_hba_file_rules WHERE auth_method NOT IN ('scram-sha-256', 'peer')"),
    "0",
  );
  assert.match(await psql("SHOW server_version"), /^17\./);
  assert.notEqual((await stack.ssh("psql -w -h 127.0.0.1 -U logbook logbook -c 'SELECT 1'")).code, 0);
  assert.match(await stack.on("redis-cli PING 2>&1 || true"), /NOAUTH/);
}

/** Whether a TCP connection to the host comes about within two seconds. */
function opens(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: 2000 });
    const end = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket
      .once("connect", () => end(true))
      .once("error", () => end(false))
      .once("timeout", () => end(false));
  });
}

async function firewallHolds(stack: Stack): Promise<void> {
  const address = await stack.address();
  await stack.on("systemd-run --quiet --unit=berth-test-listener --collect python3 -m http.server 8000");
  try {
    await stack.on(`until curl -sfo /dev/null http://${address}:8000/; do sleep 0.1; done`);
    assert.equal(await opens(address, 8000), false, "8000, where something listens");
    for (const port of [22, 80, 443]) assert.equal(await opens(address, port), true, `${port}`);
  } finally {
    await stack.on("systemctl stop berth-test-listener");
  }
}

async function housekeepingHolds(stack: Stack): Promise<void> {
  assert.match(await stack.on("systemd-analyze cat-config systemd/journald.conf"), /^SystemMaxUse=500M$/m);
  assert.equal(await stack.on("ls -d /var/log/journal"), "/var/log/journal");
  const tried = await stack.ssh("logrotate --debug /etc/logrotate.conf 2>&1");
  assert.equal(tried.code, 0, tried.stdout);
  assert.match(tried.stdout, /\/srv\/logbook\/logs\/\*\.log/);
  assert.doesNotMatch(tried.stdout, /^error:/m);
  const calendar = await stack.on("systemctl show apt-daily-upgrade.timer -P TimersCalendar");
  assert.match(calendar, /OnCalendar=\*-\*-\* 02:00:00/);
  assert.equal(calendar.match(/OnCalendar=/g)?.length, 1, calendar);
  assert.equal(
    await stack.on("systemctl is-active apt-daily.timer apt-daily-upgrade.timer logrotate.timer"),
    "active\nactive\nactive",
  );
  const apt = await stack.on("apt-config dump");
  assert.match(apt, /^APT::Periodic::Unattended-Upgrade "1";$/m);
  assert.match(apt, /^Unattended-Upgrade::Automatic-Reboot "false";$/m);
}

async function nginxSettingHolds(stack: Stack): Promise<void> {
  const main = "systemctl show nginx -p MainPID -p ActiveEnterTimestampMonotonic";
  const workers = "pgrep -P $(systemctl show nginx -P MainPID) | sort | paste -sd' '";
  const before = { main: await stack.on(main), workers: await stack.on(workers) };
  stack.configure({ site: { maxBody: 10 } });

  const preview = await stack.preview("--diff");
  assert.equal(preview.code, 0, preview.stderr);
  assert.deepEqual(preview.changes, { "nginx-site": "update" });
  assert.match(preview.stdout, /- +client_max_body_size 25m;/);
  assert.match(preview.stdout, /\+ +client_max_body_size 10m;/);

  assert.deepEqual((await stack.succeed()).changes, { "nginx-site": "update" });
  assert.equal(await stack.on(main), before.main, "the same nginx");
  assert.notEqual(await stack.on(workers), before.workers, "with new workers");
  assert.match(await stack.on("nginx -T 2>/dev/null"), /client_max_body_size 10m;/);
}
