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

/**
 * What is added to `wsgi.py` for a release that ends this process with SIGKILL as soon as people are sent to it.
 *
 * Not while an answer is being sent: gunicorn and uWSGI send one in parts, and of one that has begun nobody can take
 * the beginning back and ask elsewhere.
 *
 * @param whom the process, in Python: `os.getpid()` is a worker, `os.getppid()` the server with all its workers
 */
export const crashAfterSwitch = (
  whom: "os.getpid()" | "os.getppid()",
) => `import fcntl, os, signal, threading, time

def over():
    return f"/tmp/over-{${whom}}"

class Answer:
    def __init__(self, parts):
        self.parts = parts
        self.sending = open(__file__)
        fcntl.flock(self.sending, fcntl.LOCK_SH)
        while os.path.exists(over()):
            time.sleep(1)

    def __iter__(self):
        return iter(self.parts)

    def close(self):
        self.parts.close()
        self.sending.close()

good = application

def application(environ, start_response):
    return Answer(good(environ, start_response))

def crash():
    while os.environ["BERTH_RELEASE"] not in os.readlink("/run/logbook/web.sock"):
        time.sleep(0.02)
    time.sleep(0.1)
    with open(__file__) as nobody_sends:
        fcntl.flock(nobody_sends, fcntl.LOCK_EX)
        open(over(), "w").close()
        os.kill(${whom}, signal.SIGKILL)
        time.sleep(60)

if os.getppid() != 1:
    threading.Thread(target=crash, daemon=True).start()
`;

const running = new Set<{ stop(): Promise<unknown> }>();

/** Stops what a test that failed has left running. */
export async function stopLoads(): Promise<void> {
  for (const load of running) await load.stop();
  running.clear();
}

/** Load on the stack's site until it is stopped: no more than a slow computer with two processors can answer beside a release. */
export async function loadOn(stack: Stack, options: { rate?: number; long?: number; writes?: boolean } = {}) {
  const certificate = `${(await stack.resource("nginx-certificate")).outputs.certPem}`;
  const load = startLoad(
    { address: await stack.address(), certificate },
    { rate: options.rate ?? 8, long: options.long ?? 20, writes: options.writes ?? true },
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
  for (const kind of "get kept post long upload slow".split(" "))
    assert.ok((result.answered[kind] ?? 0) > 0, `${kind}: ${result.answered[kind]}`);
}
