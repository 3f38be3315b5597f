// Writes dist/: the page, which Django serves, and its script and style, which nginx serves below /static/.
import { cpSync, rmSync } from "node:fs";
import { build } from "esbuild";

rmSync("dist", { recursive: true, force: true });
await build({
  entryPoints: ["src/main.js"],
  outdir: "dist/assets",
  bundle: true,
  format: "esm",
  minify: true,
});
cpSync("src/index.html", "dist/index.html");
