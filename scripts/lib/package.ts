// The package that other programs use: the components as JavaScript, because Node strips no types in node_modules, with
// their types, and beside them all that they read.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join } from "node:path";
import ts from "typescript";

/** What a program imports of it, and the file that this is, without its ending. */
const entries: Readonly<Record<string, string>> = {
  ".": "components/index",
  "./aws": "components/aws/index",
};

/** What lies in the package elsewhere than in the checkout. */
const pages: Readonly<Record<string, string>> = {
  "docs/using-components.md": "README.md",
  "docs/configuration.md": "docs/configuration.md",
  LICENSE: "LICENSE",
};

/**
 * Makes the folder of the package, and packs it.
 *
 * @param folder is emptied first
 * @returns the path of the packed file, beside the folder
 */
export function packPackage(root: string, folder: string): string {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  compile(root, folder);
  for (const path of filesBesideCode(root)) cpSync(join(root, path), join(folder, path));
  for (const [path, place] of Object.entries(pages)) cpSync(join(root, path), join(folder, place));
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest(root, folder), null, 2)}\n`);
  const packed = execFileSync(
    "npm",
    ["pack", "--json", "--ignore-scripts", "--pack-destination", dirname(folder)],
    { cwd: folder, encoding: "utf8" },
  );
  return join(dirname(folder), JSON.parse(packed)[0].filename);
}

/** Compiles the entries and all that they import. */
function compile(root: string, folder: string): void {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const program = ts.createProgram(
    Object.values(entries).map((entry) => join(root, `${entry}.ts`)),
    {
      ...options,
      noEmit: false,
      rewriteRelativeImportExtensions: true,
      declaration: true,
      rootDir: root,
      outDir: folder,
      // The same on every computer.
      newLine: ts.NewLineKind.LineFeed,
    },
  );
  // Types are checked by 'npm run check'; what cannot be written down as a declaration is found out here.
  const { diagnostics } = program.emit(undefined, (path, text) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, path.endsWith(".d.ts") ? withoutTs(text) : text);
  });
  if (diagnostics.length > 0) {
    throw new Error(ts.formatDiagnostics(diagnostics, ts.createCompilerHost(options)));
  }
}

/** The imports of a declaration as those of its JavaScript: TypeScript leaves them as they were written. */
const withoutTs = (text: string): string => text.replaceAll(/((?:from |import\()"\.[^"]*)\.ts"/g, '$1.js"');

/** Scripts, templates, units and all else that the components read: what git has of their folders, or would take. */
function filesBesideCode(root: string): string[] {
  const which = ["--cached", "--others", "--exclude-standard"];
  const listed = execFileSync("git", ["ls-files", "-z", ...which, "components", "cloud-init"], {
    cwd: root,
    encoding: "utf8",
  });
  return [...new Set(listed.split("\0"))].filter(
    (path) => path !== "" && !path.endsWith(".ts") && existsSync(join(root, path)),
  );
}

/** The names by which a file imports others, at its beginning or later. */
function importsOf(text: string): string[] {
  const later = [...text.matchAll(/createRequire\(import\.meta\.url\)\("([^"]+)"\)/g)];
  return [
    ...ts.preProcessFile(text).importedFiles.map(({ fileName }) => fileName),
    ...later.map(([, name = ""]) => name),
  ];
}

/** Its package.json: of the checkout's dependencies those that the compiled files import, pinned as there. */
function manifest(root: string, folder: string): Record<string, unknown> {
  const own = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const imported = new Set(
    globSync("**/*.{js,d.ts}", { cwd: folder })
      .flatMap((path) => importsOf(readFileSync(join(folder, path), "utf8")))
      .filter((name) => !name.startsWith(".") && !isBuiltin(name))
      .map((name) => name.split("/", name.startsWith("@") ? 2 : 1).join("/")),
  );
  const dependencies = [...imported].sort().map((name) => {
    const version = own.dependencies[name];
    if (version === undefined)
      throw new Error(`components import '${name}', which is no dependency in package.json`);
    return [name, version];
  });
  return {
    name: own.name,
    version: own.version,
    description: "Pulumi components that take Django and Flask applications to production on plain hosts",
    license: own.license,
    type: "module",
    engines: { node: ">=20.11" },
    exports: {
      ...Object.fromEntries(
        Object.entries(entries).map(([name, file]) => [
          name,
          { types: `./${file}.d.ts`, default: `./${file}.js` },
        ]),
      ),
      "./package.json": "./package.json",
    },
    dependencies: Object.fromEntries(dependencies),
  };
}
