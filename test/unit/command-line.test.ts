// The command lines of what people type: how they are read, and what each command declares.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, test } from "node:test";
import {
  type Command,
  choice,
  command,
  count,
  flag,
  helpText,
  many,
  option,
  parse,
  rest,
  synopsis,
  text,
  UsageError,
  word,
} from "../../scripts/lib/command-line.ts";
import { commands } from "../../scripts/lib/commands.ts";

const root = resolve(import.meta.dirname, "../..");

const trial = command({
  typed: "npm run trial",
  about: "Tries things.",
  options: {
    stack: option("NAME", "the stack", text, "local", "s"),
    lines: option("COUNT", "how many", count, "20", "n"),
    yes: flag("does not ask"),
    "no-follow": flag("ends"),
  },
  words: { state: choice(["on", "off"], "what it is to be") },
  examples: [["on", "turns it on"]],
});
const plain = { stack: "local", lines: 20, yes: false, "no-follow": false, state: "on" };

/** What is wrong with a command line. */
function fault(declared: Command, line: string, env: NodeJS.ProcessEnv = {}): string {
  try {
    parse(declared, line.split(" ").filter(Boolean), env);
  } catch (error) {
    assert.ok(error instanceof UsageError, `${error}`);
    return error.message;
  }
  return assert.fail(`'${line}' was understood`);
}

describe("a command line", () => {
  test("has its options anywhere, with their values after a space, an equals sign, or at once", () => {
    assert.deepEqual(parse(trial, ["on"]), plain);
    for (const line of [
      "-s prod on",
      "on -s prod",
      "--stack prod on",
      "on --stack=prod",
      "-sprod on",
      "-s prod -- on",
    ])
      assert.deepEqual(parse(trial, line.split(" ")), { ...plain, stack: "prod" }, line);
    assert.deepEqual(parse(trial, ["--no-follow", "off", "--yes", "-n", "5"]), {
      ...plain,
      lines: 5,
      yes: true,
      "no-follow": true,
      state: "off",
    });
  });

  test("that asks for help is nothing else, whatever else stands in it", () => {
    for (const line of ["--help", "-h", "on --help", "--nonsense -h", "on off on --help", "-s prod --help"])
      assert.equal(parse(trial, line.split(" ")), "help", line);
  });

  test("with an option that there is not is refused, and what was meant is offered", () => {
    assert.equal(fault(trial, "on --stak prod"), "there is no option --stak. Did you mean '--stack'?");
    assert.equal(fault(trial, "on --stak=prod"), "there is no option --stak. Did you mean '--stack'?");
    assert.equal(fault(trial, "on --frobnicate"), "there is no option --frobnicate.");
    assert.equal(fault(trial, "on -x"), "there is no option -x.");
    assert.equal(fault(trial, "on --constructor"), "there is no option --constructor.");
  });

  test("with a value that is missing, needless, or an option's name is refused", () => {
    assert.equal(fault(trial, "on -s"), "-s: expected a value, NAME; found none.");
    assert.equal(fault(trial, "on --stack="), "--stack: expected a value, NAME; found none.");
    assert.equal(fault(trial, "on -s --yes"), "-s: expected a value, NAME; found '--yes'.");
    assert.equal(fault(trial, "-s --help on"), "-s: expected a value, NAME; found '--help'.");
    assert.equal(fault(trial, "on --yes=no"), "--yes takes no value; found 'no'.");
    assert.equal(fault(trial, "on -n many"), "-n: expected a whole number from 1 to 999999; found 'many'.");
    assert.equal(fault(trial, "on -n 0"), "-n: expected a whole number from 1 to 999999; found '0'.");
  });

  test("that names an option twice is refused: nobody knows which one is meant", () => {
    assert.equal(fault(trial, "on -s prod --stack local"), "--stack is there twice.");
  });

  test("with a word missing, misspelt or too many is refused, with what was expected", () => {
    assert.equal(fault(trial, ""), "expected on|off, what it is to be; found nothing.");
    assert.equal(fault(trial, "onn"), "on|off: expected on or off; found 'onn'. Did you mean 'on'?");
    assert.equal(
      fault(trial, "on prod"),
      "unexpected word 'prod'. Expected: npm run trial -- [-s NAME] [-n COUNT] [--yes] [--no-follow] on|off. " +
        "A stack is named by -s: npm run trial -- -s prod",
    );
    const noStack = command({ ...trial, options: {}, words: {} });
    assert.equal(fault(noStack, "prod"), "unexpected word 'prod'. Expected: npm run trial.");
  });

  test("whose options npm took for its own is refused, rather than run without them", () => {
    assert.equal(
      fault(trial, "on", { npm_config_stack: "prod" }),
      "npm took --stack for an option of its own. Put -- before it: npm run trial -- --stack=prod",
    );
    assert.match(fault(trial, "on prod", { npm_config_stack: "true" }), /npm run trial -- --stack=NAME$/);
    assert.match(fault(trial, "on", { npm_config_follow: "" }), /npm run trial -- --no-follow$/);
    // npm has an option of this name, and sets it always.
    assert.deepEqual(parse(trial, ["on"], { npm_config_yes: "" }), plain);
  });

  const far = command({
    ...trial,
    options: { stack: trial.options.stack },
    words: { host: word("where"), command: rest("what") },
  });

  test("for another program is that program's from its first word on", () => {
    const words = (line: string) => parse(far, line.split(" "));
    assert.deepEqual(words("web"), { stack: "local", host: "web", command: [] });
    assert.deepEqual(words("-s prod web ls -l"), { stack: "prod", host: "web", command: ["ls", "-l"] });
    assert.deepEqual(words("web -s prod ls --help"), {
      stack: "prod",
      host: "web",
      command: ["ls", "--help"],
    });
    assert.deepEqual(words("web -- curl -s x"), {
      stack: "local",
      host: "web",
      command: ["curl", "-s", "x"],
    });
    assert.deepEqual(words("-s prod web curl -s x"), {
      stack: "prod",
      host: "web",
      command: ["curl", "-s", "x"],
    });
    assert.equal(words("web --help"), "help");
    assert.match(fault(far, "web -l ls"), /^there is no option -l\.$/);
  });

  test("for another program in which an option could be either's is refused", () => {
    assert.equal(
      fault(far, "web migrate -s prod"),
      "-s stands after 'migrate', where it could be meant for that. Put it before, or put -- before 'migrate' when it belongs there.",
    );
  });

  test("may hold any number of words where a command takes them", () => {
    const several = command({ ...trial, words: { words: many("some") } });
    assert.deepEqual(parse(several, ["a", "--yes", "b"]), {
      stack: "local",
      lines: 20,
      yes: true,
      "no-follow": false,
      words: ["a", "b"],
    });
    assert.equal(synopsis(several), "npm run trial -- [-s NAME] [-n COUNT] [--yes] [--no-follow] [WORDS…]");
  });

  test("is explained by --help: synopsis, options with their defaults, examples", () => {
    assert.equal(
      helpText(trial),
      [
        "npm run trial -- [-s NAME] [-n COUNT] [--yes] [--no-follow] on|off",
        "",
        "Tries things.",
        "",
        "  on|off  what it is to be",
        "",
        "Options",
        "  -s, --stack NAME   the stack (default: local)",
        "  -n, --lines COUNT  how many (default: 20)",
        "      --yes          does not ask",
        "      --no-follow    ends",
        "  -h, --help         shows this",
        "",
        "Examples",
        "  npm run trial -- on  turns it on",
      ].join("\n"),
    );
  });
});

const declared: readonly (readonly [string, Command])[] = Object.entries(commands);

describe("the commands", () => {
  test("are those of package.json", () => {
    // 'prepack' is nobody's to type: it keeps 'npm pack' from packing the checkout.
    const { prepack, ...scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).scripts;
    assert.match(prepack, /npm run package/);
    assert.deepEqual(Object.keys(scripts).sort(), Object.keys(commands).sort());
    for (const [name, { typed }] of declared) {
      assert.equal(scripts[name], `sh scripts/node scripts/${name}.ts`);
      assert.ok([`npm ${name}`, `npm run ${name}`].includes(typed), typed);
    }
  });

  for (const [name, one] of declared) {
    test(`${name}: its examples are understood, an unknown option or word is not, and --help says all`, () => {
      for (const [line] of one.examples)
        assert.notEqual(parse(one, line.split(" ").filter(Boolean)), "help", line);
      assert.equal(parse(one, ["--help"]), "help");
      assert.equal(parse(one, ["-h"]), "help");
      const takes = Object.values(one.words).map((each) => each.takes);
      if (!takes.includes("all")) assert.match(fault(one, "--nonsense"), /^there is no option --nonsense\./);
      if (takes.length === 0) assert.match(fault(one, "nonsense"), /^unexpected word 'nonsense'\./);
      const help = helpText(one);
      assert.ok(help.replaceAll("\n", " ").includes(one.about));
      for (const part of [...Object.keys(one.options).map((option) => `--${option}`), one.typed])
        assert.ok(help.includes(part), part);
      // A short form, a name or a placeholder means one thing.
      const shorts = Object.values(one.options).flatMap(({ short }) => short ?? []);
      const names = [...Object.keys(one.options), ...Object.keys(one.words), ...shorts, "help", "h"];
      assert.equal(new Set(names).size, names.length, names.join());
    });
  }

  test("that are about a stack take it by -s or --stack, and are about 'local' without it", () => {
    const words: Record<string, string[]> = { logs: ["web"], maintenance: ["on"] };
    for (const name of ["start", "destroy", "releases", "logs", "ssh", "maintenance", "notify"] as const) {
      const one: Command = commands[name];
      const stackOf = (...args: string[]) =>
        (parse(one, [...args, ...(words[name] ?? [])]) as { stack: string }).stack;
      assert.equal(stackOf(), "local", name);
      assert.equal(stackOf("-s", "prod"), "prod", name);
      assert.equal(stackOf("--stack=prod"), "prod", name);
    }
  });

  test("that destroy, shut or deploy are never about a stack that was not meant", () => {
    for (const line of ["prod", "--stck=prod", "-s", "--yes prod", "-s prod --stack local"])
      fault(commands.destroy, line);
    fault(commands.start, "staging");
    fault(commands.maintenance, "on prod");
    fault(commands.scratch, "destoy");
    assert.equal(parse(commands.scratch, ["destroy", "--help"]), "help");
    assert.deepEqual(parse(commands.maintenance, ["on", "-s", "prod"]), { stack: "prod", state: "on" });
  });

  test("of Pulumi are Pulumi's own, options and all", () => {
    const args = ["up", "--stack", "prod", "--help", "-v=9"];
    assert.deepEqual(parse(commands.pulumi, args), { words: args });
    assert.deepEqual(parse(commands.pulumi, []), { words: [] });
  });
});
