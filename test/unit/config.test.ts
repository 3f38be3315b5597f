import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../../config/read.ts";

type Keys = Readonly<Record<string, unknown>>;

const least = {
  host: { kind: "local" },
  app: { source: { directory: "shop" }, wsgi: "shop.wsgi" },
};

/** The keys as the engine hands them over: structured ones in JSON. */
const read = (keys: Keys) =>
  parseConfig(
    Object.fromEntries(Object.entries(keys).map(([key, value]) => [`berth:${key}`, JSON.stringify(value)])),
    "prod",
  );

/** The faults that the message lists, one a line. */
function faults(keys: Keys): string[] {
  try {
    read(keys);
  } catch (error) {
    const lines = (error as Error).message.split("\n");
    assert.match(lines[0] as string, /^The configuration of stack 'prod' \(Pulumi\.prod\.yaml\) has /);
    assert.equal(lines.at(-1), "Every key is described in docs/configuration.md.");
    return lines.slice(1, -1).map((line) => line.trim());
  }
  assert.fail("this configuration was taken, and it has faults");
}

test("uploads lie in a directory of their own, which is neither the system's nor among what Berth makes", () => {
  const at = (directory: string, more: object = {}) =>
    faults({ ...least, ...more, media: { directory } }).join("\n");
  const ofSystem = [
    "media",
    "/",
    "/mnt",
    "/media",
    "/srv",
    "/etc/media",
    "/home/deployer/media",
    "/var/cache/media",
  ];
  for (const directory of [...ofSystem, "/tmp/media", "/mnt/data", "/shop_media/", "/mnt/../etc"])
    assert.match(
      at(directory),
      /^berth:media\.directory: expected an absolute path, not in a directory/,
      directory,
    );
  const root = { app: { ...least.app, root: "/data/apps/shop" } };
  for (const directory of ["/data/apps/shop", "/data/apps/shop/uploads", "/data/apps"])
    assert.match(
      at(directory, root),
      /^berth:media\.directory: expected a directory beside 'app\.root'/,
      directory,
    );
  assert.match(
    faults({ ...least, media: { store: "s3", region: "eu-central-1", directory: "/shop_media" } }).join(),
    /^berth:media\.directory: expected none: uploads are in a bucket/,
  );
  for (const directory of [
    "/shop_media",
    "/mnt/media",
    "/srv/shop-media",
    "/var/www/media",
    "/data/shop/media",
  ])
    assert.equal(read({ ...least, media: { directory } }).media.directory, directory);
});

test("a front end is in a directory of the source, or built elsewhere", () => {
  const at = (frontEnd: unknown) => ({ ...least, app: { ...least.app, build: { frontEnd } } });
  for (const wrong of ["/frontend", "frontend/", "../frontend", ""])
    assert.match(
      faults(at(wrong))[0] ?? "",
      /^berth:app\.build\.frontEnd: expected a directory in the source/,
      `${wrong}`,
    );
  for (const right of ["frontend", "apps/web", false])
    assert.equal(read(at(right)).app.build.frontEnd, right);
  assert.equal(read(least).app.build.frontEnd, ".");
});

test("a role and an account may have underscores in their names", () => {
  const { app, postgres } = read({
    ...least,
    app: { ...least.app, owner: "deploy_user" },
    postgres: { role: "shop_user", database: "shop_prod" },
  });
  assert.deepEqual([app.owner, postgres.role, postgres.database], ["deploy_user", "shop_user", "shop_prod"]);
});

test("an application lies in a place of its own, where no other account can put anything in its place", () => {
  const at = (root: string) => faults({ ...least, app: { ...least.app, root } });
  const expected =
    /^berth:app\.root: expected an absolute path of two parts or more, not in a directory of the system/;
  const refused = [
    "shop",
    "/srv",
    "/etc/shop",
    "/usr/local/shop",
    "/var/lib/shop",
    "/var/opt",
    "/home/deployer",
  ];
  for (const root of [...refused, "/srv/../etc", "/srv/./shop", "/srv/shop/", "/tmp/shop", "/lib64/shop"])
    assert.match(at(root)[0] ?? "", expected, root);
  assert.deepEqual(at("/home/ada/shop"), [
    "berth:app.root: expected a place in the home of 'app.owner', /home/deployer, or outside of homes; found \"/home/ada/shop\"",
  ]);
  for (const root of [
    ...["/srv/shop", "/opt/apps/shop", "/var/www", "/var/www/shop", "/data/shop"],
    "/home/deployer/shop",
  ])
    assert.equal(read({ ...least, app: { ...least.app, root } }).app.root, root);
});

test("Django's checks are told by their tags", () => {
  const check = (wanted: object) => ({ ...least, app: { ...least.app, check: wanted } });
  assert.deepEqual(read(least).app.check, { enabled: true, tags: [] });
  assert.deepEqual(read(check({ tags: ["security"] })).app.check.tags, ["security"]);
  assert.match(
    faults(check({ tags: ["a:b"] }))[0] ?? "",
    /^berth:app\.check\.tags\[0\]: expected the tag of a check/,
  );
});

test("a list of names that lacks the site's own is refused, wherever Berth knows both", () => {
  const with_ = (env: Keys, domain = "www.shop.example") => ({
    ...least,
    app: { ...least.app, env },
    ...(domain === "" ? {} : { site: { domain } }),
  });
  for (const text of [
    "shop.example",
    "www.shop.example.evil.example",
    "localhost 127.0.0.1",
    "['a.example']",
  ])
    assert.match(
      faults(with_({ ALLOWED_HOSTS: text }))[0] ?? "",
      /^berth:app\.env\.ALLOWED_HOSTS: expected 'www\.shop\.example' \(site\.domain\) in it: visitors would get a 400\. Take it out: Berth hands over every name of the site; found "/,
      text,
    );
  assert.match(
    faults(with_({ DJANGO_ALLOWED_HOSTS: "a.example" }))[0] ?? "",
    /Write \$\{site\.domain\}; found/,
  );
  for (const text of [
    "*",
    "a.example, www.shop.example",
    "['WWW.shop.example']",
    ".shop.example",
    "${site.domain} x",
  ])
    assert.ok(read(with_({ ALLOWED_HOSTS: text })).app.env.ALLOWED_HOSTS, text);
  assert.ok(read(with_({ ALLOWED_HOSTS: "a.example" }, "")));
  assert.ok(read(with_({ ALLOWED_HOSTS_FILE: "a.example" })));
});

test("pages are named with the status that they answer, each once, and none that nginx answers by itself", () => {
  const pages = (...named: unknown[]) => ({
    ...least,
    app: { ...least.app, settings: "shop.settings", pages: named },
  });
  assert.deepEqual(read(pages("/", { path: "/account/", status: 302 }, { path: "/?q=1" })).app.pages, [
    "/",
    { path: "/account/", status: 302 },
    { path: "/?q=1", status: 200 },
  ]);
  assert.match(faults(pages("login"))[0] ?? "", /^berth:app\.pages\[0\]: .*expected the path of a page/);
  assert.match(faults(pages("/", { path: "/" }))[0] ?? "", /^berth:app\.pages: expected each page once/);
  assert.match(faults(pages({ path: "/", status: 500 }))[0] ?? "", /^berth:app\.pages\[0\]/);
  assert.deepEqual(faults(pages("/", "/static/site.css")), [
    'berth:app.pages[1]: expected a page of the application: nginx itself answers below /static/, and some static files are asked for without being named; found "/static/site.css"',
  ]);
});

test("secrets that are made up have names that nothing else gives, and settings may refer to them", () => {
  const generate = (more: object, ...named: unknown[]) => ({
    ...least,
    app: { ...least.app, generate: named, ...more },
  });
  const made = generate({ env: { PEPPERS: "${secrets.PEPPER}" } }, "PEPPER", {
    name: "KEY",
    alphabet: "base64",
    length: 32,
  });
  assert.deepEqual(read(made).app.generate, [
    "PEPPER",
    { name: "KEY", alphabet: "base64", length: 32, generation: 1 },
  ]);
  assert.match(
    faults(generate({}, "A", { name: "A" }))[0] ?? "",
    /^berth:app\.generate: expected each name once/,
  );
  const given = [
    [{ env: { A: "1" } }, "A", "app.env"],
    [{ secrets: { A: "1" } }, "A", "app.secrets"],
    [{}, "DATABASE_URL", "the stack itself"],
    [{}, "SECRET_KEY", "the stack itself"],
  ] as const;
  for (const [more, name, by] of given)
    assert.deepEqual(faults(generate(more, name)), [
      `berth:app.generate[0]: expected a setting that is not given by ${by}; found "${name}"`,
    ]);
});

test("secrets from elsewhere have names that nothing else gives, and settings may refer to them", () => {
  const command = "op read op://shop/{name}/password";
  const from = (secretFrom: object, more: object = {}) => ({
    ...least,
    app: { ...least.app, secretFrom, ...more },
  });
  const given = from({ command, names: ["PAYMENT_KEY"] }, { env: { URL: "${secrets.PAYMENT_KEY}" } });
  assert.deepEqual(read(given).app.secretFrom, { command, names: ["PAYMENT_KEY"], timeout: 60 });
  const names = { PAYMENT_KEY: "pay/key" };
  assert.deepEqual(
    read(from({ command: "sops -d x.json", format: "json", names })).app.secretFrom?.names,
    names,
  );
  // A secret from elsewhere may be what the stack would make up.
  assert.ok(read(from({ command, names: ["SECRET_KEY"] })));
  assert.ok(read({ ...from({ command, names: ["DATABASE_URL"] }), postgres: { enabled: false } }));

  const twice = [
    [from({ command, names: ["A"] }, { env: { A: 1 } }), "A", "app.env"],
    [from({ command, names: { A: "b" } }, { secrets: { A: "1" } }), "A", "app.secrets"],
    [from({ command, names: ["A"] }, { generate: ["A"] }), "A", "app.generate"],
    [from({ command, names: ["DATABASE_URL"] }), "DATABASE_URL", "the stack itself"],
    [
      { ...from({ command, names: ["SECRET_KEY"] }), secrets: { signingKey: "k".repeat(32) } },
      "SECRET_KEY",
      "secrets.signingKey",
    ],
  ] as const;
  for (const [keys, name, by] of twice)
    assert.deepEqual(faults(keys), [
      `berth:app.secretFrom.names: expected a name that is not given by ${by}, too: take it out of one of them; found "${name}"`,
    ]);

  const wrong = [
    [
      { command, names: [] },
      /^berth:app\.secretFrom\.names: expected one name or more; found an empty list$/,
    ],
    [{ command, names: ["A", "A"] }, /^berth:app\.secretFrom\.names: expected each name once/],
    [{ command, names: ["a-b"] }, /^berth:app\.secretFrom\.names\[0\]: expected the name of an environment/],
    [{ command, names: { A: "--help" } }, /^berth:app\.secretFrom\.names\.A: expected the name in the store/],
    [
      { command, names: ["A"], format: "json" },
      /^berth:app\.secretFrom\.format: expected none: with \{name\}/,
    ],
    [
      { command: "sops -d x", names: ["A"] },
      /^berth:app\.secretFrom\.format: expected json or dotenv, because/,
    ],
    [
      { command: `${command} | cat`, names: ["A"] },
      /^berth:app\.secretFrom\.command: .* without '\|': no shell/,
    ],
    [{ command, names: ["A"], timeout: 0 }, /^berth:app\.secretFrom\.timeout: expected 1 or more; found 0$/],
    [{ names: ["A"] }, /^berth:app\.secretFrom\.command: expected a text/],
  ] as const;
  for (const [keys, message] of wrong) {
    const found = faults(from(keys));
    assert.equal(found.length, 1, found.join("\n"));
    assert.match(found[0] ?? "", message);
  }
});

test("commands after collectstatic need something that is collected", () => {
  const after = (more: object) => ({
    ...least,
    app: { ...least.app, ...more, build: { afterCollectstatic: ["python manage.py compress"] } },
  });
  assert.equal(read(after({ settings: "shop.settings" })).app.build.afterCollectstatic.length, 1);
  for (const more of [{}, { settings: "shop.settings", static: "static" }])
    assert.match(faults(after(more))[0] ?? "", /^berth:app\.build\.afterCollectstatic: expected none/);
});

test("commands that run once have names of their own", () => {
  const once = (...names: string[]) => ({
    ...least,
    app: { ...least.app, once: names.map((name) => ({ name, command: "true" })) },
  });
  assert.deepEqual(
    read(once("b", "a")).app.once.map(({ name, timeout }) => [name, timeout]),
    [
      ["b", 600],
      ["a", 600],
    ],
  );
  assert.match(
    faults(once("a", "b", "a"))[0] ?? "",
    /^berth:app\.once: expected names of which no two are the same/,
  );
  assert.match(
    faults(once("Not this"))[0] ?? "",
    /^berth:app\.once\[0\]\.name: expected a lower-case letter/,
  );
});

test("the owner is nobody who may do all", () => {
  const expected =
    /^berth:app\.owner: expected an account that is not root's equal: 'ada' may do all by sudo/;
  const app = { ...least.app, owner: "ada" };
  const admins = [
    {
      name: "ada",
      keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICkL8qJ3bwCdDuiTJuNpJ6M62y9An63V8KnxE0ga1jfg"],
    },
  ];
  assert.match(faults({ ...least, app, admins })[0] ?? "", expected);
  const host = {
    kind: "existing",
    address: "192.0.2.1",
    user: "ada",
    hostKey: admins[0]?.keys[0],
    privateKeyFile: "/k",
  };
  assert.match(faults({ ...least, app, host })[0] ?? "", expected);
});

test("the least configuration is a host, a source and a WSGI module; all else has a default", () => {
  const config = read(least);
  assert.deepEqual(config.host, {
    kind: "local",
    memory: 2048,
    disk: 20,
    timezone: "UTC",
    locale: "en_US.UTF-8",
    sshFrom: ["0.0.0.0/0", "::/0"],
  });
  assert.equal(config.app.wsgi, "shop.wsgi:application");
  assert.equal(config.app.health, "/");
  assert.equal(config.site.tls, "self-signed");
  assert.deepEqual([config.postgres.enabled, config.postgres.version], [true, 17]);
  assert.equal(config.redis.policy, "noeviction");
  assert.deepEqual(config.admins, []);
});

test("a hook is a command or a URL by HTTPS; a URL by HTTP stays among private addresses", () => {
  const told = (released: string) => ({ ...least, app: { ...least.app, hooks: { released } } });
  const of = (released: string) => faults(told(released));
  for (const right of [
    "https://hooks.example.org/services/T0/B0/token",
    "https://hooks.example.org:8443?token=a%20b",
    "http://127.0.0.1:9000/hook",
    "http://localhost/hook",
    "http://10.0.0.7/hook",
    "http://172.20.0.1/hook",
    "http://[fd00::1]:9000/hook",
    "python manage.py announce https://example.org/",
    "curl --data @- http://example.org/",
  ])
    assert.equal(read(told(right)).app.hooks.released, right);
  const near =
    /^berth:app\.hooks\.released: expected https:\/\/, because the record would travel in plain text/;
  for (const wrong of [
    "http://example.org/hook",
    "http://172.32.0.1/",
    "http://10.example.org/",
    "http://127.0.0.1.nip.io/",
    "http://[2001:db8::1]/",
  ])
    assert.match(of(wrong)[0] ?? "", near, wrong);
  for (const wrong of [
    "slack://token",
    "https://user:word@example.org/",
    "https://example.org/#a",
    "https:///",
  ])
    assert.match(of(wrong)[0] ?? "", /^berth:app\.hooks\.released: expected a URL such as https/, wrong);
  for (const wrong of [
    "https://user:word-token@example.org/",
    "http://example.org/word-token",
    "x://word-token",
  ])
    assert.doesNotMatch(of(wrong).join(), /word-token/, "it may be a secret");
});

test("keys of other programs and packages are none of Berth's business", () => {
  const config = parseConfig(
    {
      "berth:host": '{"kind":"local"}',
      "berth:app": '{"source":{"directory":"a"},"wsgi":"a"}',
      "aws:region": "eu-west-1",
    },
    "prod",
  );
  assert.equal(config.host.kind, "local");
});

test("a missing key is named, with what belongs there", () => {
  assert.deepEqual(faults({}), [
    "berth:host: expected a group of keys; found nothing: the key is required",
    "berth:app: expected a group of keys; found nothing: the key is required",
  ]);
  assert.deepEqual(faults({ ...least, app: { source: { directory: "a" } } }), [
    "berth:app.wsgi: expected a text (put it in quotes); found nothing: the key is required",
  ]);
  assert.deepEqual(faults({ ...least, host: { kind: "existing", address: "192.0.2.7" } }), [
    "berth:host.hostKey: expected a text (put it in quotes); found nothing: the key is required",
  ]);
});

test("each server has the application that it can serve, and no keys that mean nothing to it", () => {
  const source = { directory: "shop" };
  const app = { source, server: "uvicorn", asgi: "shop.asgi" };
  assert.equal(read({ ...least, app }).app.asgi, "shop.asgi:application");
  assert.deepEqual(faults({ ...least, app: { source, server: "uvicorn", wsgi: "shop.wsgi" } }), [
    "berth:app.asgi: expected a text (put it in quotes); found nothing: the key is required",
  ]);
  assert.deepEqual(faults({ ...least, app: { source, asgi: "shop.asgi", server: "uwsgi" } }), [
    "berth:app.wsgi: expected a text (put it in quotes); found nothing: the key is required",
  ]);
  assert.deepEqual(faults({ ...least, app: { ...app, threads: 4, asgi: "shop asgi" } }), [
    'berth:app.asgi: expected MODULE:CALLABLE, such as shop.asgi:application, or MODULE:FACTORY(), such as shop:create_app(); found "shop asgi"',
    "berth:app.threads: expected none: each worker of uvicorn serves many requests at the same time; found 4",
  ]);
  assert.deepEqual(faults({ ...least, app: { source, server: "daphne" } }).length, 1);
});

test("gunicorn's workers are of a class that fits the other keys", () => {
  const of = (app: Keys) => faults({ ...least, app: { ...least.app, ...app } });
  for (const workerClass of ["sync", "gthread", "gevent", "eventlet", "shop.workers.Worker"])
    assert.equal(read({ ...least, app: { ...least.app, workerClass } }).app.workerClass, workerClass);
  assert.equal(read({ ...least, app: { ...least.app, workerClass: "gthread", threads: 4 } }).app.threads, 4);
  assert.deepEqual(of({ workerClass: "tornado" }), [
    'berth:app.workerClass: expected sync, gthread, gevent, eventlet, or MODULE.CLASS of a dependency, such as shop.workers.Worker; found "tornado"',
  ]);
  for (const workerClass of ["sync", "gevent"])
    assert.deepEqual(of({ workerClass, threads: 4 }), [
      `berth:app.workerClass: expected gthread with app.threads: 4: '${workerClass}' has no threads; found "${workerClass}"`,
    ]);
  assert.deepEqual(of({ workerClass: "gevent", server: "uwsgi" }), [
    'berth:app.workerClass: expected none with app.server: uwsgi: only gunicorn has classes of workers; found "gevent"',
  ]);
  assert.match(
    of({ workerClass: "uvicorn.workers.UvicornWorker" }).join(),
    /write 'server: uvicorn' and app\.asgi/,
  );
});

test("a value of the wrong type is named, with the one expected", () => {
  assert.deepEqual(faults({ ...least, app: { ...least.app, workers: "two" } }), [
    'berth:app.workers: expected a number; found "two"',
  ]);
  assert.deepEqual(faults({ ...least, host: { kind: "local", memory: 1.5 } }), [
    "berth:host.memory: expected a whole number; found 1.5",
  ]);
  assert.deepEqual(faults({ ...least, redis: { enabled: "no" } }), [
    'berth:redis.enabled: expected true or false; found "no"',
  ]);
  assert.deepEqual(faults({ ...least, admins: { name: "eve" } }), [
    "berth:admins: expected a list; found a group with name",
  ]);
  assert.deepEqual(faults({ ...least, app: { ...least.app, python: 3.13 } }), [
    "berth:app.python: expected a text (put it in quotes); found 3.13",
  ]);
});

test("Docker is used by processes with an account of their own, where it is, and images have digests", () => {
  const jobs = { command: "python jobs.py", account: "jobs", groups: ["docker"] };
  const docker = { enabled: true };
  assert.deepEqual(read({ ...withProcesses({ jobs }), docker }).app.processes.jobs?.groups, ["docker"]);
  assert.deepEqual(faults(withProcesses({ jobs })), [
    "berth:app.processes.jobs.groups: expected none where 'docker.enabled' is false; found a list of 1",
  ]);
  assert.match(
    faults({ ...withProcesses({ jobs: { ...jobs, account: undefined } }), docker })[0] ?? "",
    /^berth:app\.processes\.jobs\.account: expected an account of its own beside 'groups: \[docker\]'/,
  );
  assert.match(
    faults({ ...withProcesses({ web: { groups: ["docker"] } }), docker })[0] ?? "",
    /^berth:app\.processes\.web\.groups: expected none: whoever gets into what visitors reach/,
  );
  assert.match(
    faults({ ...least, docker: { ...docker, images: { runner: "debian:trixie" } } })[0] ?? "",
    /^berth:docker\.images\.runner: expected an image with its digest/,
  );
  const registries = { "registry.example.org": { username: "shop", password: "open-the-registry" } };
  const [fault = ""] = faults({ ...least, docker: { ...docker, registries } });
  assert.match(fault, /\.password: expected one of the application's secrets/);
  assert.doesNotMatch(fault, /open-the-registry/);
  assert.match(
    faults({ ...least, docker: { network: "172.17.0.1/30" } })[0] ?? "",
    /such as 172\.17\.0\.0\/16/,
  );
});

test("MongoDB's data needs PostgreSQL, and its program an address without a password and a whole digest", () => {
  assert.deepEqual(faults({ ...least, postgres: { enabled: false }, mongodb: { enabled: true } }), [
    "berth:mongodb.enabled: expected false where 'postgres.enabled' is: the data is kept in PostgreSQL; found true",
  ]);
  const program = { url: "ftp://files.example.org/ferretdb", sha256: "1bfbd1" };
  assert.deepEqual(faults({ ...least, mongodb: { enabled: true, program } }), [
    'berth:mongodb.program.url: expected an address with http or https and without a name, a password or a query; found "ftp://files.example.org/ferretdb"',
    "berth:mongodb.program.sha256: expected 64 digits from 0 to f, as 'sha256sum' prints them; found \"1bfbd1\"",
  ]);
});

test("Redis without a password stays on its own host, and a password in the place of that word is not shown", () => {
  const none = { ...least, redis: { password: "none" } };
  assert.equal(read(none).redis.password, "none");
  assert.deepEqual(faults({ ...none, hosts: { tasks: { kind: "local", memory: 512 } } }), [
    "berth:hosts: expected none, because redis.password is 'none' and whoever gets into the network between the hosts could use Redis: take one of them out; found a group with tasks",
  ]);
  assert.deepEqual(faults({ ...least, redis: { password: "tulips-and-roses" } }), [
    'berth:redis.password: expected "generated" or "none"; found a secret of the wrong form',
  ]);
  const { cache, server } = read(least).redis;
  assert.deepEqual([server, cache], ["redis", { memory: 64, policy: "allkeys-lru" }]);
  // A cache that lets go of nothing fails at every write when it is full.
  assert.equal(faults({ ...least, redis: { cache: { policy: "noeviction" } } }).length, 1);
});

test("an unknown key is refused at every depth, and the nearest one that exists is named", () => {
  assert.deepEqual(faults({ ...least, sute: {} }), [
    "berth:sute: there is no such key. Did you mean 'site'? There is: host, hosts, site, app, postgres, redis, mongodb, docker, services, aws, media, backup, copy, notify, syslog, metrics, drift, secrets, rotate, admins, allow, waive.",
  ]);
  assert.deepEqual(faults({ ...least, host: { kind: "local", memroy: 512 } }), [
    "berth:host.memroy: there is no such key. Did you mean 'memory'? There is: kind, memory, disk, timezone, locale, rebootAt, sshFrom.",
  ]);
  assert.deepEqual(faults({ ...least, admins: [{ name: "eve", keys: ["ssh-ed25519 AAAA"], key: "x" }] }), [
    "berth:admins[0].key: there is no such key. Did you mean 'keys'? There is: name, keys.",
  ]);
  assert.deepEqual(faults({ ...least, admins: [{ name: "eve", keys: ["ssh-ed25519 AAAA"], shell: "x" }] }), [
    "berth:admins[0].shell: there is no such key. There is: name, keys.",
  ]);
  const git = { git: "https://git.example.org/shop.git", reff: "main" };
  assert.match(
    faults({ ...least, app: { source: git, wsgi: "a" } })[0] as string,
    /^berth:app\.source\.reff: there is no such key\. Did you mean 'ref'\?/,
  );
});

const withProcesses = (processes: Keys) => ({ ...least, app: { ...least.app, processes } });

test("a key that another tool has is told what does the same here", () => {
  const told = (config: Keys) => faults(config)[0]?.replace(/ There is: .*/, "");
  assert.equal(
    told(withProcesses({ nightly: { command: "python report.py", schedule: "0 3 * * *" } })),
    `berth:app.processes.nightly.schedule: there is no such key. What runs at certain times is a timer: app.timers: {NAME: {command: …, at: "*:0/15"}}.`,
  );
  assert.equal(
    told(withProcesses({ worker: { command: "rq worker", replicas: 2 } })),
    "berth:app.processes.worker.replicas: there is no such key. How many of it run is 'count'.",
  );
  assert.equal(
    told({ ...least, app: { ...least.app, branch: "main" } }),
    "berth:app.branch: there is no such key. The branch is 'source.ref'.",
  );
  assert.equal(
    told({ ...least, domain: "shop.example.org" }),
    "berth:domain: there is no such key. The domain is 'site.domain'.",
  );
});

test("a process is a command; all else has a default", () => {
  assert.deepEqual(read(withProcesses({ worker: { command: "rq worker" } })).app.processes.worker, {
    command: "rq worker",
    count: 1,
    groups: [],
    stopTimeout: 600,
    onRelease: "restart",
    ports: [],
  });
});

test("two celery beats are a fault, however they would come to be", () => {
  assert.deepEqual(faults(withProcesses({ beat: { command: "celery -A shop beat", count: 2 } })), [
    "berth:app.processes.beat.count: expected 1: two celery beats would send every periodic task twice; found 2",
  ]);
  assert.match(
    faults(withProcesses({ worker: { command: "celery -A shop worker -B" } }))[0] as string,
    /^berth:app\.processes\.worker\.command: expected a worker without beat \(-B\).*make beat a process of its own/,
  );
});

test("of the web server only the limits are a process's, and no process may write the code", () => {
  assert.deepEqual(read(withProcesses({ web: { memory: 300, cpu: 80 } })).app.processes.web?.memory, 300);
  assert.deepEqual(
    faults(withProcesses({ web: { command: "gunicorn shop.wsgi", count: 2, account: "www" } })).map(
      (fault) => fault.split(":")[1],
    ),
    ["app.processes.web.command", "app.processes.web.count", "app.processes.web.account"],
  );
  assert.match(
    faults(withProcesses({ worker: { command: "rq worker", account: "deployer" } }))[0] as string,
    /^berth:app\.processes\.worker\.account: expected another than 'app\.owner', which can write the code/,
  );
});

test("of a release's command there is only the command", () => {
  assert.equal(
    read(withProcesses({ release: { command: "flask db upgrade" } })).app.processes.release?.command,
    "flask db upgrade",
  );
  assert.deepEqual(
    faults(withProcesses({ release: { memory: 100, account: "x" } })).map((fault) => fault.split(":")[1]),
    ["app.processes.release.command", "app.processes.release.memory", "app.processes.release.account"],
  );
});

test("a timer has a command and times, and a name of its own", () => {
  const withTimers = (timers: Keys) => ({
    ...least,
    app: { ...least.app, processes: { worker: { command: "rq worker" } }, timers },
  });
  assert.equal(read(withTimers({ clean: { command: "x", at: "daily" } })).app.timers.clean?.at, "daily");
  assert.deepEqual(faults(withTimers({ clean: { command: "x" } })), [
    "berth:app.timers.clean.at: expected a text (put it in quotes); found nothing: the key is required",
  ]);
  for (const name of ["web", "worker", "web-start"])
    assert.match(
      faults(withTimers({ [name]: { command: "x", at: "daily" } }))[0] as string,
      /expected a name that no process has, and none of web, release and web-start/,
    );
});

test("a misspelt key or name of a process is named", () => {
  assert.match(
    faults(withProcesses({ worker: { command: "rq worker", cuont: 2 } }))[0] as string,
    /^berth:app\.processes\.worker\.cuont: there is no such key\. Did you mean 'count'\?/,
  );
  assert.match(
    faults(withProcesses({ "My Worker": { command: "rq worker" } }))[0] as string,
    /^berth:app\.processes\.My Worker: expected a lower-case letter, then letters, digits, hyphens or underscores/,
  );
});

test("a kind of host that does not exist is answered with those that do", () => {
  assert.deepEqual(faults({ ...least, host: { kind: "lokal" } }), [
    'berth:host.kind: expected "local" or "existing" or "ec2"; found "lokal"',
  ]);
  assert.deepEqual(faults({ ...least, host: { memory: 512 } }), [
    'berth:host.kind: expected "local" or "existing" or "ec2"; found nothing: the key is required',
  ]);
});

for (const domain of [
  "-shop.example.org",
  "shop",
  "Shop.example.org",
  "shop_1.example.org",
  "a b.org",
  "a..org",
]) {
  test(`the domain ${JSON.stringify(domain)} is refused with an example of a right one`, () => {
    assert.deepEqual(faults({ ...least, site: { domain } }), [
      `berth:site.domain: expected a domain name in lower case with at least one dot, such as shop.example.org; found ${JSON.stringify(domain)}`,
    ]);
  });
}

for (const domain of ["shop.example.org", "a.b.c.example.org", "xn--bcher-kva.example", "logbook.test"]) {
  test(`the domain ${domain} is taken`, () => {
    assert.equal(read({ ...least, site: { domain } }).site.domain, domain);
  });
}

test("PostgreSQL of another major version is refused, and the message says how to move the data", () => {
  assert.match(
    faults({ ...least, postgres: { version: 16 } })[0] as string,
    /^berth:postgres\.version: expected 17\. Berth does not move a database .* dump it, make a new stack, load it there; found 16$/,
  );
});

test("all faults come in one message", () => {
  const found = faults({
    host: { kind: "local", disk: 1 },
    site: { tls: "yes" },
    app: { source: { git: "file:///srv/shop" }, wsgi: "shop wsgi", env: { "A B": "x" } },
    admins: [{ name: "Eve", keys: [] }],
  });
  assert.deepEqual(
    found.map((line) => line.slice(0, line.indexOf(": "))),
    [
      "berth:host.disk",
      "berth:site.tls",
      "berth:app.source.git",
      "berth:app.wsgi",
      "berth:app.env.A B",
      "berth:admins[0].name",
      "berth:admins[0].keys",
    ],
  );
});

test("a source is either a directory or a repository, and the faults are those of the one that was meant", () => {
  assert.deepEqual(faults({ ...least, app: { source: "shop", wsgi: "shop.wsgi" } }), [
    'berth:app.source: expected a group of keys; found "shop"',
  ]);
  assert.match(
    faults({ ...least, app: { source: { directory: "shop", ref: "main" }, wsgi: "a" } }).join("\n"),
    /^berth:app\.source\.ref: there is no such key/,
  );
});

test("no secret is in a message, whatever is wrong with it or with the group that it is in", () => {
  const secret = "hunter2-swordfish";
  const wrong: Keys[] = [
    { ...least, app: { ...least.app, secrets: { TOKEN: [secret] } } },
    { ...least, app: { ...least.app, secrets: secret } },
    { ...least, app: { ...least.app, secrets: { "A B": secret } } },
    { ...least, app: [secret] },
    { ...least, host: { kind: "lokal", privateKey: secret } },
    { ...least, host: { kind: "existing", privateKey: [secret] } },
    { ...least, host: [{ privateKey: secret }] },
  ];
  for (const keys of wrong) {
    assert.doesNotMatch(faults(keys).join("\n"), /hunter2/);
  }
});

test("a structured key that is not valid JSON is shown as the text that it is", () => {
  assert.throws(
    () =>
      parseConfig(
        { "berth:host": "{kind: local", "berth:app": '{"source":{"directory":"a"},"wsgi":"a"}' },
        "prod",
      ),
    { message: /berth:host: expected a group of keys; found "\{kind: local"/ },
  );
});

const ec2 = { kind: "ec2", region: "eu-central-1", instanceType: "t4g.small", sshFrom: ["203.0.113.0/24"] };

test("an EC2 host is in the default network, without alarms and unprotected, unless the stack says otherwise", () => {
  const { host, media, rotate } = read({ ...least, host: ec2 });
  assert.deepEqual(host, {
    ...ec2,
    rootVolume: 12,
    dataVolume: 20,
    retainDataVolume: true,
    network: { kind: "default" },
    connectEndpoint: false,
    protect: false,
    timezone: "UTC",
    locale: "en_US.UTF-8",
  });
  assert.deepEqual(media, { store: "host", mayDelete: true, oldVersions: 30, retainBucket: true });
  assert.deepEqual(rotate, {
    database: 1,
    redis: 1,
    mongodb: 1,
    signingKey: 1,
    basicAuth: 1,
    backup: 1,
    media: 1,
  });
});

test("an EC2 host that nothing can reach is refused", () => {
  assert.deepEqual(faults({ ...least, host: { ...ec2, sshFrom: [] } }), [
    "berth:host.sshFrom: expected a network, or a tunnel as 'reach': Berth itself comes by SSH; found an empty list",
  ]);
  read({ ...least, host: { ...ec2, sshFrom: [], reach: { address: "127.0.0.1", port: 2222 } } });
});

for (const [key, value, expected] of [
  ["instanceType", "small", /berth:host\.instanceType: expected an EC2 instance type/],
  ["region", "Frankfurt", /berth:host\.region: expected an AWS region/],
  ["image", "debian-13", /berth:host\.image: expected the id of a machine image, such as ami-/],
  ["sshFrom", ["203.0.113.0"], /berth:host\.sshFrom\[0\]: expected a network/],
  ["sshFrom", ["fe80::1%eth0/64"], /berth:host\.sshFrom\[0\]: expected a network/],
  ["network", { kind: "own", cidr: "10.0.0.0" }, /berth:host\.network\.cidr: expected a network/],
  ["network", { kind: "given", vpc: "x", subnets: [] }, /berth:host\.network\.vpc: expected the id of a VPC/],
  ["network", { kind: "private" }, /berth:host\.network\.kind: expected "default" or "given" or "own"/],
  ["dataVolume", 1, /berth:host\.dataVolume: expected 8 or more; found 1/],
] as const) {
  test(`an EC2 host's ${key} may not be ${JSON.stringify(value)}`, () => {
    assert.match(faults({ ...least, host: { ...ec2, [key]: value } }).join("\n"), expected);
  });
}

test("directories that outlive a release lie in it, apart from each other and from its static files", () => {
  const { shared } = read({ ...least, app: { ...least.app, shared: { "var/index": "index" } } }).app;
  assert.deepEqual(shared, { "var/index": "index" });
  for (const [paths, expected] of [
    [{ "../index": "index" }, /^berth:app\.shared\.\.\.\/index: expected a path in the release/],
    [{ ".venv": "venv" }, /expected a path in the release, no part of it beginning with a dot/],
    [{ index: "../media" }, /^berth:app\.shared\.index: expected the name of a directory, such as index/],
    [{ var: "var", "var/index": "index" }, /^berth:app\.shared: expected no path that lies in another one/],
  ] as const)
    assert.match(faults({ ...least, app: { ...least.app, shared: paths } })[0] ?? "", expected);
  const below = { ...least.app, static: "static", shared: { "static/uploads": "uploads" } };
  assert.match(
    faults({ ...least, app: below }).join(),
    /^berth:app\.shared: expected no path in 'static' \(app\.static\), such as 'static\/uploads': .* Take app\.static out/,
  );
});

test("a bucket on a host without a role needs a region and an IAM user", () => {
  const inBucket = { store: "s3", region: "eu-central-1", public: false };
  assert.deepEqual(faults({ ...least, media: inBucket }), [
    "berth:media.public: expected none: uploads in a bucket have addresses of their own; found false",
  ]);
  assert.deepEqual(faults({ ...least, media: { store: "s3", access: "role" } }), [
    "berth:media.region: expected an AWS region for the bucket; found nothing: the key is required",
    "berth:media.access: expected 'user': only an EC2 host has a role; found \"role\"",
  ]);
});

test("settings refer to the bucket and its key where there are such", () => {
  const app = { ...least.app, env: { A: "${media.bucket}", B: "${media.secretAccessKey}" } };
  const inBucket = { store: "s3", region: "eu-central-1" };
  read({ ...least, app, media: inBucket });
  assert.equal(faults({ ...least, app }).length, 2);
  const ofRole = { ...least, app, host: ec2, media: { store: "s3" } };
  assert.match(faults(ofRole).join(), /^berth:app\.env\.B: expected in \$\{…\} one of [^;]*media\.bucket/);
  read({ ...ofRole, media: { store: "s3", access: "user" } });
});

test("settings and files refer to the release, a service of the stack's own does not, and commands refer to nothing", () => {
  const env = { V: "${release.id}", W: "${paths.static}" };
  const app = { ...least.app, env, files: { ".env": { content: "V=${release.id}" } } };
  read({ ...least, app });
  assert.match(
    faults({ ...least, app: { ...app, env: { V: "${release.ids}" } } }).join("\n"),
    /^berth:app\.env\.V: expected in \$\{…\} one of .*\(Did you mean 'release\.id'\?\).*; found "\$\{release\.ids\}"$/,
  );
  const found = faults({
    ...least,
    services: { s3: { command: "/bin/s3", port: 9000, env } },
    app: {
      ...app,
      settings: "shop.settings",
      build: { commands: ["make", "make ${release.id}"], afterCollectstatic: ["make ${paths.static} $${x}"] },
      once: [{ name: "first", command: "first ${site.url}" }],
      processes: { worker: { command: "worker ${postgres.host} ${own}" } },
      timers: { tock: { command: "tock --id=${release.id}", at: "daily" } },
    },
  });
  const told = (path: string, todo: string, name: string) =>
    `berth:app.${path}: expected no reference: a shell runs commands as they stand. ${todo}; found "\${${name}}"`;
  assert.deepEqual(
    found.filter((one) => one.startsWith("berth:app.")),
    [
      told("build.commands[1]", "A build has none of the application's settings", "release.id"),
      told("build.afterCollectstatic[0]", 'Write "$STATIC_ROOT"', "paths.static"),
      told("once[0].command", 'Write "$SITE_URL"', "site.url"),
      told(
        "processes.worker.command",
        'Write NAME: ${postgres.host} below app.env, and "$NAME" here',
        "postgres.host",
      ),
      told("timers.tock.command", 'Write "$BERTH_RELEASE"', "release.id"),
    ],
  );
  assert.equal(found.filter((one) => one.startsWith("berth:services.s3.env.")).length, 2);
});

test("public files are a folder of a bucket, through CloudFront unless the stack says otherwise", () => {
  const publicFiles = (given: object, store = "s3") => ({
    ...least,
    host: ec2,
    media: { store, publicFiles: given },
  });
  assert.deepEqual(read(publicFiles({ folder: "assets/static" })).media.publicFiles, {
    folder: "assets/static",
    by: "cloudfront",
  });
  assert.equal(read(publicFiles({ folder: "static", by: "s3" })).media.publicFiles?.by, "s3");
  assert.deepEqual(faults(publicFiles({ folder: "static" }, "host")), [
    "berth:media.publicFiles: expected none: only a bucket (media.store: s3) has public files; found a group with folder, by",
  ]);
  for (const folder of ["/static", "static/", "", "../static", "a b"]) {
    assert.match(
      faults(publicFiles({ folder })).join("\n"),
      /^berth:media\.publicFiles\.folder: expected a folder of the bucket without slashes at its ends, such as static; found "[^"]*"$/,
    );
  }
});

test("a zone that does not hold the site's names is refused", () => {
  const site = { domain: "shop.example.org", aliases: ["shop.example.com"], zone: "example.org" };
  assert.deepEqual(faults({ ...least, host: ec2, site }), [
    "berth:site.zone: expected the zone of 'shop.example.com'; found \"example.org\"",
  ]);
});

test("a permission without a date or a reason is refused", () => {
  const allow = [{ change: "replace", resource: "web-data", until: "soon", why: "" }];
  assert.match(
    faults({ ...least, allow }).join("\n"),
    /berth:allow\[0\]\.until: expected a date such as 2026-12-31; found "soon"\nberth:allow\[0\]\.why/,
  );
});

test("a secret that the stack brings is never shown when it is of the wrong form", () => {
  const [fault = ""] = faults({ ...least, secrets: { database: "p@ss word" } });
  assert.match(
    fault,
    /^berth:secrets\.database: expected 16 or more letters.*found a secret of the wrong form$/,
  );
});

const given = {
  kind: "existing",
  address: "198.51.100.7",
  hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPublic",
};

test("more hosts have the keys of the first, each with its own defaults", () => {
  const { hosts } = read({ ...least, hosts: { tasks: { kind: "local", memory: 512 } } });
  assert.deepEqual(hosts, {
    tasks: {
      kind: "local",
      memory: 512,
      disk: 20,
      timezone: "UTC",
      locale: "en_US.UTF-8",
      sshFrom: ["0.0.0.0/0", "::/0"],
    },
  });
  assert.deepEqual(read(least).hosts, {});
});

test("a host that others cannot reach, or that is there twice, is refused", () => {
  assert.deepEqual(faults({ ...least, hosts: { tasks: given } }), [
    "berth:hosts.tasks.kind: expected 'local' as 'host' has: the hosts must reach each other; found \"existing\"",
  ]);
  assert.deepEqual(faults({ ...least, host: ec2, hosts: { tasks: given } }), [
    "berth:hosts.tasks.kind: expected 'ec2' as 'host' has: the hosts must reach each other; found \"existing\"",
  ]);
  assert.deepEqual(faults({ ...least, hosts: { tasks: { kind: "ec2", instanceType: "t4g.small" } } }), [
    "berth:hosts.tasks.kind: expected 'local' as 'host' has: the hosts must reach each other; found \"ec2\"",
  ]);
  const byName = { ...given, address: "web.example.org" };
  assert.deepEqual(faults({ ...least, host: byName, hosts: { tasks: given, more: given } }), [
    "berth:host.privateAddress: expected an IP address: the other hosts take none of 'web.example.org'; found nothing: the key is required",
    'berth:hosts.more.address: expected another address than hosts.tasks.address; found "198.51.100.7"',
  ]);
  read({ ...least, host: byName });
  const privately = (privateAddress: string) => ({ ...given, privateAddress });
  read({
    ...least,
    host: { ...byName, privateAddress: "10.0.0.1" },
    hosts: { tasks: privately("10.0.0.2") },
  });
});

test("an EC2 host beside the first says what it is, and has all else from the first", () => {
  const tasks = { kind: "ec2", instanceType: "t4g.medium" };
  const { hosts } = read({ ...least, host: ec2, hosts: { tasks } });
  assert.deepEqual(hosts, {
    tasks: { ...tasks, rootVolume: 12, timezone: "UTC", locale: "en_US.UTF-8" },
  });
  for (const [key, value] of Object.entries({ ...ec2, dataVolume: 20, protect: true, alarms: {} })) {
    if (key in tasks) continue;
    assert.match(
      faults({ ...least, host: ec2, hosts: { tasks: { ...tasks, [key]: value } } }).join("\n"),
      new RegExp(
        `^berth:hosts\\.tasks\\.${key}: there is no such key\\..* There is: kind, instanceType, image, cpuCredits, rootVolume, timezone, locale, rebootAt, reach\\.$`,
      ),
    );
  }
});

test("only a type that has CPU credits is told what becomes of them", () => {
  const host = { ...ec2, instanceType: "m7g.large", cpuCredits: "standard" };
  const tasks = { kind: "ec2", instanceType: "t3.small", cpuCredits: "unlimited" };
  assert.deepEqual(faults({ ...least, host, hosts: { tasks } }), [
    "berth:host.cpuCredits: expected none: 'm7g.large' has no CPU credits; found \"standard\"",
  ]);
});

test("each EC2 host whose port 22 is closed has a tunnel of its own", () => {
  const reach = (port: number) => ({ address: "127.0.0.1", port });
  const closed = { ...ec2, sshFrom: [], reach: reach(2222) };
  const host = { kind: "ec2", instanceType: "t4g.small" };
  assert.deepEqual(
    faults({ ...least, host: closed, hosts: { tasks: host, mail: { ...host, reach: reach(2222) } } }),
    [
      "berth:hosts.tasks.reach: expected a tunnel of its own: host.sshFrom lets SSH in from nowhere; found nothing: the key is required",
      "berth:hosts.mail.reach: expected another address than host.reach; found a group with address, port",
    ],
  );
  read({ ...least, host: closed, hosts: { tasks: { ...host, reach: reach(2223) } } });
  read({ ...least, host: ec2, hosts: { tasks: host, mail: host } });
});

test("the ports of processes are open to everyone unless the stack says otherwise, and each is free on its host", () => {
  const listens = (ports: readonly unknown[], more: object = {}) => ({ command: "serve", ports, ...more });
  const from = ["10.0.0.0/8"];
  const processes = (all: object) => ({ ...least.app, processes: all });
  const { door } = read({
    ...least,
    app: processes({ door: listens([{ port: 7000 }, { port: 7001, from }]) }),
  }).app.processes;
  assert.deepEqual(door?.ports, [
    { port: 7000, from: ["0.0.0.0/0", "::/0"] },
    { port: 7001, from },
  ]);
  const two = {
    ...least,
    host: { ...given, port: 2222, openPorts: [8443] },
    hosts: { tasks: { ...given, address: "198.51.100.8", openPorts: [7000] } },
    services: { s3: { command: "/bin/s3", port: 9000 } },
  };
  const taken = (port: number) => ({ port });
  const free = (path: string, by: string, port: number) =>
    `berth:app.processes.${path}.port: expected a port that is free: ${by} has this one; found ${port}`;
  const all = {
    door: listens([5432, 6379, 9000, 8443, 2222, 7000].map(taken)),
    more: listens([taken(7000)]),
    there: listens([taken(7000), taken(5432)], { runsOn: "tasks" }),
  };
  assert.deepEqual(faults({ ...two, app: processes(all) }), [
    free("door.ports[0]", "postgres", 5432),
    free("door.ports[1]", "redis", 6379),
    free("door.ports[2]", "services.s3", 9000),
    free("door.ports[3]", "host.openPorts", 8443),
    free("door.ports[4]", "SSH (host.port)", 2222),
    free("more.ports[0]", "app.processes.door", 7000),
    free("there.ports[0]", "hosts.tasks.openPorts", 7000),
  ]);
  const at = (port: number) => ({ ports: [taken(port)] });
  const wrong = {
    web: at(7000),
    release: { command: "migrate", ...at(7001) },
    door: { command: "serve", count: 2, ...at(7002) },
    worker: { command: "rq worker", ...at(7003) },
  };
  assert.deepEqual(
    faults({ ...least, app: processes(wrong) }).map((one) => one.replace(/; found .*/, "")),
    [
      "berth:app.processes.web.ports: expected none: nginx answers for the web server, at ports 80 and 443",
      "berth:app.processes.release.ports: expected none: of 'release' there is only 'command'",
      "berth:app.processes.door.count: expected 1: two of it cannot listen at one port",
      "berth:app.processes.worker.ports: expected none: a worker finishes its tasks while the next one works, and two cannot listen at one port. Give the ports to a process of its own",
    ],
  );
});

for (const [ports, expected] of [
  [[{ port: 443 }], /^berth:app\.processes\.door\.ports\[0\]\.port: expected .*1024.*found 443$/],
  [[{ port: 40000 }], /ports\[0\]\.port: expected .*32767.*found 40000$/],
  [[{ port: 7000, from: [] }], /ports\[0\]\.from: expected/],
  [[{ port: 7000, from: ["office"] }], /ports\[0\]\.from\[0\]: expected a network, such as/],
] as const)
  test(`a process may not listen at ${JSON.stringify(ports)}`, () => {
    const processes = { door: { command: "serve", ports } };
    assert.match(faults({ ...least, app: { ...least.app, processes } }).join("\n"), expected);
  });

for (const [hosts, expected] of [
  [
    { web: { kind: "local" } },
    /^berth:hosts\.web: expected another name than 'web', .*such as 'tasks'; found "web"$/,
  ],
  ...["server", "database", "redis", "localhost"].map(
    (name) =>
      [
        { [name]: { kind: "local" } },
        new RegExp(
          `^berth:hosts\\.${name}: expected a name that nothing else of the stack has, .*\\b${name}\\b.*; found "${name}"$`,
        ),
      ] as const,
  ),
  [{ Tasks: { kind: "local" } }, /^berth:hosts\.Tasks: expected a name of lower-case/],
  [
    { tasks: { kind: "ecs" } },
    /^berth:hosts\.tasks\.kind: expected "local" or "existing" or "ec2"; found "ecs"/,
  ],
  [{ tasks: { kind: "local", memry: 1 } }, /^berth:hosts\.tasks\.memry: .* Did you mean 'memory'\?/],
  [{ tasks: { ...given, privateAddress: "tasks.internal" } }, /privateAddress: expected an IP address/],
] as const) {
  test(`more hosts may not be ${JSON.stringify(hosts).slice(0, 60)}`, () => {
    assert.match(faults({ ...least, hosts }).join("\n"), expected);
  });
}

test("a process runs on a host that there is, and the web server on the first", () => {
  const on = (runsOn: string, name = "worker") => ({
    ...least.app,
    processes: { [name]: { ...(name === "web" ? {} : { command: "rq worker" }), runsOn } },
  });
  const hosts = { tasks: { kind: "local" } };
  assert.equal(read({ ...least, hosts, app: on("tasks") }).app.processes.worker?.runsOn, "tasks");
  assert.deepEqual(faults({ ...least, hosts, app: on("task") }), [
    `berth:app.processes.worker.runsOn: expected a name in 'hosts': tasks; found "task"`,
  ]);
  assert.deepEqual(faults({ ...least, app: on("tasks") }), [
    `berth:app.processes.worker.runsOn: expected a name in 'hosts': there is none; found "tasks"`,
  ]);
  assert.deepEqual(faults({ ...least, hosts, app: on("tasks", "web") }), [
    'berth:app.processes.web.runsOn: expected none: the web server runs on the first host; found "tasks"',
  ]);
});
