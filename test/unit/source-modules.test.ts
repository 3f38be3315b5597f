// Modules that a stack names: found in what a release will have, or refused with what there is.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { entryFault, settingsFault } from "../../components/app/source/modules.ts";

const place = mkdtempSync(join(tmpdir(), "berth-modules-"));
after(() => rmSync(place, { recursive: true }));
for (const path of [
  "shop/__init__.py",
  "shop/wsgi.py",
  "shop/settings/__init__.py",
  "shop/settings/base.py",
  "shop/settings/production.py",
  "src/desk/settings.py",
  "src/desk/wsgi.py",
]) {
  mkdirSync(dirname(join(place, path)), { recursive: true });
  writeFileSync(join(place, path), "");
}

test("a callable's module is in the source, among the stack's files, or Django's own", () => {
  const fault = (module: string, beside = {}) => entryFault(place, { key: "asgi", module }, beside);
  for (const module of ["shop.wsgi", "shop", "django.core.asgi", "django.core.wsgi"])
    assert.equal(fault(module), undefined, module);
  assert.equal(fault("shop.asgi", { files: ["shop/asgi.py"] }), undefined);
  assert.equal(fault("desk.wsgi", { pythonPath: "src" }), undefined);
  assert.equal(fault("desk.asgi", { pythonPath: "src/", files: ["src/desk/asgi.py"] }), undefined);
  assert.match(
    fault("shop.asgi", { files: ["shop/wsgi.py"] }) ?? "",
    /^app\.asgi: expected the module 'shop\.asgi'/,
  );
  assert.match(fault("desk.wsgi") ?? "", /It is in src\/: write PYTHONPATH: src below app\.env$/);
  for (const module of ["django.core.management", "django.core.asgi.x", "shop.django.core.asgi"])
    assert.match(fault(module) ?? "", /^app\.asgi: expected the module/, module);
});

test("a dependency may be the application, but not where a package of the source is meant, or none is named", () => {
  const fault = (module: string, beside = {}) => entryFault(place, { key: "wsgi", module }, beside);
  assert.match(fault("pretix.wsgi") ?? "", /, and no file names dependencies, one of which could have it$/);
  assert.equal(fault("pretix.wsgi", { requirements: "requirements/production.txt" }), undefined);
  writeFileSync(join(place, "requirements.txt"), "pretix==2026.8.0\n");
  assert.equal(fault("pretix.wsgi"), undefined);
  assert.match(fault("shop.wgsi") ?? "", /found neither shop\/wgsi\.py nor shop\/wgsi\/__init__\.py there$/);
  assert.match(fault("shp.wsgi") ?? "", /there\. Did you mean 'shop'\?$/);
  assert.match(fault("desk.wsgi") ?? "", /It is in src\//);
});

test("a settings module that the source has no file of is refused with those that it has", () => {
  const fault = (module: string, beside = {}) => settingsFault(place, module, beside);
  for (const module of ["shop.settings", "shop.settings.base"])
    assert.equal(fault(module), undefined, module);
  assert.equal(fault("desk.settings", { pythonPath: "src" }), undefined);
  assert.equal(fault("shop.berth_settings", { files: ["shop/berth_settings.py"] }), undefined);
  assert.equal(
    fault("shop.settings.prodction"),
    `app.settings: expected the module 'shop.settings.prodction' in '${place}' or in app.files; found neither ` +
      "shop/settings/prodction.py nor shop/settings/prodction/__init__.py there. " +
      "Did you mean 'shop.settings.production'? There is: shop.settings, shop.settings.base, shop.settings.production.",
  );
  assert.match(fault("shop.nothing") ?? "", /There is: shop\.settings,/);
  assert.match(fault("shup.settings.base") ?? "", /Did you mean 'shop\.settings\.base'\?/);
  // A dependency may have it, or a command of the build.
  assert.equal(fault("weblate.settings_docker"), undefined);
  assert.equal(
    fault("shop.settings.local", { commands: ["cp example.py shop/settings/local.py"] }),
    undefined,
  );
});
