// What 'npm run init' says at its end: what it found, what is left to do, what to type next.
import { accelAdvice } from "./accel.ts";
import type { Facts } from "./look.ts";
import { secretCommand } from "./stack-file.ts";

export function report(facts: Facts, stack: string, file: string): string {
  const { entry, services, python, dependencies, processes, wanted, health, built } = facts;
  const running = processes.processes.filter(
    ({ doubt, command }) => doubt === undefined && command !== undefined,
  );
  const uncertain = processes.processes.filter(({ doubt }) => doubt !== undefined);
  const beside = [
    services.postgres || services.mongodb ? "PostgreSQL" : undefined,
    services.redis ? "Redis" : undefined,
    services.mongodb ? "MongoDB by FerretDB" : undefined,
  ].filter((one) => one !== undefined);
  const found: (readonly [string, string])[] = [
    [
      "application",
      `${[entry.framework, entry.wsgi, entry.asgi && `${entry.asgi} by uvicorn`].filter(Boolean).join(", ")}${entry.settings === undefined ? "" : `, settings ${entry.settings}`}`,
    ],
    ["directory", facts.directory],
    ["dependencies", dependencies.file ?? "none that Berth reads"],
    ["Python", python.version ?? "3.13, Debian's own"],
    ["services", beside.join(", ") || "none"],
    [
      "processes",
      [...processes.procfile.map((name) => `${name} (Procfile)`), ...running.map(({ name }) => name)].join(
        ", ",
      ) || "none",
    ],
    ...(facts.own === undefined
      ? []
      : [["settings", `${facts.own.path}, which the stack's file has below files`] as const]),
    [
      "health",
      `${health.path ?? "/, because no other path was found"}${health.isLogin ? `, ${health.loginAt === undefined ? "" : "which LOGIN_URL names, "}because no path for health was found` : ""}`,
    ],
    [
      "environment",
      `${wanted.env.length} filled in, ${wanted.given.length} given by Berth, ${wanted.defaults.length} with defaults`,
    ],
  ];
  const todos = todosOf(facts, stack);
  const doubts = [
    ...(facts.own?.doubts ?? []),
    ...(facts.randomKey === undefined
      ? []
      : [
          `${facts.randomKey} makes up another signing key in each process, which logs people out. Take it from the environment: os.environ["SECRET_KEY"], which Berth gives.`,
        ]),
    ...(facts.writes.length === 0
      ? []
      : [
          `Look at ${facts.writes.slice(0, 5).join(", ")}: nothing can be written in a release. Take the path from the environment, where \${paths.logs} and \${paths.media} can be written.`,
        ]),
    ...(facts.compressor?.isOpen ? [facts.compressor.note] : []),
    ...(services.mongodb
      ? [
          "MongoDB is FerretDB, which has no TTL, text or partial indexes, no $lookup, no transactions and no change streams: docs/mongodb.md.",
        ]
      : []),
    ...(services.docker === undefined
      ? []
      : [
          `${services.docker} starts containers, and the stack file has the lines for Docker as a comment. The process that does needs an account of its own and groups: [docker]; see docs/docker.md.`,
        ]),
    ...facts.redisDoubts,
    ...(facts.accel === undefined ? [] : [accelAdvice(facts.accel)]),
    ...(facts.unseenMedia === undefined
      ? []
      : [
          `${facts.unseenMedia}, so nobody would see them. Either write berth:media with public: true, which serves them to everyone, or show them in a view of the application and write public: false.`,
        ]),
    ...(health.path === undefined && health.root === false
      ? [
          "Name a path that answers 200 as app.health: no path for health was found, and no route for / either.",
        ]
      : []),
    ...(uncertain.length === 0
      ? []
      : [
          `Look at ${uncertain.map(({ name }) => name).join(", ")}, which the file has as comments: whether they are processes was not certain.`,
        ]),
    ...(built.frontEnds.length > 1 ? ["Look at build, which the file has as a comment."] : []),
    ...(wanted.open.length === 0
      ? []
      : [
          `Look at the ${wanted.open.length} environment variables without a default, which the file names under env.`,
        ]),
  ];
  const start = `npm start -- -s ${stack}`;
  return [
    "",
    ...found.map(([name, value]) => `  ${name.padEnd(13)} ${value}`),
    ...(facts.faults.length === 0
      ? []
      : [
          "",
          "Could not be read:",
          ...facts.faults.slice(0, 15).map((one) => `  - ${one}`),
          ...(facts.faults.length > 15 ? [`  - and ${facts.faults.length - 15} more`] : []),
        ]),
    ...(doubts.length === 0 ? [] : ["", "To check:", ...doubts.map((one) => `  - ${one}`)]),
    ...(todos.length === 0
      ? []
      : ["", "Left to do before it can be deployed:", ...todos.map((one) => `  - ${one}`)]),
    "",
    todos.length === 0
      ? `Next: look through ${file}, then type: ${start}`
      : `Next: do the above in the application and in ${file}, then type: ${start}`,
  ].join("\n");
}

export function todosOf(facts: Facts, stack: string): string[] {
  const { entry, services, python, dependencies, processes, wanted, built } = facts;
  return [
    ...entry.todos,
    ...dependencies.todos,
    ...python.todos,
    ...(facts.own?.todos ?? []),
    ...services.todos,
    ...built.todos,
    ...processes.todos,
    ...wanted.required.map(
      ({ name, at }) => `Fill in env: ${name}, which the application does not start without (${at}).`,
    ),
    ...(wanted.secrets.length === 0
      ? []
      : [
          `Set the secrets, each with a value of your own:\n      npm run pulumi -- stack init ${stack}\n${wanted.secrets.map(({ name }) => `      ${secretCommand(name, stack)}`).join("\n")}`,
        ]),
  ];
}
