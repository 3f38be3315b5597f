import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { asWritten } from "../../config/as-written.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-env-"));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, "Pulumi.shop.yaml");
writeFileSync(
  file,
  `config:
  berth:app:
    env:
      ZIP: 0123
      PYTHON: 3.10 # the version
      GUILD: 987654321098765433
      LAUNCH: 2025-01-01
      DEBUG: False
      QUOTED: "0123"
      NAME: The shop
`,
);

test("what YAML takes for a number, a date or a truth value arrives as it was written", async () => {
  // As the engine tells them.
  const read = {
    ZIP: 83,
    PYTHON: 3.1,
    GUILD: 987654321098765400,
    LAUNCH: "2025-01-01 00:00:00 +0000 UTC",
    DEBUG: false,
    QUOTED: "0123",
    NAME: "The shop",
  };
  assert.deepEqual(await asWritten(read, file), {
    ZIP: "0123",
    PYTHON: "3.10",
    GUILD: "987654321098765433",
    LAUNCH: "2025-01-01",
    DEBUG: "False",
    QUOTED: "0123",
    NAME: "The shop",
  });
});

test("a value whose text nobody can know is refused by its key, and a text never is", async () => {
  await assert.rejects(
    asWritten({ ZIP: 83 }, join(folder, "none.yaml")),
    /^Error: berth:app\.env\.ZIP: expected text in quotes; found 83\n/,
  );
  await assert.rejects(asWritten({ PORT: 8000 }, file), /berth:app\.env\.PORT/);
  assert.deepEqual(await asWritten({ NAME: "2025" }, join(folder, "none.yaml")), { NAME: "2025" });
});
