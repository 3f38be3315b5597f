// An application from PyPI as examples/real has it: its directory has a list of requirements and nothing else.
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { type Browser, browse } from "../e2e/browser.ts";
import { edit, type Stack, withStack } from "../e2e/harness.ts";
import { root } from "../engine/harness.ts";

export interface FromPypi {
  readonly stack: Stack;
  readonly visitor: Browser;
  /** Its part of the configuration. */
  readonly asked: Readonly<Record<string, unknown>>;
  /** What Django's shell prints of a line of code. */
  inDjango(code: string): Promise<string>;
  /** A page is there, with all the files that it names. */
  assertStyled(path: string): Promise<void>;
  /** A release and its roll-back leave it as it was: `looks` says whether it is. No preview wants a change then. */
  assertRollsBack(looks: () => Promise<void>): Promise<void>;
}

/** Makes a stack for one of examples/real. `scope` is `{ after }` from node:test, for a whole file. */
export async function fromPypi(
  scope: { after(clean: () => void): void },
  name: string,
  secrets?: Readonly<Record<string, string>>,
): Promise<FromPypi> {
  const place = mkdtempSync(join(tmpdir(), `berth-${name}-`));
  scope.after(() => rmSync(place, { recursive: true }));
  const example = join(root, "examples/real", name);
  copyFileSync(join(example, "requirements.txt"), join(place, "requirements.txt"));
  const stack = await withStack(scope, { app: place });
  const settings = `Pulumi.${name}.settings.py`;
  if (existsSync(join(example, settings)))
    copyFileSync(join(example, settings), join(stack.project, settings));
  const { "berth:app": app } = parse(readFileSync(join(example, `Pulumi.${name}.yaml`), "utf8")).config;
  const asked = { ...app, source: { directory: "app" }, ...(secrets === undefined ? {} : { secrets }) };
  const visitor = browse(stack);
  const live = () => stack.on(`readlink /srv/${name}/current`);
  return {
    stack,
    visitor,
    asked,
    inDjango: (code) => stack.on(`${name}-manage shell -c "${code}" 2>/dev/null`),
    async assertStyled(path) {
      const page = await visitor.page(path);
      assert.equal(page.status, 200, page.text);
      const files = [...page.text.matchAll(/(?:href|src)="(\/static\/[^"]+)"/g)].map(([, file = ""]) => file);
      assert.ok(files.some((file) => file.endsWith(".css")));
      for (const file of files) assert.equal((await stack.fetch(file)).status, 200, file);
    },
    async assertRollsBack(looks) {
      const before = await live();
      edit(stack, "app/requirements.txt", (text) => `${text}# another release\n`);
      await stack.succeed();
      assert.notEqual(await live(), before);
      stack.configure({ app: { ...asked, release: before.split("/").at(-1) } });
      await stack.succeed();
      assert.equal(await live(), before);
      await looks();
      assert.equal((await stack.up("--expect-no-changes")).code, 0);
    },
  };
}
