// Accounts of a host that would take it: whatever they put in the place of what is theirs, root follows nothing of it.
import assert from "node:assert/strict";
import { rmSync, symlinkSync } from "node:fs";
import { after, test } from "node:test";
import { edit, psql, type Run, type StackConfig, withStack } from "./harness.ts";
import { attack, attackersOf, noteHost, startAttacks } from "./hostile.ts";

const stack = await withStack({ after }, { deployed: true });
const said = (run: Run) => run.stdout + run.stderr;

/** Has all steps of a service, or all of the host, run again at the next `up`. */
const again = (script: string) => edit(stack, `components/${script}`, (text) => `${text}\n# Once more.\n`);

test("nothing outside of the application changes, whatever its accounts put in the place of what they can reach", async (t) => {
  const files = (text: string) => ({
    "given/own.py": { content: `PASSWORD = "\${postgres.password}"\n${text}\n` },
  });
  stack.configure({
    app: { processes: { mail: { command: "sleep infinity", account: "couriers" } }, files: files("") },
  });
  await stack.succeed();
  const changesOfHost = await noteHost(stack, "logbook");
  const scripts = {
    ...attackersOf("logbook", "deployer"),
    couriers: {
      own: "/var/lib/logbook-mail/own",
      baits: ["/var/lib/logbook-mail/.berth-new", "/run/logbook/mail"],
    },
  };
  const stop = await startAttacks(
    stack,
    Object.fromEntries(Object.entries(scripts).map(([account, of]) => [account, attack("logbook", of)])),
  );
  t.after(() => stack.inside("systemctl stop 'attack-*'"));

  const ups: Run[] = [];
  const { release: first } = await stack.outputs();
  for (const step of ["one", "two"]) {
    edit(stack, "app/notes.txt", () => step);
    ups.push(await stack.up());
  }
  const changes: StackConfig[] = [
    { app: { files: files("COLOUR = 'red'") } },
    { app: { env: { COLOUR: "blue" } }, rotate: { database: 2, redis: 2 } },
    { app: { release: first } },
    { app: { release: undefined, keep: 1 } },
  ];
  for (const change of changes) {
    stack.configure(change);
    ups.push(await stack.up());
  }
  // Every step of the host.
  again("host/lib/files.sh");
  ups.push(await stack.up());
  t.diagnostic(
    `while they were at it: ${ups.map(({ code }) => (code === 0 ? "well" : "refused")).join(", ")}`,
  );
  // Whose own files are meddled with may be refused; that is the affair of the account they belong to.
  for (const run of ups)
    if (run.code !== 0)
      assert.match(
        said(run),
        /the release has |given\/own\.py (is in|would lie behind)|app\.files\.given\/own\.py cannot be made|berth: postgres-(server|database|logins): /,
      );
  assert.equal(await stop(), "");
  await stack.succeed();

  assert.equal((await stack.fetch("/health")).status, 200);
  assert.deepEqual(await changesOfHost(), []);
});

test("root makes, links and removes no cluster where PostgreSQL's account has put links in its way", async () => {
  const changesOfHost = await noteHost(stack, "logbook");
  for (const [place, refused] of [
    [
      "/etc/postgresql/17/main/conf.d",
      /the account 'postgres' cannot make \/etc\/postgresql\/17\/main\/conf\.d\/berth\.conf/,
    ],
    ["/etc/postgresql/17", /berth: postgres-server: the database in \S+ could not be taken over/],
    ["/var/lib/postgresql/17", /berth: postgres-server: /],
  ] as const) {
    const as = (command: string) => stack.on(`runuser -u postgres -- sh -c '${command}'`);
    if (place.startsWith("/var")) await stack.on("systemctl stop postgresql@17-main");
    await as(`mv ${place} ${place}.real && ln -s /etc ${place}`);
    again("postgres/server.sh");
    const run = await stack.up();
    assert.notEqual(run.code, 0, place);
    assert.match(said(run), refused);
    await as(`rm ${place} && mv ${place}.real ${place}`);
  }
  assert.deepEqual(await changesOfHost(), []);
  await stack.succeed();
  assert.equal(await stack.on(`runuser -u postgres -- ${psql} -XAtc 'SHOW port'`), "5432");
  assert.equal((await stack.fetch("/health")).status, 200);
});

test("a source with a link that leads out of it is refused by where that leads", async () => {
  const { release } = await stack.outputs();
  const source = `${stack.project}/app`;
  symlinkSync("/etc/passwd", `${source}/passwords`);
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(said(refused), /the release has a link that leads out of it, to \/etc\/passwd\./);
  rmSync(`${source}/passwords`);
  symlinkSync("notes.txt", `${source}/within`);
  await stack.succeed();
  assert.notEqual((await stack.outputs()).release, release);
});

test("an account that Berth has not made is not taken for its own", async () => {
  await stack.on("useradd --create-home ada");
  stack.configure({ app: { owner: "ada" } });
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(
    said(refused),
    /berth: system-accounts: this host has an account 'ada' that Berth has not made \(app\.owner\)\. Choose another name\./,
  );
  stack.configure({
    app: { owner: undefined, processes: { mail: { command: "sleep infinity", account: "ada" } } },
  });
  const taken = await stack.up();
  assert.match(said(taken), /an account 'ada' that Berth has not made \(app\.processes\.mail\.account\)/);
  stack.configure({ app: { processes: undefined } });
  await stack.succeed();
});

test("nginx shows nobody what a link leads to that is another account's", async () => {
  await stack.on(
    "printf secret >/srv/of-www-data && chown www-data: /srv/of-www-data && chmod 0600 /srv/of-www-data",
  );
  const release = await stack.on("basename $(readlink /srv/logbook/static/current)");
  for (const [account, place] of [
    ["logbook", "media"],
    ["deployer", `static/${release}`],
  ])
    await stack.on(`runuser -u ${account} -- ln -s /srv/of-www-data /srv/logbook/${place}/link`);
  for (const path of ["/media/link", "/static/link"]) {
    const { status, text } = await stack.fetch(path);
    assert.deepEqual([status === 200, text.includes("secret")], [false, false], path);
  }
  await stack.on(`rm /srv/of-www-data /srv/logbook/media/link /srv/logbook/static/${release}/link`);
});

test("no account reads what visitors ask for", async () => {
  assert.equal(await stack.on("stat -c '%U:%G %a' /var/log/nginx/logbook.access.log"), "www-data:adm 640");
});

test("what runs as the owner cannot let itself in", async () => {
  const made =
    "mkdir -p ~/.ssh && ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/own && cp ~/.ssh/own.pub ~/.ssh/authorized_keys";
  await stack.on(`runuser -l deployer -s /bin/bash -c "${made}"`);
  const enter =
    "ssh -F none -i ~/.ssh/own -o BatchMode=yes -o StrictHostKeyChecking=no deployer@127.0.0.1 id";
  assert.match(
    await stack.on(`runuser -l deployer -s /bin/bash -c "${enter}" 2>&1 || true`),
    /Permission denied \(publickey\)/,
  );
});

test("whoever has Redis's password makes no user that outlives it, and writes none of its settings", async () => {
  const { redisUrl } = await stack.outputs();
  for (const words of ["ACL SETUSER other on nopass ~* +@all", "CONFIG REWRITE", "CLIENT PAUSE 1000000 ALL"])
    assert.match(
      await stack.on(`REDISCLI_AUTH='${new URL(`${redisUrl}`).password}' redis-cli ${words} 2>&1 || true`),
      /NOPERM/,
      words,
    );
});

test("nobody comes to tell a password to an account that listens where Redis or PostgreSQL did", async () => {
  const listens = (account: string, address: string, port: number) =>
    stack.on(
      `systemd-run --quiet --unit listens -p User=${account} python3 -c 'import socket
server = socket.create_server(("${address}", ${port}), family=socket.AF_INET${address.includes(":") ? "6" : ""})
server.accept()[0].recv(1000)'
until ss -Hltn 'sport = :${port}' | grep -q .; do sleep 0.1; done`,
    );
  /** The status of timeout(1): 124 where nobody answers. */
  const told = (address: string, port: number) =>
    stack.on(
      `runuser -u logbook -- timeout 2 bash -c 'echo password >/dev/tcp/${address}/${port}'; echo $?
systemctl stop --quiet listens || true`,
    );
  for (const [service, port] of [
    ["postgresql@17-main", 5432],
    ["redis-server", 6379],
  ] as const) {
    await stack.on(`systemctl stop ${service}`);
    for (const [account, address, expected] of [
      ["logbook", "127.0.0.1", "124"],
      ["deployer", "::1", "124"],
      ["nobody", "127.0.0.1", "124"],
      // Where an answer is allowed, it is given.
      ["root", "127.0.0.1", "0"],
    ] as const) {
      await listens(account, address, port);
      assert.equal(await told(address, port), expected, `${account} at ${address}, ${port}`);
    }
    await stack.on(`systemctl start ${service}`);
  }
  assert.equal((await stack.fetch("/health")).status, 200);
});

test("nobody else's files in memory hold up a step", async () => {
  await stack.on(
    "runuser -u nobody -- sh -c 'cd /dev/shm && seq -f berth-x.99999999.%08g 20000 | xargs touch'",
  );
  stack.configure({ site: { maxBody: 7 } });
  const run = await stack.succeed();
  assert.ok(run);
  assert.equal(await stack.on("ls /dev/shm | grep -c '^berth-x' || true"), "20000");
  await stack.on("find /dev/shm -name 'berth-x.*' -delete");
});

test("no other account can hold the lock of the steps", async () => {
  await stack.on("test -f /run/berth.lock");
  for (const account of ["deployer", "logbook", "nobody"])
    assert.notEqual((await stack.ssh(`runuser -u ${account} -- flock -n /run/berth.lock true`)).code, 0);
});

test("the application's own command gets its arguments as they are", async () => {
  const said = await stack.on(`logbook-manage shell -c 'print("$HOME %h $$ \${PATH}")'; true`);
  assert.match(said, /\$HOME %h \$\$ \$\{PATH\}/);
});
