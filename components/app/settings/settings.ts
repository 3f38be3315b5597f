/** Settings of an application by the name of their environment variable. */
export type Settings = Readonly<Record<string, string>>;

/**
 * A file of settings that systemd's EnvironmentFile= (systemd.exec(5)), a POSIX shell, django-environ and
 * python-dotenv read alike. In single quotes a value stands as it is for all of them; one with a single quote or a
 * backslash goes into double quotes with escapes, where python-dotenv alone keeps the escape before `$` and a
 * backquote.
 */
export function environmentFile(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${quoted(value)}\n`)
    .join("");
}

function quoted(value: string): string {
  return /['\\]/.test(value)
    ? `"${value.replaceAll(/[\\"$`]/g, (character) => `\\${character}`)}"`
    : `'${value}'`;
}
