// Docker on a real host, with Debian's own registry beside it: a process that starts containers, and what it may not.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { bareMachine, described } from "../faults/faults.ts";
import { until } from "../until.ts";
import { npmRun, npmRunIn } from "./checkout.ts";
import { type Run, withPackages, withStack } from "./harness.ts";
import { type Registry, registryOn } from "./registry.ts";
import { statusOnce } from "./status.ts";

const stack = await withStack({ after }, { app: "test/fixtures/queue", deployed: true });
const said = (run: Run) => run.stdout + run.stderr;
let registry: Registry;
let image = "";

/** Whether somebody who is not on the host gets a connection to a port of it. */
const reached = (port: number) =>
  stack.address().then(
    (host) =>
      new Promise<boolean>((settle) => {
        const socket = connect({ host, port, timeout: 2000 });
        const end = (answer: boolean) => {
          socket.destroy();
          settle(answer);
        };
        socket.on("connect", () => end(true));
        socket.on("error", () => end(false));
        socket.on("timeout", () => end(false));
      }),
  );

writeFileSync(
  join(stack.project, "app/jobs.py"),
  `import os, pathlib, subprocess, time
place = pathlib.Path(os.environ["HOME"]) / "job"
while True:
    run = ["docker", "run", "--rm", "--network", "none", os.environ["DOCKER_IMAGE_RUNNER"], "/bin/busybox", "echo", "made in a container"]
    done = subprocess.run(run, capture_output=True, text=True)
    place.write_text(done.stdout + done.stderr)
    time.sleep(2)
`,
);

test("Docker comes with a host, bounded, and is reached by its socket alone", async () => {
  stack.configure({ docker: { enabled: true } });
  const run = await stack.succeed();
  assert.deepEqual([run.changes["docker-server"], run.changes["docker-images"]], ["create", "create"]);
  assert.equal(await stack.on("ss -Hltnp | grep -c dockerd || true"), "0");
  assert.equal(await stack.on("stat -c '%U:%G %a' /run/docker.sock"), "root:docker 660");
  assert.equal(await stack.on("docker images -q | wc -l"), "0", "nothing is left of its proof");
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
  await statusOnce(stack, ({ stdout }) => /Docker +running/.test(stdout));
  assert.equal((await npmRun(stack, "logs", "docker", "--no-follow").ended).code, 0);
});

test("a process in the group docker runs the image that the stack names, and the preview says what that means", async () => {
  registry = await registryOn(stack);
  image = await registry.published("jobs/runner");
  stack.configure({
    docker: { enabled: true, images: { runner: image } },
    app: { processes: { jobs: { command: "python jobs.py", account: "jobs", groups: ["docker"] } } },
  });
  const warned = /'jobs' of the application queue may use Docker \(groups\), which is as much as being root/;
  assert.match(said(await stack.preview()), warned);
  const run = await stack.succeed();
  assert.match(said(run), /docker-images: fetching the image runner/);
  await until(
    "the process to have run a container",
    async () => (await stack.on("cat /var/lib/queue-jobs/job 2>/dev/null || true")) === "made in a container",
  );
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});

test("no other account gets to it: not the application's own, outside of that process, and not the owner", async () => {
  for (const account of ["queue", "deploy", "www-data", "jobs"]) {
    const asked = await stack.ssh(`runuser -u ${account} -- docker ps`);
    assert.notEqual(asked.code, 0, account);
    assert.match(asked.stderr, /permission denied|does not exist/, account);
  }
  assert.equal(await stack.on("getent group docker | cut -d: -f4"), "");
});

test("what a container publishes to everyone is reached from the host alone, and it opens nothing", async () => {
  const serve = `docker run -d --rm --name door -p 0.0.0.0:8088:8080 ${image} /bin/busybox sh -c 'while :; do echo hello | /bin/busybox nc -l -p 8080; done'`;
  await stack.on(serve);
  assert.equal(await stack.on("timeout 5 busybox nc 127.0.0.1 8088"), "hello");
  assert.equal(await reached(8088), false);
  // Docker's own rules alone would let everyone in.
  await stack.on("nft delete table inet berth_docker");
  assert.equal(await reached(8088), true);
  await stack.on("systemctl restart docker");
  assert.equal(await reached(8088), false, "the rules are back with Docker");
  assert.equal(await stack.on("docker ps -q --filter name=door | wc -l"), "1", "it has gone on meanwhile");
  await stack.on("docker stop -t 0 door");
  // Nor with a network of other addresses, which somebody makes.
  await stack.on("docker network create --subnet 10.99.0.0/24 own");
  await stack.on(serve.replace("--name door", "--name door --network own").replace("8088:", "8089:"));
  assert.equal(await stack.on("timeout 5 busybox nc 127.0.0.1 8089"), "hello");
  assert.equal(await reached(8089), false);
  await stack.on("docker stop -t 0 door; docker network rm own");

  const within = (command: string) => stack.ssh(`docker run --rm ${image} /bin/busybox ${command}`);
  assert.match((await within("wget -T 5 -O - http://169.254.169.254/latest/")).stderr, /refused/);
  const own = await stack.ssh(`docker run --rm ${image} /bin/busybox nc -w 3 172.17.0.1 5432 </dev/null`);
  assert.notEqual(own.code, 0, "PostgreSQL is not open to containers");
});

test("an image that is not there stops the release before anything has changed, and says which", async () => {
  const missing = `${registry.at}/jobs/runner@sha256:${"0".repeat(64)}`;
  stack.configure({ docker: { enabled: true, images: { runner: missing } } });
  const before = await stack.on("readlink /srv/queue/config/web/current");
  const run = await stack.up();
  assert.notEqual(run.code, 0);
  assert.match(said(run), /cannot be fetched \(docker\.images\.runner\): .*(unknown|not found)/);
  assert.equal(await stack.on("readlink /srv/queue/config/web/current"), before);
});

test("a registry that asks who comes is told so by Berth, which keeps its password nowhere", async () => {
  await stack.on(
    "apt-get install -y -qq apache2-utils >/dev/null 2>&1; htpasswd -iBc /etc/docker/registry/passwords jobs; chmod 644 /etc/docker/registry/passwords",
    { stdin: "open-the-registry" },
  );
  const second = await registry.published("jobs/second");
  await registry.restart("auth: {htpasswd: {realm: jobs, path: /etc/docker/registry/passwords}}\n");
  const images = { runner: image, second };
  stack.configure({ docker: { enabled: true, images } });
  assert.match(said(await stack.up()), /A registry that asks who comes belongs into docker\.registries/);
  const registries = { [registry.at]: { username: "jobs", password: `\${secrets.REGISTRY_TOKEN}` } };
  const set = [
    "config",
    "set",
    "--secret",
    "--path",
    "berth:app.secrets.REGISTRY_TOKEN",
    "open-the-registry",
  ];
  assert.equal((await stack.pulumi(set)).code, 0);
  stack.configure({ docker: { enabled: true, images, registries } });
  const run = await stack.succeed();
  assert.doesNotMatch(said(run), /fetching the image runner/, "it is there");
  assert.doesNotMatch(said(run), /open-the-registry/);
  assert.equal(
    await stack.on("grep -rl open-the-[r]egistry /etc /run/berth* /var/log /root 2>/dev/null || true"),
    "",
  );
});

test("an image that somebody has removed is found, and fetched again", async () => {
  // What uses it stands still meanwhile.
  await stack.on("systemctl kill --signal=STOP 'queue-jobs@*'");
  await until("its last container to end", async () => (await stack.on("docker ps -aq | wc -l")) === "0");
  await stack.on(`docker image rm -f berth-runner ${image}`);
  assert.notEqual((await stack.ssh(`docker image inspect ${image}`)).code, 0);
  const drift = await npmRun(stack, "drift").ended;
  assert.match(drift.stdout, /runner:latest@sha256:[0-9a-f]{64} was removed \(step docker-images\)/);
  // On a busy computer as well.
  const run = await npmRunIn({ BERTH_DRIFT_PATIENCE: "60" }, undefined, stack, "start").ended;
  assert.match(run.stdout, /docker-images +changed/, run.stdout + run.stderr);
  assert.equal(await stack.on(`docker image inspect --format '{{len .RepoTags}}' ${image}`), "1");
  await stack.on("systemctl kill --signal=CONT 'queue-jobs@*'");
});

test("above its share of the disk what nothing uses goes, and what the stack names stays", async () => {
  stack.configure({
    docker: { disk: 1, logs: 6, images: { runner: image } },
  });
  await stack.succeed();
  for (const name of ["one", "two"]) {
    await stack.on(
      `d=$(mktemp -d); mkdir $d/bin; cp /usr/bin/busybox $d/bin/; head -c 700M /dev/zero >$d/${name}; tar -C $d -c . | docker import - ${name} >/dev/null; rm -r $d`,
    );
  }
  // As people do it.
  await stack.on("docker system prune --force");
  await stack.on("docker run -d --name uses two /bin/busybox sleep 600");
  await stack.on("systemctl start berth-docker-space");
  const left = await stack.on("docker image ls --format '{{.Repository}}' | sort | paste -sd' '");
  assert.equal(left, `${registry.at}/jobs/runner berth-runner two`, "and 'second' is not named any more");
  assert.match(
    await stack.on("journalctl -u berth-docker-space -o cat"),
    /removed 0\.\d GiB that nothing used/,
  );
  // What is in use alone is more than that.
  await stack.on(
    "docker exec uses /bin/busybox sh -c 'head -c 500M /dev/zero >/more' 2>/dev/null || docker exec uses /bin/busybox dd if=/dev/zero of=/more bs=1M count=500",
  );
  assert.notEqual((await stack.ssh("systemctl start berth-docker-space")).code, 0);
  assert.match(
    await stack.on("journalctl -u berth-docker-space -o cat"),
    /Docker has 1\.\d GiB, and 1 are its share \(docker\.disk\); all of it is in use/,
  );
  await statusOnce(stack, ({ stdout }) => /berth-docker-space/.test(stdout));
  const logs = await stack.on("docker inspect --format '{{json .HostConfig.LogConfig}}' uses");
  assert.deepEqual(JSON.parse(logs), { Type: "local", Config: { "max-file": "3", "max-size": "2m" } });
  await stack.on("docker rm -f uses; systemctl start berth-docker-space");
});

test("with remapped users, root in a container is nobody on the host", async () => {
  const shadow = (image: string) =>
    stack.ssh(`docker run --rm -v /etc/shadow:/shadow ${image} /bin/busybox grep -c ^root: /shadow`);
  assert.equal((await shadow(image)).stdout.trim(), "1");
  await stack.on(`docker run -d --name lasting ${image} /bin/busybox sleep 600`);
  stack.configure({ docker: { users: "remapped" } });
  await stack.succeed();
  assert.equal(await stack.on("pgrep -fc '[b]usybox sleep 600' || true"), "0", "nothing is left behind");
  const asked = await shadow(image);
  assert.notEqual(asked.code, 0);
  assert.match(asked.stderr, /Permission denied/i);
});

test("taken out, it stops with all that it runs, and leaves its data", async () => {
  await stack.on(`docker run -d --name lasting ${image} /bin/busybox sleep 600`);
  stack.configure({ docker: undefined, app: { processes: undefined } });
  await stack.succeed();
  assert.equal(await stack.on("pgrep -xc dockerd || true"), "0");
  assert.equal(await stack.on("pgrep -fc '[b]usybox sleep 600' || true"), "0");
  assert.notEqual((await stack.ssh("nft list table inet berth_docker")).code, 0);
  assert.notEqual(await stack.on("ls /var/lib/docker | wc -l"), "0");
  assert.equal((await stack.fetch("/health")).status, 200);
});

test("on a machine that somebody brings, what runs in Docker is not cut off, and its settings are not written over", async (t) => {
  const machine = bareMachine(t, withPackages);
  const brought = await withStack(t, { app: "test/fixtures/queue", config: { docker: { enabled: true } } });
  brought.configure({ host: { ...described(brought, machine), openPorts: [] } });
  machine.inside(
    "apt-get update -qq; apt-get install -y -qq --no-install-recommends docker.io docker-cli busybox-static; tar -C /usr -c bin/busybox | docker import - theirs; docker run -d --name theirs theirs /bin/busybox sleep 600",
  );
  const running =
    /Docker runs containers on this host already \(1\), and with docker\.enabled nobody.*Nothing has been changed/s;
  assert.match(said(await brought.up()), running);
  machine.inside("docker rm -f theirs; echo '{}' >/etc/docker/daemon.json");
  assert.match(said(await brought.up()), /this host has settings of Docker of its own/);
  assert.equal(machine.inside("cat /etc/docker/daemon.json"), "{}");
});
