// A release that takes more memory than its host has. The kernel is busy for minutes with finding some, and others on this
// computer wait meanwhile.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { edit, withStack } from "../e2e/harness.ts";

test("a release that takes more memory than there is says so, spares what is live, and is tried again", async () => {
  const stack = await withStack({ after }, { deployed: true });
  const current = () => stack.on("basename $(readlink /srv/logbook/current)");
  const servers = () => stack.on("pgrep -u logbook gunicorn | xargs");
  const [before, living] = [await current(), await servers()];
  edit(stack, "app/logbook/wsgi.py", (text) => `${text}\n\nheavy = b"x" * (6 << 30)\n`);
  for (const again of [false, true]) {
    const run = await stack.up();
    assert.notEqual(run.code, 0);
    assert.match(
      run.stdout + run.stderr,
      /memory was short, and the kernel ended processes\..* lower app\.workers/s,
      `${again}`,
    );
  }
  assert.equal(await current(), before);
  assert.equal(await servers(), living);
  assert.equal((await stack.fetch("/health")).status, 200);
});
