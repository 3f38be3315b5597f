// The log that Pulumi keeps of every command by itself, and how Berth does without it.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { keepNoLogs } from "../../engine/logs.ts";
import { withEngine } from "./harness.ts";

test("an update writes no log under PULUMI_HOME, and one that was there goes", async (t) => {
  const engine = await withEngine(t, { logs: true });
  const cwd = engine.project({ "index.ts": "export const answer = 42;\n" });
  const logs = join(engine.home, "logs");
  await engine.succeed(["stack", "init", "quiet"], { cwd });
  // Should Pulumi stop writing it, engine/logs.ts can go.
  assert.ok(readdirSync(logs).length > 0);

  keepNoLogs(engine.home);
  const { stdout } = await engine.succeed(["up", "--yes", "--stack", "quiet"], { cwd });
  assert.match(stdout, /answer: 42/);
  assert.match(readFileSync(logs, "utf8"), /--logtostderr/);

  keepNoLogs(engine.home);
  const asked = await engine.succeed(["up", "--yes", "--stack", "quiet", "--logtostderr", "-v=9"], { cwd });
  assert.match(asked.stderr, /RegisterResource/);
  rmSync(logs);
  keepNoLogs(engine.home);
  assert.ok(existsSync(logs));
});
