import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Gives a copy of the example the views that bench/load.ts asks. */
export function addLoadViews(app: string): void {
  cpSync(join(import.meta.dirname, "load_views.py"), viewsOf(app));
  const urls = join(app, "logbook/urls.py");
  const text = readFileSync(urls, "utf8")
    .replace("import path\n", "import include, path\n")
    .replace("urlpatterns = [\n", 'urlpatterns = [\n    path("load/", include("logbook.load_views")),\n');
  writeFileSync(urls, text);
}

/** Makes another version of the code of it, which `/load/version` answers once it is loaded. */
export function setVersion(app: string, version: string): void {
  const text = readFileSync(viewsOf(app), "utf8");
  writeFileSync(viewsOf(app), text.replace(/^VERSION = .*$/m, `VERSION = "${version}"`));
}

const viewsOf = (app: string) => join(app, "logbook/load_views.py");
