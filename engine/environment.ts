import { statSync } from "node:fs";
import { delimiter, dirname } from "node:path";

/** The places that one engine works with. Everything Berth makes for itself lies in one of them. */
export interface EnginePlaces {
  /** PULUMI_HOME: the CLI, its plugins and its notes on stacks. */
  readonly home: string;
  /** The folder of the file backend, which holds the stacks' state. */
  readonly state: string;
  /** The file with the passphrase that encrypts the secrets in that state. */
  readonly passphraseFile: string;
  /** The folder of the `pulumi` to run; its language host is found beside it. @default the PATH's */
  readonly cliDirectory?: string;
  /** Whether Pulumi may download plugins. The registry build brings its own and has nowhere to download from. */
  readonly downloadPlugins: boolean;
  /** The Node that runs programs and plugins. @default the one that runs this */
  readonly node?: string;
}

/**
 * The environment for every call of the engine, made from the user's own. What would lead Pulumi to the user's
 * login, to another backend or to another passphrase is taken out.
 */
export function engineEnvironment(
  places: EnginePlaces,
  user: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { ...user };
  for (const name of ["PULUMI_ACCESS_TOKEN", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_API"])
    delete environment[name];
  // @pulumi/command tries the agent before the key, and a socket that is dead fails every connection.
  if (!isSocket(environment.SSH_AUTH_SOCK)) delete environment.SSH_AUTH_SOCK;

  const node = dirname(places.node ?? process.execPath);
  const first = places.cliDirectory ? [places.cliDirectory, node] : [node];
  const rest = (user.PATH ?? "").split(delimiter).filter((entry) => entry !== "" && !first.includes(entry));
  Object.assign(environment, {
    PATH: [...first, ...rest].join(delimiter),
    PULUMI_HOME: places.home,
    PULUMI_BACKEND_URL: `file://${places.state}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: places.passphraseFile,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // The salt of a stack's secrets is in its state; see engine/salt.ts.
    PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER: "true",
    // `stack rm` would delete Pulumi.<stack>.yaml, which is part of the source.
    PULUMI_OPTION_PRESERVE_CONFIG: "true",
    // Node keeps what it has compiled, which halves the start of programs and plugins.
    NODE_COMPILE_CACHE: `${places.home}/compile-cache`,
  });
  if (places.downloadPlugins) delete environment.PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION;
  else environment.PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION = "true";
  return environment;
}

function isSocket(path: string | undefined): boolean {
  return path !== undefined && (statSync(path, { throwIfNoEntry: false })?.isSocket() ?? false);
}
