import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { renderTemplate } from "../../components/host/template.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-template-"));
after(() => rmSync(folder, { recursive: true }));

function template(text: string): string {
  const path = join(folder, "site.conf.liquid");
  writeFileSync(path, text);
  return path;
}

test("slots are filled, lists and conditions included", () => {
  const path = template(
    "name {{ name }};{% for one in names %} {{ one }}{% endfor %}{% if tls %} ssl{% endif %}\n",
  );
  assert.equal(renderTemplate(path, { name: "shop", names: ["a", "b"], tls: true }), "name shop; a b ssl\n");
});

test("a slot that is not filled is an error that names it, even where this rendering would not need it", () => {
  const path = template("{% if tls %}root {{ root }};{% endif %}\n");
  assert.throws(() => renderTemplate(path, { tls: false }), {
    message: `${path}: its slot root is not filled`,
  });
});

test("a value without a slot is an error that names both", () => {
  const path = template("root {{ root }};\n");
  assert.throws(() => renderTemplate(path, { root: "/srv", rooot: "/srv" }), {
    message: `${path}: has no slot named rooot; it has: root`,
  });
});

test("a value is text, whatever it holds: it is neither a template nor escaped", () => {
  const value = "{{ root }} <a> & 'b' $c";
  assert.equal(renderTemplate(template("{{ value }}"), { value }), value);
});

test("an unknown filter is an error", () => {
  assert.throws(() => renderTemplate(template("{{ a | no_such }}"), { a: "x" }), { message: /no_such/ });
});
