import type { AppConfig } from "../schema.ts";
import { namesIn } from "./references.ts";

/** Settings that every application has, by what they are called where settings refer to them. */
const everywhere: Readonly<Record<string, string>> = {
  "release.id": "BERTH_RELEASE",
  "paths.static": "STATIC_ROOT",
  "paths.media": "MEDIA_ROOT",
  "paths.data": "DATA_ROOT",
  "site.url": "SITE_URL",
};

type Place = readonly (string | number)[];

/**
 * What is wrong with the commands of an application: a shell runs them as they stand, and has no variable with a dot. Where
 * each stands below `app`, what was expected and what was found.
 *
 * @param known the names that settings may refer to
 */
export function commandFaults(
  app: AppConfig,
  known: readonly string[],
): [path: Place, message: string, found: string][] {
  const faults = (commands: readonly [Place, string | undefined][], todo: (name: string) => string) =>
    commands.flatMap(([path, command = ""]) =>
      namesIn(command)
        .filter((name) => known.includes(name))
        .map((name): [Place, string, string] => [
          path,
          `expected no reference: a shell runs commands as they stand. ${todo(name)}`,
          `\${${name}}`,
        ]),
    );
  const ofBuild = app.build.commands.map((command, index): [Place, string] => [
    ["build", "commands", index],
    command,
  ]);
  const others: [Place, string | undefined][] = [
    ...app.build.afterCollectstatic.map((command, index): [Place, string] => [
      ["build", "afterCollectstatic", index],
      command,
    ]),
    ...app.once.map(({ command }, index): [Place, string] => [["once", index, "command"], command]),
    ...Object.entries({ processes: app.processes, timers: app.timers }).flatMap(([kind, all]) =>
      Object.entries(all).map(([name, { command }]): [Place, string | undefined] => [
        [kind, name, "command"],
        command,
      ]),
    ),
  ];
  return [
    ...faults(ofBuild, () => "A build has none of the application's settings"),
    ...faults(others, (name) =>
      everywhere[name] === undefined
        ? `Write NAME: \${${name}} below app.env, and "$NAME" here`
        : `Write "$${everywhere[name]}"`,
    ),
  ];
}
