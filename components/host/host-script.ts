import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { again } from "./drifted.ts";
import type { Host } from "./host.ts";
import { shellQuote } from "./quote.ts";
import {
  removalText,
  type SecretFilePlace,
  type StepFile,
  type StepText,
  stepText,
  stepVariables,
} from "./step.ts";

/** A file whose content is secret. */
export interface SecretFile {
  readonly content: pulumi.Input<string>;
  /** `USER:GROUP`. @default "root:root" */
  readonly owner?: string;
  /** The mode in octal. @default "0600" */
  readonly mode?: string;
}

export interface HostScriptArgs {
  /** The machine it runs on. */
  readonly host: Host;
  /**
   * Path of the shell script, or of several that make one text: idempotent, ends by proving itself. It declares
   * each slot on a line of its own, `: "${name?what it is}"`, and may use the functions of `components/host/lib`.
   */
  readonly script: string | readonly string[];
  /** Path of a shell script, or of several, that refuse what is wrong while nothing has been changed. @default none */
  readonly check?: string | readonly string[];
  /** Values for the slots of these scripts. @default none */
  readonly slots?: Readonly<Record<string, pulumi.Input<string | number | boolean>>>;
  /** Files to put in place first, by their path on the host. @default none */
  readonly files?: Readonly<Record<string, pulumi.Input<StepFile>>>;
  /** Secret files to put in place, by their path on the host. @default none */
  readonly secretFiles?: Readonly<Record<string, SecretFile>>;
  /** Secrets that the script asks for by name, with `secret NAME`. @default none */
  readonly secrets?: pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>>;
  /** Path of the shell script that takes away what is more than files; never data. @default only the files go */
  readonly removal?: string;
  /**
   * The one step that comes before all others on its host: it brings the shell library, and its text is the command
   * itself, for sshd does not take texts otherwise yet. @default false
   */
  readonly first?: boolean;
  /**
   * The application whose files these are. A file that a step has no longer goes when the step has proved itself; under
   * another name of the application all of it stays, until that serves: see components/app/names. @default none
   */
  readonly application?: string;
  /** More that makes the step anew when it changes. @default only another machine of the stack's own */
  readonly triggers?: readonly pulumi.Input<string>[];
}

/**
 * A named step on a host: the one way in which anything happens there. It is a `command.remote.Command` whose text
 * is the same for create and update, so that a preview shows the text that will run; a change of the text, of a
 * file, of a secret runs it again, and so does another machine.
 *
 * Secrets travel by standard input alone. With a secret on board the engine logs nothing that the step prints
 * unless it fails, and then every secret in it is masked on the host.
 */
export class HostScript extends remote.Command {
  constructor(name: string, args: HostScriptArgs, options?: pulumi.CustomResourceOptions) {
    const undone = again(name, args.first ? "update" : `environment.${stepVariables.again}`);
    super(
      name,
      commandArgs(name, args, undone.word),
      pulumi.mergeOptions(pulumi.mergeOptions(resourceOptions(args), undone.options), options),
    );
  }
}

const hasSecrets = ({ secrets, secretFiles = {} }: HostScriptArgs) =>
  secrets !== undefined || Object.keys(secretFiles).length > 0;

function resourceOptions(args: HostScriptArgs): pulumi.CustomResourceOptions {
  const { host } = args;
  return {
    dependsOn: [host.ready],
    // On a machine that stays, a step that is asked for anew goes first: what the old one takes away is the new one's.
    ...(host.deletedWith === undefined ? { deleteBeforeReplace: true } : { deletedWith: host.deletedWith }),
    additionalSecretOutputs: hasSecrets(args) ? ["stdin", "connection"] : ["connection"],
    // Longer than every wait that a step makes by itself.
    customTimeouts: { create: "60m", update: "60m", delete: "10m" },
  };
}

function commandArgs(name: string, args: HostScriptArgs, undone: string | undefined): remote.CommandArgs {
  const secretFiles = Object.entries(args.secretFiles ?? {});
  const contents = Object.fromEntries(secretFiles.map(([path, file]) => [path, file.content]));
  const secrets = pulumi
    .all([args.secrets ?? {}, contents])
    .apply(([named, files]): Record<string, string> => ({ ...named, ...files }));
  // Which secrets there are is no secret.
  const names = pulumi.unsecret(secrets.apply((values) => Object.keys(values)));
  const text: pulumi.Output<StepText> = pulumi
    .all([args.slots ?? {}, args.files ?? {}, names])
    .apply(([slots, files, arriving]) => ({
      name,
      ...(args.check === undefined ? {} : { checks: [args.check].flat() }),
      scripts: [args.script].flat(),
      slots: Object.fromEntries(Object.entries(slots).map(([slot, value]) => [slot, `${value}`])),
      files,
      secretFiles: Object.fromEntries(secretFiles.map(([path, file]) => [path, secretPlace(path, file)])),
      secrets: arriving,
      first: args.first ?? false,
      ...(args.application === undefined ? {} : { application: args.application }),
    }));
  const removal = pulumi
    .all([text, args.host.claim])
    .apply(([step, claim]) => removalText(step, claim, args.removal));
  const step = text.apply(stepText);
  const goesWithMachine = args.host.deletedWith !== undefined;
  return {
    connection: args.host.connection,
    ...(args.first
      ? carriedByInput(step, removal, goesWithMachine, undone)
      : carriedByEnvironment(step, removal, args.host.claim, undone)),
    ...(hasSecrets(args) ? { stdin: secretLines(secrets) } : {}),
    triggers: [...replacedWith(args.host), ...(args.triggers ?? [])],
    logging: hasSecrets(args) ? remote.Logging.None : remote.Logging.StdoutAndStderr,
    addPreviousOutputInEnv: false,
  };
}

/**
 * What makes a step anew. A machine of the stack's own goes with its steps. One that the user has does not: its
 * identity is in the connection, so that another machine is an update; a step made anew would first be asked to
 * clean up on the machine of before, which may be gone, and the deployment could never end.
 */
export function replacedWith(host: Host): pulumi.Input<string>[] {
  return host.deletedWith === undefined ? [] : [host.identity];
}

/**
 * The texts as the host gets them: not as the command, because a command that failed is printed whole, and it should
 * be a line, with what the step said of its failure below it. They go as environment variables, which
 * {@link stepVariables} makes sshd accept; standard input belongs to the secrets.
 */
function carriedByEnvironment(
  step: pulumi.Output<string>,
  removal: pulumi.Output<string>,
  claim: pulumi.Output<string>,
  undone: string | undefined,
): Partial<remote.CommandArgs> {
  const run = (variable: string) => `exec bash -c 'eval "\${${variable}:?was not taken by sshd}"'`;
  return {
    create: run(stepVariables.step),
    update: run(stepVariables.step),
    delete: run(stepVariables.removal),
    environment: {
      [stepVariables.step]: step,
      [stepVariables.removal]: removal,
      [stepVariables.claim]: claim,
      ...(undone === undefined ? {} : { [stepVariables.again]: undone }),
    },
  };
}

/** The same for the step that makes sshd accept the variables: it has no secret, so its text goes by standard input. */
function carriedByInput(
  step: pulumi.Output<string>,
  removal: pulumi.Output<string>,
  goesWithMachine: boolean,
  undone: string | undefined,
): Partial<remote.CommandArgs> {
  const run = `exec bash -c 'eval "$(cat)"'`;
  return {
    create: run,
    // sshd takes no environment from it yet.
    update: undone === undefined ? run : `: ${shellQuote(undone)}; ${run}`,
    stdin: step,
    // It goes with its machine alone; asked for anew, the old one would take the new one's files.
    ...(goesWithMachine ? {} : { delete: pulumi.interpolate`exec </dev/null\n${removal}` }),
  };
}

function secretPlace(path: string, file: SecretFile): SecretFilePlace {
  return {
    secret: path,
    ...(file.owner === undefined ? {} : { owner: file.owner }),
    ...(file.mode === undefined ? {} : { mode: file.mode }),
  };
}

/** One line a secret: its name, a space, its value in base64 (RFC 4648), so that any value is one word. */
function secretLines(secrets: pulumi.Output<Record<string, string>>): pulumi.Output<string> {
  const lines = secrets.apply((values) =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${Buffer.from(value).toString("base64")}\n`)
      .join(""),
  );
  return pulumi.secret(lines);
}
