// What Django's settings fix that a release has to be told from outside, and the lines that tell it.

import { isFilled, settingsPaths } from "./paths.ts";
import type { Project } from "./project.ts";
import { type Expression, type Module, textIn, textsIn } from "./python.ts";
import { keyFault } from "./secret-key.ts";
import type { ServicesFound } from "./services.ts";
import { sharedBelow } from "./writes.ts";

/** Lines of Python that settle one thing, after the project's own settings. */
export interface Line {
  readonly name: string;
  /** Why, for who reads the file. */
  readonly because: string;
  /** What the name stands for, as Python writes it. */
  readonly value: string;
  /** Whether it needs what the project's settings have. */
  readonly isUpon?: boolean;
}

const postgres = `{
    "ENGINE": "django.db.backends.postgresql",
    "HOST": "\${postgres.host}",
    "PORT": "\${postgres.port}",
    "NAME": "\${postgres.database}",
    "USER": "\${postgres.user}",
    "PASSWORD": "\${postgres.password}",
}`;
const sqlite = `{"ENGINE": "django.db.backends.sqlite3", "NAME": "\${paths.data}/db.sqlite3"}`;

export const values: Readonly<Record<string, string>> = {
  SECRET_KEY: 'os.environ["SECRET_KEY"]',
  DEBUG: "False",
  ALLOWED_HOSTS: 'os.environ["ALLOWED_HOSTS"].split(",")',
  STATIC_URL: '"/static/"',
  STATIC_ROOT: 'os.environ["STATIC_ROOT"]',
  MEDIA_ROOT: 'os.environ["MEDIA_ROOT"]',
};

/** The address of a site that is not there, or of one on a developer's own computer. */
const madeUp = /^https?:\/\/((www\.)?example\.(com|org|net)|localhost|127\.0\.0\.1)(:\d+)?\/?$/;

/** The default database: PostgreSQL where there is a driver for it. */
export const databaseOf = (services: Pick<ServicesFound, "postgres">): string =>
  services.postgres ? postgres : sqlite;

/**
 * What has to be settled for a project whose settings are these.
 *
 * @param chain the settings module, and after it those that it takes all from
 * @param text that of all of them
 */
export function settledLines(
  project: Project,
  chain: readonly Module[],
  text: string,
  services: ServicesFound,
): Line[] {
  const lines: Line[] = [];
  const settle = (name: string, because: string, value = values[name] as string) =>
    lines.push({ name, because, value });
  const last = (name: string): { readonly value: Expression; readonly at: string } | undefined => {
    for (const { path, assigns } of chain) {
      const found = assigns.filter((one) => one.name === name && !one.conditional).at(-1);
      if (found !== undefined) return { value: found.value, at: `${path}:${found.line}` };
    }
    return undefined;
  };
  const isFixed = (value: Expression) =>
    value.kind === "list" && value.items.every((one) => one.kind === "text");
  const isConditional = (name: string) =>
    chain.some(({ assigns }) => assigns.some((one) => one.name === name && (one.conditional || one.isAdded)));
  // Nothing names it, and no function can have set it.
  const isMissing = (name: string) =>
    chain.length > 0 && !text.includes(name) && !/\b(locals|globals|configurations)\b/.test(text);

  const fault = isMissing("SECRET_KEY") ? "The settings have none." : keyFault(project, chain);
  if (fault !== undefined) settle("SECRET_KEY", fault);

  const debug = last("DEBUG");
  if (debug?.value.kind === "constant" && debug.value.source === "True" && !isConditional("DEBUG"))
    settle("DEBUG", `${debug.at} sets it to True, which shows the code's insides to visitors.`);

  const hosts = last("ALLOWED_HOSTS");
  const isOpen = hosts !== undefined && textsIn(hosts.value).includes("*");
  if (isMissing("ALLOWED_HOSTS")) settle("ALLOWED_HOSTS", "The settings have none.");
  else if (hosts !== undefined && isFixed(hosts.value) && !isOpen && !isConditional("ALLOWED_HOSTS")) {
    settle("ALLOWED_HOSTS", `${hosts.at} names ${textsIn(hosts.value).join(", ") || "none"}.`);
  }
  if (services.isSqlite) {
    settle(
      "DATABASES",
      services.postgres
        ? "The settings name SQLite, and a driver for PostgreSQL is among the dependencies."
        : "No release can write next to its code. For PostgreSQL, add psycopg[binary] to the dependencies.",
      databaseOf(services),
    );
  }
  const addresses = new Set(chain.flatMap(({ assigns }) => assigns.map(({ name }) => name)));
  for (const name of [...addresses].filter((one) =>
    /(^|_)(SITE|BASE|PUBLIC|FRONTEND|APP|ROOT)_URL$/.test(one),
  )) {
    const found = last(name);
    const address = textIn(found?.value);
    if (address !== undefined && madeUp.test(address) && !isConditional(name))
      settle(name, `${found?.at} has ${address}.`, 'os.environ["SITE_URL"]');
  }
  const url = textIn(last("STATIC_URL")?.value);
  const middleware = chain.flatMap(({ assigns }) =>
    assigns.filter(({ name }) => /MIDDLEWARE/.test(name)).flatMap(({ value }) => textsIn(value)),
  );
  const isByItself = middleware.some((one) => /whitenoise/i.test(one));
  if (
    url !== undefined &&
    !isByItself &&
    !url.includes("//") &&
    url.replaceAll(/^\/|\/$/g, "") !== "static"
  ) {
    settle("STATIC_URL", `${last("STATIC_URL")?.at} sets it to ${url}, and nginx serves /static/.`);
  }
  const paths = settingsPaths(chain);
  const written = sharedBelow(project, chain);
  const statics = paths.findLast(({ setting }) => setting === "STATIC_ROOT");
  if (statics !== undefined && isFilled(project, statics.path) && !isConditional("STATIC_ROOT")) {
    const has = chain.some(({ assigns }) => assigns.some(({ name }) => name === "STATICFILES_DIRS"));
    if (!isConditional("STATICFILES_DIRS")) {
      const value = has ? "[*STATICFILES_DIRS, STATIC_ROOT]" : "[STATIC_ROOT]";
      const because = `${statics.at} has files of the source there, which are to be collected.`;
      lines.push({ name: "STATICFILES_DIRS", because, value, isUpon: true });
      settle("STATIC_ROOT", "What is collected lies elsewhere.");
    }
  }
  for (const name of ["STATIC_ROOT", "MEDIA_ROOT"]) {
    const own = paths.findLast(({ setting }) => setting === name);
    const link = own && written.find(({ path }) => own.path.startsWith(`${path}/`));
    if (link !== undefined) settle(name, `${own?.at} has it in ${link.path}, which outlives releases.`);
  }
  for (const name of ["STATIC_ROOT", "MEDIA_ROOT"]) {
    const root = last(name);
    const path = textIn(root?.value);
    if (path?.startsWith("/")) settle(name, `${root?.at} sets it to ${path}, outside of the project.`);
  }
  return lines;
}
