import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The settings for Django in docs/aws.md, with what they ask to be imported. */
export function documentedSettings(): string {
  const text = readFileSync(join(import.meta.dirname, "../../docs/aws.md"), "utf8");
  const found = /^```python\n([\s\S]*?)^```/m.exec(text)?.[1];
  assert.ok(found, "docs/aws.md has settings for Django");
  return `import os\nfrom django.core.files.storage import FileSystemStorage\n${found}`;
}
