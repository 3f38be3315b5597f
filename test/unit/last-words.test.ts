import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const [filter] =
  /^without_interrupted\(\) \{[\s\S]*?^\}$/m.exec(readFileSync("components/app/live.sh", "utf8")) ?? [];

const said = (text: string) =>
  spawnSync("bash", ["-c", `${filter}\nwithout_interrupted`], { input: text, encoding: "utf8" }).stdout;

const traceback = (end: string) =>
  `Traceback (most recent call last):\n  File "app.py", line 1, in <module>\n    import shop\n    ~~~~~~^^^^\n${end}\n`;
const failed = traceback("RuntimeError: this cannot start");
const interrupted = traceback("KeyboardInterrupt");

test("of workers that were ended because another failed, the other's last words are kept", () => {
  const around = (text: string) => `spawned 4 workers\n${text}GAME OVER\n`;
  assert.equal(said(around(interrupted + failed + interrupted)), around(failed));
  assert.equal(said(failed), failed);
  assert.equal(said(interrupted), "");
});

test("nothing else of what a unit printed is left out", () => {
  const chained = `${failed}\nDuring handling of the above exception, another exception occurred:\n\n${failed}`;
  const cut = failed.split("\n").slice(0, 3).join("\n");
  const mixed = cut.replace(/$/, "\n") + failed;
  for (const text of [chained, `${cut}\n`, mixed, "KeyboardInterrupt\n", "  indented\nplain\n"])
    assert.equal(said(text), text);
});
