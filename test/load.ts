// The load of bench/load.ts on a stack of a test, and what must be true of it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { type LoadResult, startLoad } from "../bench/load.ts";
import * as views from "../bench/load-views.ts";
import { countRows, faultsOfPosts, readRows } from "../bench/rows.ts";
import type { Stack } from "./e2e/harness.ts";

/** Gives the application's copy the views that the load asks. */
export function addLoadViews(stack: Stack): void {
  views.addLoadViews(join(stack.project, "app"));
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

/** No request has failed, every POST that was answered is in the database, and none is there twice. */
export async function assertNothingLost(stack: Stack, result: LoadResult): Promise<void> {
  if (result.failed.length > 0) {
    const why = await stack.on(
      "tail -n 40 /var/log/nginx/error.log; journalctl -u 'logbook-*' -n 60 -o short-precise",
    );
    assert.deepEqual(result.failed, [], `${result.failed.length} of ${result.sent} failed\n${why}`);
  }
  const rows = readRows(await stack.on(countRows));
  assert.deepEqual(faultsOfPosts(result, rows), { twice: [], lost: [] });
}

/** Each kind of request was under way, and answered. */
export function assertEachKindAnswered(result: LoadResult): void {
  for (const kind of ["get", "kept", "post", "long", "upload", "slow"])
    assert.ok((result.answered[kind] ?? 0) > 0, `${kind}: ${result.answered[kind]}`);
}
