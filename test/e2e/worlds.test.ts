// The worlds that tests run in: apart from each other, and gone with whoever made them, however that one ends.
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { userData } from "../../cloud-init/user-data.ts";
import { root } from "../engine/harness.ts";
import { until } from "../until.ts";
import { commandLines } from "./harness.ts";

const script = join(root, "test/runner/world.sh");
const worlds = "/var/lib/berth-test";

/** A run of tests, as a process: opens worlds, and makes a local host in each, which says its address. */
function startRun(folder: string, names: readonly string[]): { process: ChildProcess; said(): string } {
  const key = (name: string) => {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "alike", "-f", join(folder, name)]);
    const text = (suffix: string) => readFileSync(join(folder, `${name}${suffix}`), "utf8");
    return { private: text(""), public: text(".pub").trim() };
  };
  const [login, hostKey] = [key("login"), key("host")];
  const text = userData({
    fqdn: "alike.berth.test",
    user: "berth",
    authorizedKey: login.public,
    hostPrivateKey: hostKey.private,
    hostPublicKey: hostKey.public,
  });
  const host = 'bash components/host/local/create.sh <<<"$USER_DATA"; sleep 600';
  const run = `
    id=$$-$(sed 's/.*) //' /proc/$$/stat | cut -d' ' -f20)
    bash ${script} open "$id"
    for name in ${names.join(" ")}; do
      BERTH_MACHINE=berth-alike bash ${script} run "$id" "$name" bash -c "$HOST" &
    done
    wait`;
  const env = { ...process.env, USER_DATA: text, HOST: host };
  const child = spawn("bash", ["-c", run], { cwd: root, env, stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  return { process: child, said: () => said };
}

const lines = (command: string, ...args: string[]) =>
  execFileSync(command, args, { encoding: "utf8" }).split("\n").filter(Boolean);

/** The machines, interfaces, mounts and processes of worlds on this computer. */
function parts(): string[] {
  return [
    ...commandLines().filter((line) => line.includes("berth-alike")),
    ...lines("ip", "-o", "link", "show", "type", "veth").filter((line) => /: bt-\d+/.test(line)),
    ...lines("findmnt", "-rno", "TARGET").filter((line) => line.startsWith(worlds)),
    // Those over files of the two worlds, which this one does not see.
    ...lines("losetup", "-nO", "BACK-FILE").filter((line) => line.includes("berth-alike")),
  ];
}

/** What stays until somebody takes it away: folders, control groups, rules. */
function remains(): string[] {
  const folders = [worlds, "/sys/fs/cgroup/unified", "/sys/fs/cgroup/memory", "/sys/fs/cgroup"];
  return [
    ...folders
      .filter((folder) => existsSync(folder))
      .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
      .filter((path) => /\/\d+-\d+$/.test(path)),
    ...lines("nft", "list", "tables").filter((line) => line.includes("berth_test")),
  ];
}

test("two worlds have a host of the same name at the same address; a run that is killed leaves nothing that runs, and the next takes the rest away and says so", async (t) => {
  const before = parts();
  const folder = mkdtempSync(join(tmpdir(), "berth-alike-"));
  const run = startRun(folder, ["one", "two"]);
  t.after(() => {
    rmSync(folder, { recursive: true });
    run.process.kill("SIGKILL");
    spawnSync("bash", [script, "clear"]);
  });
  await until("a host in each world", () => run.said().match(/^\{.*\}$/gm)?.length === 2, run.said);
  const [one, two] = run
    .said()
    .split("\n")
    .map((line) => JSON.parse(line || "{}").address);
  assert.match(one, /^10\./);
  assert.equal(one, two);
  assert.ok(parts().length > before.length + 4, "there is something to go");

  run.process.kill("SIGKILL");
  await until(
    "all that ran to be gone",
    () => parts().length === before.length,
    () => parts().join("\n"),
  );
  assert.notDeepEqual(remains(), []);
  const next = spawnSync("bash", [script, "clear"], { encoding: "utf8" });
  assert.equal(next.status, 0, next.stderr);
  assert.match(
    next.stderr,
    /^berth: taking away what a run of the tests that was killed has left \(\d+-\d+\)$/m,
  );
  assert.deepEqual(remains(), []);
  assert.equal(
    spawnSync("bash", [script, "clear"], { encoding: "utf8" }).stderr,
    "",
    "there is nothing more to say",
  );
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`'npm test' that is told to end by ${signal} says so, and leaves nothing`, async (t) => {
    const before = parts();
    const machines = () => commandLines().filter((line) => /^systemd-nspawn .*--machine=berth-/.test(line));
    const args = ["scripts/test.ts", "cloud/host-metadata"];
    // What it keeps for itself lies where its own worlds, which are within this one, see it.
    const env = { ...process.env, TMPDIR: "/tmp" };
    const run = spawn(process.execPath, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    t.after(() => run.kill("SIGKILL"));
    let said = "";
    for (const channel of [run.stdout, run.stderr])
      channel.setEncoding("utf8").on("data", (text: string) => (said += text));
    const ended = new Promise((resolve) => run.once("close", resolve));
    await until(
      "its host",
      () => machines().length === 1,
      () => said,
    );

    run.kill(signal);
    assert.equal(await ended, 1, said);
    assert.match(said, /^INTERRUPTED: what was under way counts as failed/m);
    assert.match(said, /^0 passed, 1 failed, 0 skipped$/m);
    assert.deepEqual([machines(), parts(), remains()], [[], before, []]);
  });
}

test("a run that ends by itself leaves nothing, and takes nothing of another's away", async (t) => {
  const id = `${process.pid}-${readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ")[19]}`;
  t.after(() => spawnSync("bash", [script, "clear", id]));
  const world = (...args: string[]) => spawnSync("bash", [script, ...args], { encoding: "utf8" });
  assert.equal(world("open", id).status, 0);
  const sees = world(
    "run",
    id,
    "alone",
    "bash",
    "-c",
    "ip -br link; ls -d /var/lib/berth/* /run/berth/*; exit 7",
  );
  assert.equal(sees.status, 7, "the status is the command's");
  assert.match(sees.stdout, /^lo .*\nuplink@\S+ [^\n]*\n$/, "no bridge, no machine, no lock of others");
  assert.equal(world("clear").stderr, "", "this run is alive");
  assert.ok(remains().length > 0);
  world("clear", id);
  assert.deepEqual(remains(), []);
});
