// The packages for readers of outputs: what is in them, their types, and what they say of a stack that cannot be read.
// test/engine/consumers.test.ts runs programs with them.
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { parse } from "smol-toml";
import type { OutputName } from "../../packages/outputs/index.ts";
import { snake } from "../../scripts/lib/contract/python.ts";
import { reader } from "../../scripts/lib/package.ts";
import { pythonWith } from "../../scripts/lib/python.ts";
import { pulumiPython } from "../engine/python.ts";
import { installPackage, linkPackages } from "./package-program.ts";

const root = resolve(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "berth-readers-"));
after(() => rmSync(folder, { recursive: true }));

const packed = installPackage(folder, reader);
linkPackages(folder, ["@pulumi/command"]);
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);

/** The stacks that can be read here, by what they tell. */
const stacks: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  whole: { outputsVersion: 1, url: "https://a/", databaseUrl: "postgresql://a" },
  newer: { outputsVersion: 2, url: "https://a/" },
  older: { outputsVersion: 0, url: "https://a/" },
  locked: { outputsVersion: 1, url: "https://a/", databaseUrl: {} },
  other: { greeting: "hello" },
  text: { outputsVersion: "1", url: "https://a/" },
};

/** What each reader says of a stack that it cannot read. */
const refused: readonly (readonly [string, OutputName, RegExp])[] = [
  [
    "newer",
    "url",
    /^Stack 'newer' has outputs of version 2; .* expected version 1\. Install the berth-outputs of the Berth /,
  ],
  [
    "older",
    "url",
    /^Stack 'older' has outputs of version 0; .* expected version 1\. Deploy the stack with a newer Berth/,
  ],
  ["text", "url", /^Stack 'text' has outputs of version ["']1["']; .* expected version 1\. Install /],
  [
    "locked",
    "databaseUrl",
    /^The output 'databaseUrl' of stack 'locked' could not be decrypted here\. Give .* passphrase .* KMS key\.$/,
  ],
  [
    "other",
    "url",
    /^Stack 'other' has no output 'outputsVersion'; expected 1\. Check .*: pulumi stack output -s other$/,
  ],
  [
    "whole",
    "release",
    /^Stack 'whole' has no output 'release', which this program needs\. .*'pulumi stack output -s whole'/,
  ],
  ["whole", "redisUrl", /^Stack 'whole' has no output 'redisUrl', which this program needs\./],
];

interface Said {
  readonly value?: unknown;
  readonly secret?: boolean;
  readonly error?: string;
}

/** Reads outputs by a program with the engine's mocks, which say of no output that it is a secret. */
async function read(language: "TypeScript" | "Python", asked: readonly (readonly [string, string])[]) {
  const given = [JSON.stringify(stacks), JSON.stringify(asked)];
  const python = join(await pulumiPython(), "python");
  const [command, args] =
    language === "Python"
      ? [python, ["-B", join(root, "test/engine/reader.py")]]
      : [process.execPath, [join(root, "test/engine/reader.ts")]];
  const env = { ...process.env, PYTHONPATH: join(root, "packages/outputs-python") };
  const { stdout } = await promisify(execFile)(command, [...args, ...given], { env });
  return JSON.parse(stdout) as Said[];
}

const same = (name: string) => name;

test("the package for TypeScript has its code, types, schema and page, and leaves Pulumi's SDK to the program", () => {
  assert.deepEqual(packed.sort(), [
    ...["LICENSE", "README.md", "contract.d.ts", "contract.js", "index.d.ts", "index.js"],
    ...["outputs.schema.json", "package.json"],
  ]);
  const manifest = JSON.parse(readFileSync(join(folder, "node_modules/berth-outputs/package.json"), "utf8"));
  assert.deepEqual(manifest.dependencies, {});
  assert.deepEqual(Object.keys(manifest.peerDependencies), ["@pulumi/pulumi"]);
});

test("both packages have the version of Berth", () => {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const { project } = parse(readFileSync(join(root, "packages/outputs-python/pyproject.toml"), "utf8")) as {
    project: { version: string };
  };
  assert.equal(project.version, version);
  const example = readFileSync(join(root, "examples/consumer/package.json"), "utf8");
  assert.ok(example.includes(`.berth/berth-outputs-${version}.tgz`), example);
});

const wrongly = `import * as pulumi from "@pulumi/pulumi";
import { BerthStack } from "berth-outputs";
const shop = new BerthStack(new pulumi.StackReference("organization/berth/prod"));
export const url: pulumi.Output<string> = shop.url;
export const needed: pulumi.Output<string> = shop.require("databaseUrl");
export const other = shop.require("otherHosts").apply((hosts) => hosts.worker?.hostKey.trim());
// @ts-expect-error: a stack may have no database
export const database: pulumi.Output<string> = shop.databaseUrl;
// @ts-expect-error: there is no such output
shop.require("databaseUri");
`;

test("the example compiles, and so does a program as Pulumi's template has it; what may be absent is no text", () => {
  const common = { strict: true, noEmit: true, skipLibCheck: true, target: "es2022" };
  const types = { typeRoots: [join(root, "node_modules/@types")], types: ["node"] };
  cpSync(join(root, "examples/consumer/index.ts"), join(folder, "index.mts"));
  write("program.ts", wrongly);
  const configurations = {
    modules: { compilerOptions: { ...common, ...types, module: "nodenext" }, files: ["index.mts"] },
    template: {
      compilerOptions: { ...common, ...types, module: "commonjs", moduleResolution: "node" },
      files: ["program.ts"],
    },
  };
  for (const [name, configuration] of Object.entries(configurations)) {
    write(`${name}.json`, JSON.stringify(configuration));
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const { stdout, status } = spawnSync(process.execPath, [tsc, "-p", join(folder, `${name}.json`)], {
      encoding: "utf8",
    });
    assert.equal(status, 0, `${name}: ${stdout}`);
  }
});

test("modules of either kind load the package", () => {
  write("a.cjs", 'process.stdout.write(typeof require("berth-outputs").BerthStack);');
  write("a.mjs", 'import { BerthStack } from "berth-outputs";\nprocess.stdout.write(typeof BerthStack);');
  for (const file of ["a.cjs", "a.mjs"]) {
    const { stdout, stderr } = spawnSync(process.execPath, [join(folder, file)], { encoding: "utf8" });
    assert.equal(stdout, "function", stderr);
  }
});

for (const [language, named] of [
  ["TypeScript", same],
  ["Python", snake],
] as const) {
  test(`${language}: outputs are read and kept secret; what is wrong is told with what was found and what to do`, async () => {
    const right = [
      ["whole", named("url")],
      ["whole", named("redisUrl")],
      ["whole", `require:${named("databaseUrl")}`],
    ] as const;
    const wrong = refused.map(([name, output]) => [name, `require:${named(output)}`] as const);
    const said = await read(language, [...right, ...wrong]);
    assert.deepEqual(said.slice(0, 3), [
      { value: "https://a/", secret: false },
      { value: null, secret: true },
      { value: "postgresql://a", secret: true },
    ]);
    for (const [index, [, , expected]] of refused.entries()) {
      assert.match(`${said[3 + index]?.error}`, expected);
    }
  });
}

test("Python: a name that is no output's is refused with those that are", async () => {
  const [said] = await read("Python", [["whole", "require:database_uri"]]);
  assert.match(
    `${said?.error}`,
    /^berth-outputs knows no output 'database_uri'\. It knows: url, host_address, /,
  );
});

test("Python: the package and the example are clean under mypy, and what may be absent is no text", async () => {
  write(
    "program.py",
    `import pulumi
from berth_outputs import BerthStack

shop = BerthStack(pulumi.StackReference("organization/berth/prod"))
url: pulumi.Output[str] = shop.url
needed: pulumi.Output[str] = shop.require("database_url")
database: pulumi.Output[str] = shop.database_url  # type: ignore[assignment]
number: pulumi.Output[int] = shop.require("database_url")  # type: ignore[assignment]
shop.require("database_uri")  # type: ignore[call-overload]
`,
  );
  const tools = await pythonWith(join(root, "scripts/python-requirements.txt"), "python-tools");
  const python = join(await pulumiPython(), "python");
  const package_ = join(root, "packages/outputs-python");
  for (const file of ["examples/consumer-python/__main__.py", join(folder, "program.py")]) {
    const { status, stdout, stderr } = spawnSync(
      join(tools, "python"),
      [
        ...["-m", "mypy", "--strict", "--no-error-summary", "--python-executable", python],
        ...["--config-file=", `--cache-dir=${join(root, "node_modules/.cache/berth-tests/mypy")}`],
        ...[join(package_, "berth_outputs"), resolve(root, file)],
      ],
      { cwd: folder, env: { ...process.env, MYPYPATH: package_ }, encoding: "utf8" },
    );
    assert.equal(status, 0, stdout + stderr);
  }
});
