// The packed components in a program of its own, deployed by the real engine: the first example of the page on components.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withEngine } from "../engine/harness.ts";
import { examples, installPackage } from "../unit/package-program.ts";
import { insideMachine, removeMachine } from "./harness.ts";

const machine = "berth-packed-shop";
const place = `/var/lib/berth/machines/${machine}`;

test("a program of its own deploys a host, a database and a step, from any folder and wherever it is moved, and destroys them", async (t) => {
  t.after(() => {
    if (existsSync(place)) removeMachine(machine);
  });
  const { BERTH_TEST_IMAGE: image } = process.env;
  const engine = await withEngine(t, { env: image ? { BERTH_IMAGE: image } : {} });
  let program = engine.project({
    // The program is a folder below that of its packages.
    "Pulumi.yaml": "name: shop\nruntime:\n  name: nodejs\n  options:\n    typescript: false\nmain: deploy/\n",
    "deploy/package.json": JSON.stringify({ name: "shop", type: "module", main: "index.ts" }),
    "deploy/index.ts": examples("ts")[0] ?? "",
    "deploy/greeting.sh": examples("sh").at(-1) ?? "",
    "node_modules/.package-lock.json": "{}",
  });
  installPackage(program);
  const elsewhere = join(engine.home, "elsewhere");
  mkdirSync(elsewhere);
  const pulumi = (...args: string[]) =>
    engine.succeed([...args, "--cwd", program, "--stack", "packed"], { cwd: elsewhere, timeout: 600_000 });

  await engine.succeed(["stack", "init", "packed"], { cwd: program });
  await pulumi("up", "--yes", "--skip-preview");
  assert.equal(insideMachine(machine, "cat /etc/motd").stdout, "Welcome to shop.\n");
  const { stdout: url } = await pulumi("stack", "output", "databaseUrl", "--show-secrets");
  const asked = insideMachine(machine, `psql '${url.trim()}' -Atc 'select current_database()'`);
  assert.equal(asked.stdout, "shop\n", asked.stderr);

  const moved = `${program}-moved`;
  renameSync(program, moved);
  program = moved;
  await pulumi("preview", "--expect-no-changes");
  await pulumi("destroy", "--yes", "--skip-preview");
  assert.ok(!existsSync(place));
});
