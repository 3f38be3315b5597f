// The load of bench/load.ts on a stack of a test, and what must be true of it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type LoadResult, startLoad } from "../bench/load.ts";
import { edit, type Stack } from "./e2e/harness.ts";
import { root } from "./engine/harness.ts";

/** Gives the application's copy the views that the load asks. */
export function addLoadViews(stack: Stack): void {
  edit(stack, "app/logbook/load_views.py", () => readFileSync(join(root, "bench/load_views.py"), "utf8"));
  edit(stack, "app/logbook/urls.py", (text) =>
    text
      .replace("import path\n", "import include, path\n")
      .replace("urlpatterns = [\n", 'urlpatterns = [\n    path("load/", include("logbook.load_views")),\n'),
  );
}

const running = new Set<{ stop(): Promise<unknown> }>();

/** Stops what a test that failed has left running. */
export async function stopLoads(): Promise<void> {
  for (const load of running) await load.stop();
  running.clear();
}

/** Load on the stack's site until it is stopped. */
export async function loadOn(stack: Stack, options: { rate?: number; long?: number; writes?: boolean } = {}) {
  const certificate = `${(await stack.resource("nginx-certificate")).outputs.certPem}`;
  const load = startLoad(
    { address: await stack.address(), certificate },
    { rate: options.rate ?? 20, long: options.long ?? 20, writes: options.writes ?? true },
  );
  running.add(load);
  return load;
}

/** How often each token is in the database. */
async function rowsOf(stack: Stack): Promise<Map<string, number>> {
  const rows = await stack.on(
    `runuser -u postgres -- psql -XAtq logbook -c "SELECT name, count(*) FROM entries_entry WHERE name LIKE 'load-%' GROUP BY name"`,
  );
  const pairs = rows
    .split("\n")
    .filter(Boolean)
    .map((row) => row.split("|"));
  return new Map(pairs.map(([name = "", count]) => [name, Number(count)]));
}

/** The POSTs that were written more than once. */
async function duplicates(stack: Stack, result: LoadResult): Promise<string[]> {
  const written = await rowsOf(stack);
  return result.tokens.filter((token) => (written.get(token) ?? 0) > 1);
}

/** No request has failed, every POST that was answered is in the database, and none is there twice. */
export async function assertNothingLost(stack: Stack, result: LoadResult): Promise<void> {
  assert.deepEqual(result.failed, [], `${result.failed.length} of ${result.sent} failed`);
  assert.deepEqual(await duplicates(stack, result), []);
  const written = await rowsOf(stack);
  assert.deepEqual(
    result.posted.filter((token) => !written.has(token)),
    [],
  );
}
