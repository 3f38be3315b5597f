import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { removeLock, staleLocks, withoutPendingSteps } from "../../engine/stale-lock.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-locks-"));
const running: ChildProcess[] = [];
after(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

let made = 0;
/** A file backend with one lock, as the CLI writes it. */
function backend(holder: Record<string, unknown> | string): { state: string; path: string } {
  const state = join(folder, `state-${++made}`);
  const path = join(state, ".pulumi/locks/organization/berth/prod", "0b7e2f5e.json");
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, typeof holder === "string" ? holder : JSON.stringify(holder));
  writeFileSync(`${path}.attrs`, "{}");
  return { state, path };
}

const here = { username: "root", hostname: hostname() };
const gone = () => spawnSync("true").pid;
const now = () => new Date().toISOString();

/** A process that, to all appearances, is the CLI. */
function engine(): number {
  const program = join(folder, "pulumi");
  if (!existsSync(program)) copyFileSync("/bin/sleep", program);
  const child = spawn(program, ["60"], { stdio: "ignore" });
  running.push(child);
  return child.pid as number;
}

test("the lock of a process of this computer that is gone is stale, and can be removed", () => {
  const pid = gone();
  const { state, path } = backend({ ...here, pid, timestamp: now() });
  assert.deepEqual(staleLocks(state), [{ stack: "prod", path, pid }]);
  for (const lock of staleLocks(state)) removeLock(lock);
  assert.deepEqual([existsSync(path), existsSync(`${path}.attrs`)], [false, false]);
  assert.deepEqual(staleLocks(state), []);
});

test("the lock of a run that is still at work is not stale", () => {
  const pid = engine();
  const { state } = backend({ ...here, pid, timestamp: now() });
  assert.deepEqual(staleLocks(state), []);
});

test("another process that has got the same id in the meantime does not keep a lock", () => {
  const long = new Date(Date.now() - 3_600_000).toISOString();
  assert.equal(staleLocks(backend({ ...here, pid: process.pid, timestamp: now() }).state).length, 1);
  assert.equal(staleLocks(backend({ ...here, pid: engine(), timestamp: long }).state).length, 1);
});

test("the lock of another computer is left alone, and so is one that cannot be read", () => {
  assert.deepEqual(
    staleLocks(backend({ ...here, hostname: "other", pid: gone(), timestamp: now() }).state),
    [],
  );
  assert.deepEqual(staleLocks(backend("{").state), []);
});

test("a backend without locks has none that are stale", () => {
  assert.deepEqual(staleLocks(join(folder, "nothing")), []);
});

test("of what was under way, steps and keys are forgotten; what a cloud may have made is not", () => {
  const operation = (type: string) => ({ type: "creating", resource: { urn: `urn::${type}::x`, type } });
  const exported = (...types: string[]) =>
    JSON.stringify({ version: 3, deployment: { resources: [1], pending_operations: types.map(operation) } });
  assert.equal(
    withoutPendingSteps(
      exported("command:remote:Command", "aws:ec2/instance:Instance", "tls:index:PrivateKey"),
    ),
    exported("aws:ec2/instance:Instance"),
  );
  assert.equal(withoutPendingSteps(exported("aws:ec2/instance:Instance")), undefined);
  assert.equal(withoutPendingSteps(JSON.stringify({ version: 3, deployment: null })), undefined);
  assert.equal(withoutPendingSteps(JSON.stringify({ version: 3, deployment: {} })), undefined);
});
