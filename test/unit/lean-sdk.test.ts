// What lean-sdk.ts puts off must still be there when it is asked for.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "../..");

function run(text: string, how: { lean: boolean; env?: NodeJS.ProcessEnv }) {
  const args = [...(how.lean ? ["--import=./lean-sdk.ts"] : []), "--eval", text];
  return spawnSync(process.execPath, args, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, ...how.env },
  });
}

test("a program starts without npm's resolver, TypeScript's compiler, source maps and tracing", () => {
  const text = `const { prepareStackTrace } = Error; require("source-map-support/register"); require("@pulumi/pulumi");
    require("@pulumi/pulumi/cmd/run/tracing");
    const heavy = ["pacote", "typescript/lib", "source-map/lib", "@opentelemetry/sdk-trace-base", "@pulumi/pulumi/automation/stack"];
    console.log(heavy.filter((name) => Object.keys(require.cache).some((file) => file.includes("node_modules/" + name))).join());
    console.log(Error.prepareStackTrace === prepareStackTrace);`;
  assert.equal(run(text, { lean: true }).stdout, "\ntrue\n");
  assert.equal(
    run(text, { lean: false }).stdout,
    "pacote,typescript/lib,source-map/lib,@opentelemetry/sdk-trace-base,@pulumi/pulumi/automation/stack\nfalse\n",
  );
});

test("what is put off works when it is asked for: a function is written down as ever", () => {
  const text = `const pulumi = require("@pulumi/pulumi");
    const added = 41;
    pulumi.runtime.serializeFunction((given) => given + added).then(({ text }) => console.log(text));`;
  const lean = run(text, { lean: true });
  assert.equal(lean.stdout, run(text, { lean: false }).stdout, lean.stderr);
  assert.match(lean.stdout, /given \+ added/);
});

test("what is put off works when it is asked for: the packages that a function needs are found", () => {
  const text = `const pulumi = require("@pulumi/pulumi");
    pulumi.runtime.computeCodePaths().then((paths) => console.log([...paths.keys()].sort().join()));`;
  const lean = run(text, { lean: true });
  assert.equal(lean.stdout, run(text, { lean: false }).stdout, lean.stderr);
  assert.match(lean.stdout, /node_modules\/zod/);
});

test("what is put off works when it is asked for: other stacks, and traces", () => {
  const text = `const { automation } = require("@pulumi/pulumi");
    const tracing = require("@pulumi/pulumi/cmd/run/tracing");
    console.log(typeof automation.LocalWorkspace.createOrSelectStack, "LocalWorkspace" in automation);
    const idle = tracing.newSpan("before").isRecording();
    tracing.start("http://127.0.0.1:9/");
    console.log(idle, tracing.newSpan("after").isRecording());
    process.exit();`;
  const lean = run(text, { lean: true });
  assert.match(lean.stdout, /^function true\nfalse true\n$/, lean.stderr);
  assert.equal(lean.stdout.split("\n")[0], run(text, { lean: false }).stdout.split("\n")[0]);
});

test("what zod says is the same without its other languages", () => {
  const text = `import("zod").then(({ z }) => {
    console.log(z.object({ size: z.number() }).safeParse({ size: "big" }).error.issues[0].message);
    console.log(Object.keys(z.locales).length > 1);
  });`;
  const [lean, whole] = [run(text, { lean: true }), run(text, { lean: false })];
  assert.match(whole.stdout, /expected number.*\ntrue\n/, whole.stderr);
  assert.equal(lean.stdout, whole.stdout.replace("true", "false"), lean.stderr);
});

test("the SDK's own debug messages are there for whoever asks for them", () => {
  const text = `const { log } = require("@pulumi/pulumi"); console.log(log.debug.toString().includes("engine"), typeof log.warn);`;
  assert.equal(run(text, { lean: true }).stdout, "false function\n");
  assert.equal(run(text, { lean: true, env: { BERTH_SDK_DEBUG: "1" } }).stdout, "true function\n");
});

test("where the SDK's promises were made is written down only for whoever looks for promises that stay open", () => {
  const text = `const { debuggablePromise } = require("@pulumi/pulumi/runtime/debuggable");
    const one = new Promise((settle) => setTimeout(settle, 1));
    debuggablePromise(one, "of a test").then(() => console.log(one._debugCtx, typeof one._debugStackTrace));`;
  assert.equal(run(text, { lean: true }).stdout, "of a test undefined\n");
  const asked = run(text, { lean: true, env: { PULUMI_DEBUG_PROMISE_LEAKS: "1" } });
  assert.equal(asked.stdout, "of a test string\n", asked.stderr);
});
