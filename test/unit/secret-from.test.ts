// Secret settings that a command reads where a team keeps them: real commands, run as a program runs them.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readSecrets } from "../../components/secrets/from/read.ts";
import type { SecretFrom } from "../../components/secrets/from/schema.ts";
import { wordsOf } from "../../components/secrets/from/words.ts";
import { checkSite } from "../../components/site/check.ts";
import { planSite } from "../../components/site/plan.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-secret-from-"));
after(() => rmSync(folder, { recursive: true }));

const canary = "sk-Vq7mTz3WxK9pLr5J";

/** A command of a team's own, and its path. */
function script(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o700);
  return path;
}

function file(name: string, text: string | Buffer): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const read = (from: Omit<SecretFrom, "timeout"> & Partial<SecretFrom>) =>
  readSecrets({ timeout: 60, ...from });

/** The message by which it is refused, line by line. */
async function refusal(from: Parameters<typeof read>[0]): Promise<string[]> {
  const { CI } = process.env;
  delete process.env.CI;
  try {
    const error = await read(from).then(
      () => assert.fail("this was taken"),
      (error: Error) => error,
    );
    assert.ok(!`${error.message}${error.stack}`.includes(canary), "what was printed is shown");
    return error.message.split("\n");
  } finally {
    if (CI !== undefined) process.env.CI = CI;
  }
}

test("a command is split into the words that a shell makes of it", () => {
  for (const command of [
    "op read op://shop/NAME/password",
    "  aws secretsmanager get-secret-value --secret-id 'shop/a b' --query SecretString --output text ",
    `vault kv get -field="a b" 'it'"'"'s' a\\ b ''`,
    'sops -d --extract "[\\"NAME\\"]" secrets.yaml',
    `a'$HOME'b "c\\$d" \\$e a~b "x\\y"`,
  ]) {
    const printed = execFileSync("sh", ["-c", `printf '%s\\0' ${command}`], { encoding: "utf8" });
    assert.deepEqual(wordsOf(command), printed.split("\0").slice(0, -1), command);
  }
});

test("a command that counts on a shell is refused, with the sign that does", () => {
  for (const [command, sign] of [
    ["op read x | head -1", "|"],
    ["op read $ITEM", "$"],
    ['op read "$ITEM"', "$"],
    ["op read `cat x`", "`"],
    ["cat <x", "<"],
    ["a; b", ";"],
    ["a && b", "&"],
    ["~/bin/secret {name}", "~"],
  ] as const)
    assert.throws(() => wordsOf(command), {
      message: new RegExp(`^expected a command without '\\${sign}': `),
    });
  for (const command of ["a 'b", 'a "b', "a \\"])
    assert.throws(() => wordsOf(command), /quotes and backslashes are complete/, command);
  assert.throws(() => wordsOf("  "), /^Error: expected a command, such as/);
});

test("a value is all that the command prints for its name, less one newline", async () => {
  const odd = `a "b" 'c' $d \\e #f\ng\n`;
  file("ODD", `${odd}\n`);
  file("DOS", "one\r\n");
  file("stripe key", canary);
  const command = `cat '${folder}/{name}'`;
  assert.deepEqual(await read({ command, names: ["ODD", "DOS"] }), { ODD: odd, DOS: "one" });
  assert.deepEqual(await read({ command, names: { STRIPE_KEY: "stripe key" } }), { STRIPE_KEY: canary });
});

test("one call brings all values as JSON, and only those that are named are taken", async () => {
  const calls = join(folder, "calls");
  const json = file(
    "all.json",
    JSON.stringify({ A: "1\n", "b/c": canary, PORT: 5432, ON: true, MORE: "no" }),
  );
  const command = script("once", `echo call >>${calls}; cat ${json}`);
  const names = { A: "A", B: "b/c", PORT: "PORT", ON: "ON" };
  assert.deepEqual(await read({ command, format: "json", names }), {
    A: "1\n",
    B: canary,
    PORT: "5432",
    ON: "true",
  });
  assert.equal(readFileSync(calls, "utf8"), "call\n");
});

test("one call brings all values as lines of NAME=value, each as it stands or in quotes", async () => {
  const lines = [
    "# a comment",
    "",
    "PLAIN=a=b#c $d \\n",
    "export EXPORTED = x ",
    "SINGLE='a # \"b\" \\n' # told",
    'DOUBLE="a \\"b\\" \\$c\\nd \\\\"',
    'KEY="-----BEGIN-----',
    "NOT=this",
    '-----END-----"',
    "LAST=z",
  ];
  const command = `cat ${file("lines", `${lines.join("\r\n")}\r\n`)}`;
  const names = ["PLAIN", "EXPORTED", "SINGLE", "DOUBLE", "KEY", "LAST"];
  assert.deepEqual(await read({ command, format: "dotenv", names }), {
    PLAIN: "a=b#c $d \\n",
    EXPORTED: "x",
    SINGLE: 'a # "b" \\n',
    DOUBLE: 'a "b" $c\nd \\',
    KEY: "-----BEGIN-----\r\nNOT=this\r\n-----END-----",
    LAST: "z",
  });
});

test("all names without a value are in one message, with what the command said and nothing that it printed", async () => {
  const command = script(
    "op",
    [
      `case $1 in`,
      `GOOD) echo ${canary}; exit;;`,
      `HALF) echo ${canary}; echo "found ${canary}, and lost the connection" >&2; exit 3;;`,
      `EMPTY) exit;;`,
      `esac`,
      `printf '\\033[31m[ERROR]\\033[0m you are not signed in (%s)\\n' "${canary}" >&2; exit 1`,
    ].join("\n"),
  );
  const lines = await refusal({
    command: `${command} {name}`,
    names: { GOOD: "GOOD", A: "A", B: "shop/b", C: "EMPTY", D: "HALF" },
  });
  assert.deepEqual(lines.slice(0, -1), [
    `app.secretFrom: the command \`${command} {name}\` gave no value for 4 of 5 names:`,
    "  A, B (shop/b): ended with status 1",
    "    | [ERROR] you are not signed in ([secret])",
    "  C (EMPTY): an empty value was found; a secret was expected",
    "  D (HALF): ended with status 3",
    "    | found [secret], and lost the connection",
  ]);
  assert.equal(
    lines.at(-1),
    `  Nothing was changed. Run the command yourself in ${process.cwd()}: it must print the value of the name, and nothing else. Then log in to the store, add what is missing there, or correct app.secretFrom.`,
  );
});

test("a secret of another name is not shown either, nor a part of it where a long line is cut", async () => {
  const long = `${"x".repeat(290)}${canary}${"y".repeat(90)}`;
  const command = script("long", `[ $1 = A ] && echo ${canary} && exit; echo ${long} >&2; exit 1`);
  const lines = await refusal({ command: `${command} {name}`, names: ["A", "B"] });
  assert.equal(lines[2], `    | ${"x".repeat(290)}[secret]y…`);
});

test("a pipeline is told that a fork has no login", async () => {
  const { CI } = process.env;
  process.env.CI = "true";
  try {
    await assert.rejects(read({ command: "false {name}", names: ["A"] }), {
      message:
        /gave no value for its one name:\n {2}A: ended with status 1\n[\s\S]*\n.* Pull requests of forks have no login\.$/,
    });
  } finally {
    if (CI === undefined) delete process.env.CI;
    else process.env.CI = CI;
  }
});

for (const [what, printed, format, reason] of [
  ["JSON that ends early", `{"A": "${canary}`, "json", "the output is not JSON; one object was expected"],
  ["JSON of a text", `"${canary}"`, "json", "the output is a text; an object was expected"],
  ["JSON with groups", `{"A": {"B": "${canary}"}}`, "json", "a group was found; a text was expected"],
  [
    "JSON with a long number",
    '{"A": 12345678901234567890}',
    "json",
    "a number was found; a text was expected",
  ],
  ["JSON without the name", `{"a": "${canary}"}`, "json", "the output has no key 'A' at its top"],
  ["JSON of a list", `["${canary}"]`, "json", "the output is a list; an object was expected"],
  ["lines without the name", `${canary}=`, "dotenv", "the output has no line 'A=…'"],
  ["a line twice", `A=${canary}\nA=2`, "dotenv", "it was found twice; one line was expected"],
  ["quotes that go on", `A="${canary}`, "dotenv", "its quotes do not end where the value ends"],
  [
    "what may be a comment",
    `A=${canary} # b`,
    "dotenv",
    "' #' was found in a value without quotes: write quotes, or print JSON",
  ],
  ["a zero byte", `A=${canary}\0`, "dotenv", "a value with a zero byte was found; a text was expected"],
  [
    "bytes that are no text",
    Buffer.from([65, 61, 255]),
    "dotenv",
    "printed something else than text in UTF-8",
  ],
] as const)
  test(`${what}: told without what was printed`, async () => {
    const command = `cat ${file("printed", printed)}`;
    const lines = await refusal({ command, format, names: ["A"] });
    assert.equal(lines[1], `  A: ${reason}`);
  });

test("names that any object has are no names in the output", async () => {
  const command = `cat ${file("printed", "{}")}`;
  const lines = await refusal({ command, format: "json", names: ["constructor", "__proto__"] });
  assert.equal(lines.length, 4);
  assert.match(lines[1] ?? "", /^ {2}constructor: the output has no key 'constructor'/);
});

test("a program that is not there, may not run, goes on for ever or prints without end is told", async () => {
  const plain = file("plain", "echo");
  for (const [command, reason] of [
    ["berth-no-such-program {name}", /there is no program 'berth-no-such-program' here\. Install it/],
    [`${plain} {name}`, /plain' may not be run\. Make it executable \(chmod \+x\)$/],
    ["tail -f /dev/null {name}", /^ {2}A: did not end within 1 s \(app\.secretFrom\.timeout\)$/],
    ["cat /dev/zero {name}", /printed more than 1 MiB$/],
    [script("killed", "kill -9 $$"), /was ended by SIGKILL$/],
  ] as const) {
    const form = command.includes("{name}") ? {} : { format: "json" as const };
    const lines = await refusal({ command, ...form, names: ["A"], timeout: /^tail/.test(command) ? 1 : 60 });
    assert.match(lines[1] ?? "", reason, command);
  }
});

test("a command has this environment without what the engine hands the program, and nothing to read", async () => {
  process.env.PULUMI_CONFIG_PASSPHRASE = canary;
  process.env.SHOP_TOKEN = "of the team";
  try {
    const command = script("env", 'cat; printf "%s.%s" "$PULUMI_CONFIG_PASSPHRASE" "$SHOP_TOKEN"');
    assert.deepEqual(await read({ command: `${command} {name}`, names: ["A"] }), { A: ".of the team" });
  } finally {
    delete process.env.PULUMI_CONFIG_PASSPHRASE;
    delete process.env.SHOP_TOKEN;
  }
});

test("a site has what was read as it has its own secrets, and SECRET_KEY in the place of a generated one", async () => {
  const command = `cat ${file("site.json", JSON.stringify({ PAYMENT_KEY: canary, SECRET_KEY: "k".repeat(50) }))}`;
  const checked = checkSite({
    host: { kind: "local" },
    app: {
      source: { directory: "examples/flask" },
      wsgi: "wsgi:application",
      secrets: { OTHER: "1" },
      secretFrom: { command, format: "json", names: ["PAYMENT_KEY", "SECRET_KEY"] },
      env: { PAYMENT_URL: "https://${secrets.PAYMENT_KEY}@pay.example" },
    },
  });
  assert.ok("config" in checked, JSON.stringify(checked));
  const { config } = await planSite(checked.config, undefined);
  assert.deepEqual(config.app.secrets, {
    OTHER: "1",
    PAYMENT_KEY: canary,
    SECRET_KEY: "k".repeat(50),
  });
  assert.equal(config.secrets.signingKey, "k".repeat(50));
});
