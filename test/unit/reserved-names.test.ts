// Names that an application may not have, held against the files that Berth puts on a host.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isFree } from "../../components/app/names/reserved.ts";

const place = join(import.meta.dirname, "../../components");

test("an application has no name under which Berth or the system keeps files of its own", () => {
  const own = readdirSync(place, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile() && !/\.(pyc|html)$/.test(one.name))
    .flatMap((one) => [
      ...readFileSync(join(one.parentPath, one.name), "utf8").matchAll(
        /\/(?:etc|usr\/local\/lib)\/berth\/([a-z][a-z0-9-]*)(?![a-z0-9.-])/g,
      ),
    ])
    .map(([, name = ""]) => name);
  assert.ok(own.length > 50);
  for (const name of new Set([...own, "postgres", "ferretdb", "log", "user", "systemd", "berth-copy"]))
    assert.ok(!isFree(name), name);
  for (const name of ["shop", "logs-of-ours", "berthold", "services-of-ours"]) assert.ok(isFree(name), name);
});
