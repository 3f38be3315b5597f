// The processes of an application beside its web server: workers, schedulers, and what migrates.
import {
  hasBeat,
  processNamePattern,
  readProcfile,
  reservedNames,
  withoutBeat,
} from "../../../components/app/processes/processes.ts";
import type { Dependencies } from "./dependencies.ts";
import type { Entry } from "./entry.ts";
import type { Project } from "./project.ts";
import { type Module, textIn, textsIn } from "./python.ts";

export interface ProcessFound {
  readonly name: string;
  /** Undefined for a line of the Procfile that is left out, by a count of 0. */
  readonly command: string | undefined;
  /** Why it may not be one, for the reader to decide; undefined where it is certain. */
  readonly doubt: string | undefined;
}

export interface ProcessesFound {
  readonly processes: readonly ProcessFound[];
  /** The lines that Berth reads in the Procfile itself. */
  readonly procfile: readonly string[];
  readonly todos: readonly string[];
}

/** What programs that run for good are made with. */
const endless = /start_polling|run_forever|start_consuming|BlockingScheduler|SIGTERM/;

export function readProcesses(
  project: Project,
  above: Project,
  settings: readonly Module[],
  { names }: Dependencies,
  entry: Entry,
): ProcessesFound {
  const todos: string[] = [];
  // Where no file names the dependencies, the code alone tells.
  const has = (...all: readonly string[]) => names.size === 0 || all.some((name) => names.has(name));
  const apps = new Set(
    settings.flatMap(({ assigns }) =>
      assigns.filter(({ name }) => /_APPS$/.test(name)).flatMap(({ value }) => textsIn(value)),
    ),
  );
  const isDjango = entry.framework === "Django";
  const found: ProcessFound[] = [];
  const add = (name: string, command: string, doubt?: string) => {
    if (!found.some((one) => one.name === name)) found.push({ name, command, doubt });
  };

  const own = project.files.read("Procfile");
  const elsewhere = own === undefined && above !== project ? above.files.read("Procfile") : undefined;
  const lines = Object.entries(readProcfile(own ?? elsewhere ?? ""));
  const procfile: string[] = [];
  for (const [name, command] of lines) {
    if (name === "web") continue;
    if (name !== "release" && !processNamePattern.test(name)) {
      todos.push(
        `The Procfile's '${name}': expected a lower-case letter, then letters, digits, hyphens or underscores, 23 at most. Rename it.`,
      );
    } else if (hasBeat(command)) {
      todos.push(`The Procfile's '${name}': ${withoutBeat}.`);
    }
    const isForDevelopment =
      /runserver|\bwatch\b|--watch|npm run (dev|start)|flask run|mailhog|webpack-dev-server/.test(command);
    if (own === undefined) {
      if (!isForDevelopment && processNamePattern.test(name))
        add(
          name,
          command,
          "it stands in the Procfile of the directory above, and names paths as seen from there",
        );
    } else if (isForDevelopment && !reservedNames.includes(name))
      found.push({ name, command: undefined, doubt: undefined });
    else procfile.push(name);
  }
  const scheduler = schedulerInside();
  if (scheduler !== undefined)
    todos.push(
      `${scheduler} starts a scheduler inside the application: each worker process of the web server would run each of its jobs. Start it in a process of its own, or make its jobs app.timers; see docs/processes.md.`,
    );
  if (!isDjango && !lines.some(([name]) => name === "release")) migrations();
  if (procfile.some((name) => name !== "release")) return { processes: found, procfile, todos };

  celery();
  const huey = project
    .having(/Huey\(/)
    .flatMap(({ path, assigns }) =>
      assigns.flatMap(({ name, value, inside }) =>
        inside === undefined && value.kind === "call" && /Huey$/.test(value.call.name)
          ? [`${project.moduleOf(path)}.${name}`]
          : [],
      ),
    )[0];
  if (apps.has("huey.contrib.djhuey")) add("worker", "python manage.py run_huey");
  else if (apps.has("django_huey")) add("worker", "python manage.py djangohuey");
  else if (huey !== undefined) add("worker", `huey_consumer ${huey}`);
  if (apps.has("django_rq"))
    add("worker", `python manage.py rqworker ${keysOf(settings, "RQ_QUEUES").join(" ") || "default"}`);
  else if (has("rq", "flask-rq2") && !has("celery")) {
    const queues = project
      .having(/\bQueue\(/)
      .flatMap(({ calls }) =>
        calls.flatMap(({ name, args }) => (/(^|\.)Queue$/.test(name) ? (textIn(args[0]) ?? []) : [])),
      );
    if (queues.length > 0) add("worker", `rq worker ${[...new Set(queues)].join(" ")}`);
    else if (names.size > 0)
      add("worker", "rq worker", "no queue was found, so its worker may be started in another way");
  }
  if (apps.has("django_dramatiq")) add("worker", "python manage.py rundramatiq --processes 1");
  else if (has("dramatiq", "dramatiq[redis]")) {
    const actors = project
      .having(/\bactor\b/)
      .find(({ functions }) =>
        functions.some(({ decorators }) =>
          decorators.some((one) =>
            /actor$/.test(one.kind === "call" ? one.call.name : one.kind === "name" ? one.name : ""),
          ),
        ),
      );
    if (actors !== undefined)
      add(
        "worker",
        `dramatiq ${project.moduleOf(actors.path)}`,
        "whether the module sets the broker up was not found out",
      );
  }
  if (apps.has("django_q")) add("worker", "python manage.py qcluster");
  if (apps.has("django_tasks.backends.database") || apps.has("django_tasks_db"))
    add("worker", "python manage.py db_worker");
  if (apps.has("procrastinate.contrib.django")) add("worker", "python manage.py procrastinate worker");
  if (apps.has("background_task")) add("worker", "python manage.py process_tasks");
  if (isDjango)
    for (const [name, command] of managementWorkers())
      add(name, command, "its loop without end makes it look like a worker");
  return { processes: found, procfile, todos };

  function celery(): void {
    if (!has("celery", "celery[redis]", "django-celery-beat", "flask-celery-helper")) return;
    const modules = project.having(/\bCelery\b/);
    if (names.size === 0 && modules.length === 0) return;
    const made = modules.flatMap(({ path, assigns, imports }) =>
      assigns.flatMap(({ name, value, inside, conditional }) => {
        if (inside !== undefined || name.includes(".")) return [];
        const isMade =
          value.kind === "call" &&
          /(^|\.)(Celery|FlaskCelery|(make|create|get|init)_\w*celery\w*|celery_init_app)$/.test(
            value.call.name,
          );
        const isTaken =
          value.kind === "item" && /extensions$/.test(value.of) && textIn(value.key) === "celery";
        const of = /(Celery)$/.test(value.kind === "call" ? value.call.name : "") ? 1 : 0;
        return isMade || isTaken
          ? [{ path, name, conditional, certain: of + (imports.length > 0 ? 0 : 0) }]
          : [];
      }),
    );
    const best = made.find(({ path }) => /(^|\/)celery\w*\.py$/.test(path)) ?? made[0];
    const isWorker =
      best !== undefined && (isDjango || !/extensions\.py$/.test(best.path) || made.length === 1);
    const name = best && project.moduleOf(best.path);
    // `-A shop` finds shop.celery; by any other name it is told where.
    const target =
      name?.endsWith(".celery") && /^(app|celery)$/.test(best?.name ?? "")
        ? name.slice(0, -".celery".length)
        : `${name}:${best?.name}`;
    const doubt =
      best === undefined
        ? "no module was found that makes a Celery application"
        : isWorker && (isDjango || !/(extensions|__init__)\.py$/.test(best.path))
          ? undefined
          : "the Celery application may only be set up when the web application is made";
    const of = best === undefined ? `${entry.settings?.split(".")[0] ?? "MODULE"}` : target;
    const queues = new Set(
      [...settings, ...modules].flatMap(({ assigns }) =>
        assigns
          .filter(({ name }) => /(TASK_ROUTES|task_routes)$/.test(name))
          .flatMap(({ value }) => queuesIn(value)),
      ),
    );
    const taken =
      queues.size === 0
        ? ""
        : ` -Q ${["celery", ...queues].filter((one, at, all) => all.indexOf(one) === at).join(",")}`;
    add("worker", `celery -A ${of} worker -l INFO${taken}`, doubt);
    const text = [...settings, ...modules].map(({ path }) => project.files.read(path) ?? "").join("\n");
    if (apps.has("django_celery_beat"))
      add(
        "beat",
        `celery -A ${of} beat -l INFO --scheduler django_celery_beat.schedulers:DatabaseScheduler`,
        doubt,
      );
    else if (
      /BEAT_SCHEDULE\b|beat_schedule\b|add_periodic_task|periodic_task\b|CELERYBEAT_SCHEDULE/.test(text)
    )
      add("beat", `celery -A ${of} beat -l INFO`, doubt);
  }

  function queuesIn(value: Parameters<typeof textsIn>[0]): string[] {
    if (value.kind !== "dict") return [];
    return value.entries.flatMap(([key, one]) =>
      textIn(key) === "queue" ? (textIn(one) ?? []) : queuesIn(one),
    );
  }

  function managementWorkers(): [string, string][] {
    return (
      project.code
        .filter((path) => /(^|\/)management\/commands\/[a-z]\w*\.py$/.test(path))
        // Those that go through all there is, page by page, come to an end.
        .filter(
          (path) =>
            !/\/(\w+_)?(import|export|load|dump|migrate|fix|create|delete|populate|rebuild|update|seed)[^/]*$/.test(
              path,
            ),
        )
        .filter((path) => project.open(path)?.loopsForever || endless.test(project.files.read(path) ?? ""))
        .map((path): [string, string] => {
          const command = project.moduleOf(path).split(".").at(-1) ?? "";
          return [command.replaceAll("_", "-").slice(0, 23), `python manage.py ${command}`];
        })
    );
  }

  /** APScheduler's that run in threads: where `ready()`, `create_app()` or an import starts one, all that serves has it. */
  function schedulerInside(): string | undefined {
    const started = lines.map(([, command]) => command).join("\n");
    return project
      .having(/\b(Background|Gevent|AP)Scheduler\(/)
      .filter(({ calls }) => calls.some(({ name }) => /(^|\.)(Background|Gevent|AP)Scheduler$/.test(name)))
      .map(({ path }) => path)
      .find(
        (path) =>
          !/(^|\/)management\/commands\//.test(path) &&
          !started.includes(path) &&
          !started.includes(`-m ${project.moduleOf(path)}`),
      );
  }

  /** Flask's, for which Django has `migrate`. */
  function migrations(): void {
    const isFlask =
      project.files.paths.some((path) => /(^|\/)migrations\/env\.py$/.test(path)) && has("flask-migrate");
    if (isFlask && entry.wsgi !== undefined)
      add("release", `flask --app ${entry.wsgi.replace("()", "")} db upgrade`);
    else if (has("alembic") && project.files.has("alembic.ini"))
      add(
        "release",
        "alembic upgrade head",
        "alembic.ini or its env.py must take the database's URL from DATABASE_URL",
      );
  }
}

function keysOf(modules: readonly Module[], setting: string): string[] {
  const values = modules.flatMap(({ assigns }) => assigns.filter(({ name }) => name === setting));
  return values.flatMap(({ value }) =>
    value.kind === "dict" ? value.entries.flatMap(([key]) => textIn(key) ?? []) : [],
  );
}
