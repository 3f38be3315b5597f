// All that people type, with every option; each is run by the script of its name, and read by command-line.ts.
import {
  all,
  choice,
  command,
  count,
  flag,
  many,
  oneOf,
  option,
  optional,
  reads,
  rest,
  someOf,
  text,
  UsageError,
  word,
} from "./command-line.ts";

const stack = option("NAME", "the stack", text, "local", "s");
const host = optional(
  "NAME",
  "the host of the stack, as berth:hosts names it",
  "the one that serves the site",
);

/** Counts that grow, such as `1,4,16`. */
const growing = (given: string): readonly number[] => {
  const counts = given.split(",").map(Number);
  const grows = counts.every((one, index) => Number.isInteger(one) && one > (counts[index - 1] ?? 0));
  if (!grows || counts.length < 2)
    throw new UsageError(`expected growing numbers, such as 1,4,16; found '${given}'.`);
  return counts;
};

const day = (given: string): string => {
  if (given === "today") return new Date().toISOString().slice(0, 10);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(given))
    throw new UsageError(`expected a date such as 2026-01-31; found '${given}'.`);
  return given;
};

/** A time as people write it, in UTC where no zone is named, in seconds since 1970. */
const moment = (given: string): number => {
  const form = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2}(?:\.\d+)?)(Z|[+-]\d{2}:\d{2})?$/.exec(given);
  const time = Date.parse(`${form?.[1]}T${form?.[2]}${form?.[3] ?? "Z"}`) / 1000;
  if (Number.isNaN(time))
    throw new UsageError(
      `expected a time such as "2026-11-28 14:03:07" (UTC) or 2026-11-28T15:03:07+01:00; found '${given}'.`,
    );
  return time;
};

/** A part of the backups, of which the host knows which there are. */
const part = (given: string): string => {
  if (!/^[a-z][a-z0-9-]*$/.test(given) || given === "all")
    throw new UsageError(`expected database, media or redis, or the name of a service; found '${given}'.`);
  return given;
};

/** Whom Berth is measured against on bare hosts: see bench/contenders.ts. */
export const rivalNames = ["floor", "ansible", "mitogen", "pyinfra"] as const;

const none = { options: {}, words: {} };

export const commands = {
  start: command({
    typed: "npm start",
    about:
      "Deploys a stack, from nothing to a URL: gets the engine, makes or changes the hosts, deploys the application. " +
      "With HOST=user@address or HOST=user@address:port before it, it deploys the example application to that machine and " +
      "writes the stack's file; HOST and -s cannot be combined. What somebody has changed by hand on the hosts, it shows and " +
      "puts right.",
    options: { stack, "no-drift": flag("does not look for what was changed by hand") },
    words: {},
    examples: [
      ["", "deploys the stack 'local', a host on this computer"],
      ["-s staging", "deploys what Pulumi.staging.yaml describes"],
    ],
  }),
  init: command({
    typed: "npm run init",
    about:
      "Reads your application's files, without running them, and writes Pulumi.NAME.yaml, the file of a stack that deploys " +
      "it. It prints what it found and what is left to do. It never overwrites a file, and writes nothing into the " +
      "application's directory.",
    options: {
      stack: optional("NAME", "the stack", "the name of the directory", "s"),
      print: flag("prints the file instead of writing it"),
    },
    words: { directory: word("the application's directory: the one with manage.py, or one above it") },
    examples: [
      ["../shop", "writes Pulumi.shop.yaml"],
      ["../shop -s staging2", "writes Pulumi.staging2.yaml"],
      ["../shop --print", "shows what it would write"],
    ],
  }),
  preview: command({
    typed: "npm run preview",
    about:
      "Shows what a deployment would change, and changes nothing: what is lost on top, then the lines of every file and script on " +
      "the hosts, then the cloud. With --markdown it is a comment for a pull request, and --post writes that. It ends with 0 if the preview succeeded, 1 if " +
      "it failed or the policy pack forbids it, and 3 with --expect-no-changes if anything would change. See docs/pull-requests.md.",
    options: {
      stack,
      markdown: flag("prints Markdown, of at most 65536 characters"),
      output: optional("FILE", "writes the Markdown into a file, and shows the preview as usual", "none"),
      post: reads(
        "SERVICE",
        "github or gitlab: writes the Markdown as the one comment of the pull request that the pipeline runs for",
        oneOf(["github", "gitlab"]),
      ),
      issue: reads(
        "SERVICE",
        "github or gitlab: opens an issue if anything would change, updates it, and closes it when nothing would",
        oneOf(["github", "gitlab"]),
      ),
      "policy-pack": optional("DIRECTORY", "checks the rules of a policy pack, such as policy", "none"),
      since: optional(
        "COMMIT",
        "lists the Django migrations that are new since a commit, and what they lock",
        "none",
      ),
      sql: optional(
        "COMMAND",
        "with --since: shows their SQL by 'COMMAND sqlmigrate', such as 'python manage.py', in the directory of the application, here",
        "none",
      ),
      refresh: flag("asks the cloud first what there is, as 'pulumi refresh' does"),
      "no-drift": flag("does not look for what was changed by hand on the hosts"),
      "expect-no-changes": flag("ends with 3 if anything would change"),
    },
    words: {},
    examples: [
      ["-s prod", "shows what 'npm start -- -s prod' would change"],
      ["-s prod --policy-pack policy --post github", "comments on the pull request, in a workflow of GitHub"],
      [
        "-s prod --refresh --issue gitlab",
        "tells of what somebody has changed in the cloud, in a scheduled job of GitLab",
      ],
    ],
  }),
  destroy: command({
    typed: "npm run destroy",
    about:
      "Removes everything that a stack made, and the stack. It first shows what goes and which data, and asks you to type the " +
      "stack's name. It refuses a stack with protected resources. The file Pulumi.NAME.yaml stays.",
    options: { stack, yes: flag("does not ask; needed without a terminal") },
    words: {},
    examples: [
      ["", "removes the stack 'local', once you have typed its name"],
      ["-s staging --yes", "removes the stack 'staging' without asking"],
    ],
  }),
  status: command({
    typed: "npm run status",
    about:
      "Shows what runs on each host of a stack, and first what needs attention. It changes nothing. It ends with 0 if " +
      "everything is healthy, 1 if something is wrong, 3 if a host could not be asked. See docs/status.md.",
    options: { stack, json: flag("prints JSON for programs") },
    words: {},
    examples: [
      ["", "shows the stack 'local'"],
      ["-s prod --json", "prints the stack 'prod' as JSON"],
    ],
  }),
  drift: command({
    typed: "npm run drift",
    about:
      "Shows what somebody has changed by hand on the hosts of a stack: files, links, units, packages, accounts and the rules " +
      "of the firewall that are not as Berth made them. It changes nothing. It ends with 0 if all is as Berth made it, 4 if " +
      "something is not, 3 if a host could not be looked at. See docs/drift.md.",
    options: { stack, json: flag("prints JSON for programs") },
    words: {},
    examples: [
      ["", "looks at the hosts of the stack 'local'"],
      ["-s prod --json", "prints what is different in the stack 'prod' as JSON"],
    ],
  }),
  releases: command({
    typed: "npm run releases",
    about:
      "Shows what runs on a host and in which state, the releases that it keeps, and the record of all deployments.",
    options: { stack, host, json: flag("prints JSON for programs") },
    words: {},
    examples: [
      ["", "shows the stack 'local'"],
      ["-s prod --json", "prints the stack 'prod' as JSON"],
    ],
  }),
  logs: command({
    typed: "npm run logs",
    about: "Shows the log of a part of a stack and follows it until Ctrl-C.",
    options: {
      stack,
      host: optional("NAME", "the host of the stack, as berth:hosts names it", "the one that PART runs on"),
      lines: option("COUNT", "how many earlier lines to show", count, "20", "n"),
      "no-follow": flag("shows those lines and ends"),
    },
    words: {
      part: word(
        "web, a process or timer of berth:app, a service of berth:services, nginx, postgres, redis, mongodb, docker, backups, notices, hooks, syslog, metrics, reboot or system",
      ),
    },
    examples: [
      ["web", "the application's web server"],
      ["nginx -n 100 --no-follow", "nginx's last hundred lines"],
      ["-s prod worker", "the process 'worker' of the stack 'prod'"],
    ],
  }),
  ssh: command({
    typed: "npm run ssh",
    about:
      "Logs in to a host of a stack, or runs a command there. Options stand before the command; -- may separate them.",
    options: { stack, host },
    words: { command: rest("the command; with none, you are logged in") },
    examples: [
      ["", "logs in to the host of the stack 'local'"],
      ["-s prod uptime", "runs a command on the host of the stack 'prod'"],
      ["-- curl -s http://localhost/", "everything after the second -- is the command's"],
    ],
  }),
  exec: command({
    typed: "npm run exec",
    about:
      "Runs a command in the live release of a stack's application: in its directory, with its settings, and with the rights " +
      "of its account. It ends with the command's exit status. Options stand before the command; -- may separate them.",
    options: { stack },
    words: { command: rest("the command and its arguments") },
    examples: [
      ["python manage.py migrate --plan", "shows the migrations that the stack 'local' has not run"],
      ["-s prod -- flask --app shop users add maria", "runs a command of Flask in the stack 'prod'"],
    ],
  }),
  console: command({
    typed: "npm run console",
    about:
      "Opens the Python shell of Django or Flask in the live release of a stack's application, with its settings. What you " +
      "change there is changed for visitors.",
    options: { stack },
    words: {},
    examples: [["-s prod", "opens a shell in the stack 'prod'"]],
  }),
  dbshell: command({
    typed: "npm run dbshell",
    about:
      "Opens the shell of the application's database, such as psql, with the rights that the application has. It reads SQL " +
      "from standard input when that is no terminal.",
    options: { stack },
    words: {},
    examples: [
      ["", "opens a psql of the stack 'local'"],
      ["-s prod", "opens one of the stack 'prod'"],
    ],
  }),
  import: command({
    typed: "npm run import",
    about:
      "Takes over the data of a site that ran elsewhere: a dump of its PostgreSQL, its uploaded files, or both. The dump is SQL " +
      "(also with gzip) or of any format of pg_dump. It is loaded beside the database that is there, which it then replaces. " +
      "If the site is unhealthy with it, all is put back. See docs/moving-in.md.",
    options: {
      stack,
      media: optional("DIRECTORY", "uploaded files, which are copied first; none is overwritten", "none"),
      undo: flag("brings back the database from before the last import"),
      yes: flag("does not ask; needed without a terminal"),
    },
    words: { dump: many("the dump: a file, or the directory of pg_dump --format=directory") },
    examples: [
      ["../old.dump -s shop", "replaces the database of the stack 'shop'"],
      ["../old.sql.gz --media ../old/media -s shop", "copies uploaded files as well"],
      ["-s shop --undo", "takes the last import of a dump back"],
    ],
  }),
  backups: command({
    typed: "npm run backups",
    about:
      "Shows the backups of a stack: what there is, since when, how large, and what failed last. It asks the place where " +
      "they are kept. With --undelete, it brings them back after somebody has deleted or overwritten them in a bucket that " +
      "keeps versions. See docs/backups.md.",
    options: {
      stack,
      json: flag("prints JSON for programs"),
      drill: flag(
        "restores the newest backup into a scratch database on the host now, checks it and says what it found",
      ),
      "show-passphrase": flag(
        "prints what they are encrypted with instead; keep it outside of this computer",
      ),
      undelete: flag(
        "brings the backups in a bucket back as they were at the time of --at, with your own AWS credentials; it shows what it would do, and asks for the stack's name",
      ),
      at: reads("TIME", "with --undelete: the moment, in UTC", moment),
      yes: flag("with --undelete: does not ask; needed without a terminal"),
    },
    words: {},
    examples: [
      ["", "shows the backups of the stack 'local'"],
      ["-s prod --drill", "proves that the backups of the stack 'prod' can be restored"],
      ["-s prod --show-passphrase", "prints the passphrase of the stack 'prod'"],
      ["-s prod --undelete --at 2026-11-28T14:03:07Z", "brings back what was in the bucket at that second"],
    ],
  }),
  restore: command({
    typed: "npm run restore",
    about:
      "Restores the database and uploaded files of a stack as they were. It asks you to type the stack's name, shows visitors " +
      "the maintenance page meanwhile, and ends when the site is healthy. If it fails, all is put back. What was there before " +
      "is kept until the next restore, for three days at most. With --to, the data of one stack comes into another one, " +
      "such as production's into staging; the first one is only read.",
    options: {
      stack,
      to: optional(
        "NAME",
        "the stack whose data is replaced by that of -s, after its own scrub; see docs/backups.md",
        "the stack itself",
      ),
      at: reads("TIME", "the point in time, in UTC: files are those of the last backup before it", moment),
      backup: optional("ID", "a backup, as 'npm run backups' lists it", "none"),
      latest: flag("all that the backups have, to their end: for a new server, or with --to"),
      only: reads("PART", "database, media, redis or a service of berth:services: restores that alone", part),
      undo: flag("brings back what was there before the last restore"),
      "as-it-is": flag(
        "with --to: takes personal data as it is, if that stack has neither berth:copy.scrub nor berth:copy.sql",
      ),
      protected: flag("with --to: also into a stack with protected resources"),
      yes: flag("does not ask; needed without a terminal"),
    },
    words: {},
    examples: [
      ["--at 2026-11-28T14:03:07Z", "restores the stack 'local' to that second"],
      [
        "-s prod --backup 20261128-040003F --only database",
        "restores the database of the stack 'prod' alone",
      ],
      ["-s prod --latest", "restores the stack 'prod' on a new server"],
      ["-s prod --undo", "takes the last restore back"],
      ["-s prod --to staging --latest", "replaces the data of the stack 'staging' by that of 'prod'"],
      ["--to staging --undo", "brings back what 'staging' had before that"],
    ],
  }),
  maintenance: command({
    typed: "npm run maintenance",
    about: "Shows visitors a maintenance page instead of the site, or the site again.",
    options: { stack },
    words: { state: choice(["on", "off"], "whether visitors see the maintenance page") },
    examples: [
      ["on", "shows the maintenance page of the stack 'local'"],
      ["off -s prod", "shows the site of the stack 'prod' again"],
    ],
  }),
  notify: command({
    typed: "npm run notify",
    about:
      "Sends a test message to every target that the stack's messages go to (berth:notify), and says which of them have " +
      "taken it. The exit status is 1 if one has not.",
    options: { stack, host },
    words: {},
    examples: [["-s prod", "tries the targets of the stack 'prod'"]],
  }),
  pulumi: command({
    typed: "npm run pulumi",
    about:
      "Runs any Pulumi command, with the engine and the state of this checkout. All words go to Pulumi; its help is that of " +
      "'npm run pulumi -- help'. Without -s it is about the stack 'local'.",
    options: {},
    words: { words: all("Pulumi's own command and options") },
    examples: [
      ["preview --diff -s local", "shows what 'npm start' would change"],
      ["up --help", "shows the help of 'pulumi up'"],
    ],
  }),
  test: command({
    typed: "npm test",
    about: "Runs the static checks and all test files that CI runs, or some of the files.",
    options: {
      changed: flag(
        "runs what a change since a commit can have touched; the WORD is that commit, HEAD without one",
      ),
      times: option("COUNT", "how often each file is run", count, "1"),
      minutes: reads(
        "MINUTES",
        "begins no file when so many minutes are over, and names those that were not run",
        count,
      ),
    },
    words: { words: many("a part of a test file's path: only the files that have one of them run") },
    examples: [
      ["", "runs all that CI runs"],
      ["release faults/cut", "runs the files with 'release' or 'faults/cut' in their path"],
      ["--changed main", "runs what your branch can have touched"],
      ["--times 10 faults/cut", "runs each of the files ten times"],
      ["long", "runs what takes too long for every run: test/long"],
    ],
  }),
  check: command({
    typed: "npm run check",
    about:
      "Runs the static checks, in seconds: style, types, rooms, shell, Python, workflows, documents made from the code, links among documents.",
    ...none,
    examples: [["", "says what is wrong"]],
  }),
  docs: command({
    typed: "npm run docs",
    about:
      "Writes docs/configuration.md, docs/commands.md, outputs.schema.json and what else is made from outputs.ts, from the code.",
    ...none,
    examples: [["", "after a change of a schema, outputs.ts or scripts/lib/commands.ts"]],
  }),
  package: command({
    typed: "npm run package",
    about:
      "Packs what other programs use, and prints the paths of the packed files: the components, and the readers of outputs " +
      "for TypeScript and Python. See docs/using-components.md and docs/outputs.md.",
    ...none,
    examples: [
      ["", "makes .berth/berth-VERSION.tgz and the others, which 'npm install' and 'pip install' take"],
    ],
  }),
  pins: command({
    typed: "npm run pins",
    about:
      "Writes the hashes of the programs that hosts install from PyPI into components/app/release/pins. Needs uv.",
    ...none,
    examples: [["", "after a change of components/app/web/tools.ts"]],
  }),
  scratch: command({
    typed: "npm run scratch",
    about:
      "A bare Debian 13 host to try things on, made as a stack's local one, without the engine. " +
      "With BERTH_MACHINE=NAME before it, it is about another host of that name.",
    options: {},
    words: {
      verb: choice(
        ["up", "ssh", "destroy"],
        "makes or starts it; logs in or runs a command there; removes it",
      ),
      command: rest("with ssh: the command; with none, you are logged in"),
    },
    examples: [
      ["up", "makes the host, and prints how to reach it"],
      ["ssh -- ls -l /srv", "runs a command there"],
      ["destroy", "removes it"],
    ],
  }),
  bench: command({
    typed: "npm run bench",
    about:
      "Measures Berth against what it must be measured against, all in one run, and writes bench/results. See docs/speed.md.",
    options: {
      runs: option("COUNT", "how often each is measured", count, "5"),
      what: option(
        "KIND",
        "all, noop, hosts, sdk, releases, release-times or growth",
        oneOf(["all", "noop", "hosts", "sdk", "releases", "release-times", "growth"]),
        "all",
      ),
      contenders: option(
        "NAMES",
        `for hosts: whom Berth is measured against, of ${rivalNames.join(", ")}`,
        someOf(rivalNames),
        rivalNames.join(","),
      ),
      date: option("DATE", "the date that the results bear", day, "today"),
      releases: option("COUNT", "for releases: how many are made under load", count, "20"),
      rate: option("COUNT", "for releases: requests in a second", count, "20"),
      every: option("COUNT", "for releases: seconds between two of them", count, "10"),
      hosts: option("COUNTS", "for growth: the numbers of hosts", growing, "1,4,16"),
      processes: option("COUNTS", "for growth: the numbers of processes", growing, "1,10,50"),
    },
    words: {},
    examples: [
      ["--what noop", "an update without a change"],
      ["--what sdk --runs 7", "what lean-sdk.ts saves of it"],
      ["--what releases --runs 1", "what people see of releases"],
    ],
  }),
};
