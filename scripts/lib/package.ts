// The packages that other programs use: what is TypeScript here is JavaScript there, because Node strips no types in
// node_modules, with its types, and beside it all that it reads.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join } from "node:path";
import ts from "typescript";

/** A package for npm. */
export interface NpmPackage {
  readonly name: string;
  readonly description: string;
  /** CommonJS is read by every program, modules only by modules. */
  readonly format: "module" | "commonjs";
  /** The folder in the checkout that is the package's own. */
  readonly from: string;
  /** What a program imports of it, and the file that this is, without its ending, below `from`. */
  readonly entries: Readonly<Record<string, string>>;
  /** Folders whose files lie beside the code: scripts, templates, units and all else that it reads. */
  readonly beside: readonly string[];
  /** What lies in the package elsewhere than in the checkout, by its path there. */
  readonly pages: Readonly<Record<string, string>>;
  /** Files that a program may ask for by their names. */
  readonly files: readonly string[];
  /** Ranges for what the program has already and of which there is to be one copy; the rest is pinned as in the checkout. */
  readonly peers: Readonly<Record<string, string>>;
}

/** The components, for a program that makes its own hosts. */
export const components: NpmPackage = {
  name: "berth",
  description: "Pulumi components that take Django and Flask applications to production on plain hosts",
  format: "module",
  from: ".",
  entries: { ".": "components/index", "./aws": "components/aws/index" },
  beside: ["components", "cloud-init"],
  pages: {
    "docs/using-components.md": "README.md",
    "docs/configuration.md": "docs/configuration.md",
    LICENSE: "LICENSE",
  },
  files: ["package.json"],
  peers: {},
};

/** The reader of outputs, for a program that builds on a stack. */
export const reader: NpmPackage = {
  name: "berth-outputs",
  description: "Reads the outputs of a stack of Berth in another Pulumi program",
  // As 'pulumi new typescript' makes programs.
  format: "commonjs",
  from: "packages/outputs",
  entries: { ".": "index" },
  beside: [],
  pages: {
    "packages/outputs/README.md": "README.md",
    "packages/outputs/outputs.schema.json": "outputs.schema.json",
    LICENSE: "LICENSE",
  },
  files: ["outputs.schema.json", "package.json"],
  peers: { "@pulumi/pulumi": "^3.0.0" },
};

/**
 * Makes the folder of a package, and packs it.
 *
 * @param folder is emptied first
 * @returns the path of the packed file, beside the folder
 */
export function packPackage(root: string, folder: string, which: NpmPackage = components): string {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  compile(root, folder, which);
  for (const path of filesBesideCode(root, which)) cpSync(join(root, path), join(folder, path));
  for (const [path, place] of Object.entries(which.pages)) cpSync(join(root, path), join(folder, place));
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest(root, folder, which), null, 2)}\n`);
  const packed = execFileSync(
    "npm",
    ["pack", "--json", "--ignore-scripts", "--pack-destination", dirname(folder)],
    { cwd: folder, encoding: "utf8" },
  );
  return join(dirname(folder), JSON.parse(packed)[0].filename);
}

const asCommonJs = {
  module: ts.ModuleKind.CommonJS,
  moduleResolution: ts.ModuleResolutionKind.Node10,
  verbatimModuleSyntax: false,
};

/** Compiles the entries and all that they import. */
function compile(root: string, folder: string, { from, entries, format }: NpmPackage): void {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const program = ts.createProgram(
    Object.values(entries).map((entry) => join(root, from, `${entry}.ts`)),
    {
      ...options,
      ...(format === "commonjs" && asCommonJs),
      noEmit: false,
      rewriteRelativeImportExtensions: true,
      declaration: true,
      rootDir: join(root, from),
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

/** What git has of the folders beside the code, or would take. */
function filesBesideCode(root: string, { beside }: NpmPackage): string[] {
  if (beside.length === 0) return [];
  const which = ["--cached", "--others", "--exclude-standard"];
  const listed = execFileSync("git", ["ls-files", "-z", ...which, ...beside], {
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
    ...ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName),
    ...later.map(([, name = ""]) => name),
  ];
}

/** Its package.json: of the checkout's dependencies those that the compiled files import. */
function manifest(root: string, folder: string, which: NpmPackage): Record<string, unknown> {
  const own = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const imported = new Set(
    globSync("**/*.{js,d.ts}", { cwd: folder })
      .flatMap((path) => importsOf(readFileSync(join(folder, path), "utf8")))
      .filter((name) => !name.startsWith(".") && !isBuiltin(name))
      .map((name) => name.split("/", name.startsWith("@") ? 2 : 1).join("/")),
  );
  const dependencies = [...imported].sort().flatMap((name) => {
    if (name in which.peers) return [];
    const version = own.dependencies[name];
    if (version === undefined)
      throw new Error(`${which.name} imports '${name}', which is no dependency in package.json`);
    return [[name, version]];
  });
  return {
    name: which.name,
    version: own.version,
    description: which.description,
    license: own.license,
    type: which.format,
    engines: { node: ">=20.11" },
    // For programs whose TypeScript does not read 'exports'.
    ...(which.format === "commonjs" && {
      main: `./${which.entries["."]}.js`,
      types: `./${which.entries["."]}.d.ts`,
    }),
    exports: {
      ...Object.fromEntries(
        Object.entries(which.entries).map(([name, file]) => [
          name,
          { types: `./${file}.d.ts`, default: `./${file}.js` },
        ]),
      ),
      ...Object.fromEntries(which.files.map((file) => [`./${file}`, `./${file}`])),
    },
    dependencies: Object.fromEntries(dependencies),
    ...(Object.keys(which.peers).length > 0 && { peerDependencies: which.peers }),
  };
}
