/** Settings of an application by the name of their environment variable. */
export type Settings = Readonly<Record<string, string>>;

/**
 * A file of settings that systemd's EnvironmentFile= (systemd.exec(5)), django-environ, python-dotenv and a POSIX
 * shell all read alike: every value in double quotes.
 */
export function environmentFile(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}="${value.replaceAll(/[\\"$`]/g, (character) => `\\${character}`)}"\n`)
    .join("");
}
