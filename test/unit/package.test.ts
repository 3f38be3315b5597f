// The components as other programs have them: packed, in a program of its own.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, test } from "node:test";
import { examples, installPackage } from "./package-program.ts";

const root = resolve(import.meta.dirname, "../..");
const program = mkdtempSync(join(tmpdir(), "berth-package-"));
after(() => rmSync(program, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(program, path)), { recursive: true });
  writeFileSync(join(program, path), text);
}

const packed = installPackage(program);
const [host = "", site = "", aws = ""] = examples("ts");
write("package.json", JSON.stringify({ name: "shop", private: true, type: "module" }));
write("host.ts", host);
write("greeting.sh", examples("sh").at(-1) ?? "");
write("site.ts", site);
write("aws.ts", aws);
write("app/shop/wsgi.py", "application = None\n");
write("app/shop/settings.py", "");
copyFileSync(join(root, "test/unit/package-mocks.mjs"), join(program, "mocks.mjs"));

/** Runs a file of the program against the mocks. */
function run(file: string) {
  return spawnSync(process.execPath, [join(program, "mocks.mjs"), join(program, file)], {
    cwd: program,
    encoding: "utf8",
  });
}

interface Made {
  readonly type: string;
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: inputs of many types
  readonly inputs: any;
}

interface Run {
  readonly made: readonly Made[];
  /** Whether anything of AWS was loaded. */
  readonly aws: boolean;
}

const runs = new Map<string, Run>();

/** What a file of the program makes, once for all tests. */
function made(file: string): Run {
  const known = runs.get(file);
  if (known !== undefined) return known;
  const { status, stdout, stderr } = run(file);
  assert.equal(status, 0, stderr);
  const said: Run = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  runs.set(file, said);
  return said;
}

test("the package has all that its code reads, and nothing that is not for its users", () => {
  const read = globSync(["components/**/*", "cloud-init/**/*"], { cwd: root, exclude: ["**/__pycache__"] });
  const beside = read.filter((path) => /\.[a-z]+$/.test(path) && !/\.(ts|pyc)$/.test(path));
  assert.ok(beside.length > 150, `${beside.length}`);
  assert.deepEqual(
    beside.filter((path) => !packed.includes(path)),
    [],
  );
  const foreign = packed.filter(
    (path) =>
      !/^(components\/|cloud-init\/|(package\.json|README\.md|LICENSE|docs\/configuration\.md|outputs\.(js|d\.ts))$)/.test(
        path,
      ) || /(?<!\.d)\.ts$|\.pyc$|test|\.pem$|Pulumi\..*yaml/.test(path),
  );
  assert.deepEqual(foreign, []);
});

test("the package asks for exactly what its code imports, at the pinned versions, and runs nothing when it is installed", () => {
  const own = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const manifest = JSON.parse(readFileSync(join(program, "node_modules/berth/package.json"), "utf8"));
  for (const [name, version] of Object.entries(manifest.dependencies)) {
    assert.equal(version, own.dependencies[name], name);
  }
  assert.ok(!("pulumi" in manifest.dependencies));
  for (const key of ["private", "scripts", "devDependencies"]) assert.ok(!(key in manifest), key);
});

test("the examples of the page on components compile in a program of their own", () => {
  const compilerOptions = {
    ...{ strict: true, noEmit: true, skipLibCheck: true, target: "es2022", module: "nodenext" },
    typeRoots: [join(root, "node_modules/@types")],
    types: ["node"],
  };
  write("tsconfig.json", JSON.stringify({ compilerOptions, files: ["host.ts", "site.ts", "aws.ts"] }));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { stdout, status } = spawnSync(process.execPath, [tsc, "-p", program], { encoding: "utf8" });
  assert.equal(status, 0, stdout);
});

test("a host, a database and a step of the program's own are named after what they belong to", () => {
  const { made: resources } = made("host.ts");
  const names = resources.map(({ name }) => name);
  for (const name of ["shop-machine", "shop-connect", "database-server", "greeting"]) {
    assert.ok(names.includes(name), `${name}: ${names.join(", ")}`);
  }
  const greeting = resources.find(({ name }) => name === "greeting");
  assert.match(greeting?.inputs.environment.BERTH_STEP, /put_file \/etc\/motd/);
});

test("no resource says where the package lies: the state is the same from every checkout", () => {
  for (const file of ["host.ts", "site.ts"]) {
    for (const { name, inputs } of made(file).made) {
      assert.ok(!JSON.stringify(inputs).includes(program), `${name} of ${file}`);
    }
  }
});

test("a site is made of the keys of the configuration, and without AWS loads nothing of it", () => {
  const { made: resources, aws } = made("site.ts");
  const names = resources.map(({ name }) => name);
  for (const name of ["postgres-server", "redis-server", "web-machine", "app-live"]) {
    assert.ok(names.includes(name), `${name}: ${names.join(", ")}`);
  }
  assert.equal(aws, false);
});

test("what is wrong with a site is told at once, by its arguments", () => {
  write("wrong.ts", site.replace('"shop.wsgi"', "8").replace("memory", "memorie"));
  const { status, stderr } = run("wrong.ts");
  assert.notEqual(status, 0);
  assert.match(stderr, /The site 'shop' cannot be made of its arguments:/);
  assert.match(stderr, /^ +app\.wsgi: expected a text .*; found 8$/m);
  assert.match(stderr, /^ +host\.memorie: there is no such key\. Did you mean 'memory'\?/m);
});

test("a bucket and a host on EC2 are made by a program that names the network", () => {
  const types = made("aws.ts").made.map(({ type }) => type);
  for (const type of [
    "aws:s3/bucket:Bucket",
    "aws:ec2/instance:Instance",
    "aws:ec2/securityGroup:SecurityGroup",
  ]) {
    assert.ok(types.includes(type), `${type}: ${types.join(", ")}`);
  }
});

/** How a command on this computer finds a script: as the engine runs it, in a folder. */
function found(folder: string, env: Record<string, string> = {}) {
  const { interpreter } = made("host.ts").made.find(({ name }) => name === "shop-machine")?.inputs ?? {};
  const [shell, ...words] = interpreter as string[];
  mkdirSync(folder, { recursive: true });
  return spawnSync(shell as string, [...words, "components/greet.sh loudly"], {
    cwd: folder,
    env: { PATH: `${process.env.PATH}`, ...env },
    encoding: "utf8",
  });
}

test("a script for this computer is found in the program's packages from any folder of the program", () => {
  write("node_modules/berth/components/greet.sh", 'echo "$0 $*"\n');
  const said = `${program}/node_modules/berth/components/greet.sh loudly\n`;
  assert.equal(found(program).stdout, said);
  assert.equal(found(join(program, "deploy/prod")).stdout, said);
});

test("where the package is not, the message says what to do, and a place can be named", () => {
  const elsewhere = mkdtempSync(join(tmpdir(), "berth-elsewhere-"));
  after(() => rmSync(elsewhere, { recursive: true }));
  write("node_modules/berth/components/greet.sh", 'echo "$*"\n');
  const { status, stderr } = found(elsewhere);
  assert.equal(status, 78);
  assert.match(stderr, /^berth: components\/greet\.sh was not found: .*npm install.*BERTH_PACKAGE\.$/m);
  assert.equal(found(elsewhere, { BERTH_PACKAGE: join(program, "node_modules/berth") }).stdout, "loudly\n");
});

test("'npm pack' in the checkout packs nothing by mistake, and says what does", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  assert.throws(
    () => execFileSync("sh", ["-c", scripts.prepack], { stdio: "pipe", encoding: "utf8" }),
    /npm run package/,
  );
});
