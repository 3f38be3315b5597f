// A preview as people read it: what matters most in one line, what is lost on top, and below it all that would change.
import { dataOnHost } from "../removal.ts";
import { byHandPhrases, byHandSection, isByHand, type Look } from "./by-hand.ts";
import { costPhrases, costsSection } from "./costs/section.ts";
import {
  type Change,
  isSecret,
  notYetKnown,
  type Operation,
  type Preview,
  type Remark,
  type State,
} from "./events.ts";
import type { NewMigration } from "./migrations/new.ts";
import { migrationPhrases, migrationsSection } from "./migrations/section.ts";
import type { Part, Quote, Section } from "./section.ts";
import {
  type Difference,
  difference,
  isStep,
  type Release,
  readStep,
  releaseOf,
  type StepChange,
} from "./steps.ts";
import { count, joined, named, type Phrase, say } from "./words.ts";

export interface Report {
  readonly stack: string;
  readonly failed: boolean;
  /** Whether anything would change. */
  readonly changes: boolean;
  /** Whether somebody has changed something on a host by hand; undefined where that is not known. */
  readonly byHand: boolean | undefined;
  readonly headline: Phrase;
  readonly sections: readonly Section[];
}

const verbs: Readonly<Record<Operation, string>> = {
  create: "new",
  update: "changed",
  replace: "replaced",
  delete: "deleted",
  import: "imported",
};

/** Resources that run nothing and cost nothing: the engine's own, and components, which others make up. */
const isOwn = ({ type, old, new: next }: Change) =>
  !type.startsWith("pulumi:") && (next ?? old)?.custom !== false && !type.startsWith("berth:");

const isOnHost = ({ type }: Change) => type.startsWith("command:");

/**
 * @param migrations those that are new; undefined where nobody has said since when
 * @param look what somebody has changed by hand on the hosts; undefined where nobody has looked
 */
export function reportOn(
  stack: string,
  preview: Preview,
  migrations?: readonly NewMigration[],
  look?: Look,
): Report {
  const changes = preview.changes.filter(isOwn);
  const steps = changes.filter(isStep).map(readStep);
  const others = changes.filter((change) => isOnHost(change) && !isStep(change));
  const cloud = changes.filter((change) => !isOnHost(change));
  const releases = releasesOf(steps);
  const lost = changes.filter((change) => isLost(change));
  return {
    stack,
    failed: preview.failures.length > 0 || preview.findings.some(({ isMandatory }) => isMandatory),
    changes: changes.length > 0,
    byHand: isByHand(look),
    headline: headlineOf(preview, { steps, others, cloud, releases, migrations: migrations ?? [], look }),
    sections: [
      failuresSection(preview),
      findingsSection(preview),
      lostSection(lost, preview),
      migrationsSection(migrations),
      byHandSection(look),
      hostSection(steps, others),
      cloudSection(cloud),
      costsSection(changes, preview),
      remarksSection("Warnings", preview.warnings),
    ].filter((section) => section !== undefined),
  };
}

/** One for each application, though several hosts may prepare it. */
function releasesOf(steps: readonly StepChange[]): Release[] {
  const releases = steps.map(releaseOf).filter((one) => one !== undefined);
  return [...new Map(releases.map((one) => [one.application, one])).values()];
}

interface Groups {
  readonly steps: readonly StepChange[];
  readonly others: readonly Change[];
  readonly cloud: readonly Change[];
  readonly releases: readonly Release[];
  readonly migrations: readonly NewMigration[];
  readonly look: Look | undefined;
}

const longestHeadline = 12;

/** What a reviewer must know, the worst first. */
function headlineOf({ failures, findings, changes, resources }: Preview, groups: Groups): Phrase {
  const { steps, others, cloud, releases, migrations, look } = groups;
  const broken = findings.filter(({ isMandatory }) => isMandatory);
  const lost = changes.filter(isOwn).filter((change) => isLost(change));
  const withData = lost.filter((change) => dataOf(change, resources).length > 0);
  const machines = lost.filter((change) => isMachine(change) && change.operation === "replace");
  const phrases: Phrase[] = [
    ...(failures.length > 0 && broken.length === 0 ? [["the preview failed"]] : []),
    ...(broken.length > 0
      ? [[`${count(broken.length, "finding")} of the policy pack, so nothing can be deployed`]]
      : []),
    ...(withData.length > 0 ? [["DATA would go: ", ...named(withData.map(({ name }) => name))]] : []),
    ...machines.map(({ name }) => say`instance ${name} is replaced`),
    ...releases.filter(({ before, after }) => before !== after).map(releasePhrase),
    ...migrationPhrases(migrations),
    ...byHandPhrases(look),
    ...restarts(steps, releases),
    ...units(steps),
    ...runs(steps),
    ...gone(others, cloud, lost),
    ...costPhrases(cloud),
  ];
  const more = phrases.length - longestHeadline;
  if (phrases.length > 0)
    return joined([...phrases.slice(0, longestHeadline), ...(more > 0 ? [[`and ${more} more`]] : [])], "; ");
  return changes.some(isOwn) ? ["small changes"] : ["no changes"];
}

const releasePhrase = ({ application, before, after }: Release): Phrase =>
  after === undefined
    ? say`application ${application} is removed`
    : before === undefined
      ? say`first release of ${application}: ${after}`
      : say`new release of ${application}: ${after}, now ${before}`;

/** An application whose release stays and whose settings change is started again next to itself. */
function restarts(steps: readonly StepChange[], releases: readonly Release[]): Phrase[] {
  const isReleased = releases.some(({ before, after }) => before !== after);
  const live = steps.filter(
    ({ change }) =>
      change.name.endsWith("-live") && change.operation !== "create" && change.new !== undefined,
  );
  return isReleased || live.length === 0 ? [] : [["the application starts again, with the same release"]];
}

/** Which services reload or restart, with the number of lines that differ in what they read. */
function units(steps: readonly StepChange[]): Phrase[] {
  return steps
    .filter((step) => step.units.size > 0)
    .map((step) => {
      const read = [...step.units.values()].flatMap(({ paths }) => paths);
      const lines = step.differences
        .filter(({ isFile, title }) => isFile && read.includes(title))
        .reduce((sum, { added, removed }) => sum + Math.max(added, removed), 0);
      const done = [...step.units].map(
        ([unit, { verb }]): Phrase => [...say`${unit.replace(/\.service$/, "")}`, ` ${verb}s`],
      );
      return [...joined(done, " and "), `, ${count(lines, "line")}`];
    });
}

/** The other steps that would run, all that the phrases above do not tell. */
function runs(steps: readonly StepChange[]): Phrase[] {
  const told = ({ change: { name }, units: those }: StepChange) =>
    those.size > 0 || name.endsWith("-live") || name.endsWith("-release");
  const rest = steps.filter((step) => !told(step));
  const by = (operation: Operation) =>
    rest.filter(({ change }) => change.operation === operation).map(({ change }) => change.name);
  const again = [...by("update"), ...by("replace")];
  const few = (names: readonly string[], what: string): Phrase[] =>
    names.length === 0
      ? []
      : [names.length <= 3 ? [...named(names), ` ${what}`] : [`${count(names.length, "step")} ${what}`]];
  return [
    ...few(again, again.length === 1 ? "runs again" : "run again"),
    ...few(by("create"), by("create").length === 1 ? "is new" : "are new"),
    ...few(
      by("delete"),
      by("delete").length === 1 ? "is removed from its host" : "are removed from their hosts",
    ),
  ];
}

/** How many other resources change, by what becomes of them. */
function gone(others: readonly Change[], cloud: readonly Change[], lost: readonly Change[]): Phrase[] {
  const told = lost.filter((change) => isMachine(change) && change.operation === "replace");
  const rest = [...others.filter((one) => one.type !== archive), ...cloud].filter(
    (one) => !told.includes(one),
  );
  const parts = (Object.keys(verbs) as Operation[]).flatMap((operation) => {
    const number = rest.filter((one) => one.operation === operation).length;
    return number === 0 ? [] : [`${number} ${verbs[operation]}`];
  });
  return parts.length === 0 ? [] : [[`other resources: ${parts.join(", ")}`]];
}

/** The archive of a source: the release's step tells of it. */
const archive = "command:remote:CopyToRemote";

/** An instance, or a machine on this computer. */
const isMachine = ({ type, urn }: Change) =>
  type === "aws:ec2/instance:Instance" ||
  (type === "command:local:Command" && /berth:host:LocalHost\$.*-machine$/.test(urn));

/** Whether something ceases to be that may be missed: not the step of a host, which makes itself again. */
function isLost(change: Change): boolean {
  if (change.operation !== "replace" && change.operation !== "delete") return false;
  return !isOnHost(change) || isMachine(change);
}

const store =
  /^aws:(s3\/bucket(V2)?:Bucket(V2)?|ebs\/(volume:Volume|snapshot:Snapshot)|rds\/.*|docdb\/.*|dynamodb\/table:Table|efs\/fileSystem:FileSystem|elasticache\/.*|backup\/vault:Vault|cognito\/userPool:UserPool)$/;

/** What of it is data, in words; nothing when it holds none. A new value of a password or a key is another matter. */
function dataOf(change: Change, resources: readonly State[]): Phrase[] {
  const isKept = change.old?.retainOnDelete === true;
  if (isKept) return [];
  const onHosts = dataOnHost(resources).map((one) => say`${one}`);
  const hasVolume = resources.some(({ type }) => type === "aws:ebs/volume:Volume");
  const isDisk = change.type === "aws:ebs/volume:Volume" || (isMachine(change) && !hasVolume);
  if (isDisk) return onHosts.length > 0 ? onHosts : [["what is on its disk"]];
  if (/^random:.*-passphrase$/.test(`${change.type} ${change.name}`))
    return [["what the backups so far can be read with"]];
  if (!store.test(change.type)) return [];
  return [[change.type.startsWith("aws:s3/") ? "all files in the bucket" : "all that it holds"]];
}

function lostSection(lost: readonly Change[], { resources }: Preview): Section | undefined {
  if (lost.length === 0) return undefined;
  const lines = lost
    .map((change) => ({ change, data: dataOf(change, resources) }))
    .sort((a, b) => b.data.length - a.data.length)
    .map(
      ({ change, data }): Phrase => [
        ...(data.length > 0 ? ["DATA: "] : []),
        ...say`${change.name} (${change.type}) is `,
        verbs[change.operation],
        ...(change.operation === "replace" && change.properties.length > 0
          ? [", because of ", ...named(change.properties)]
          : []),
        ...(data.length > 0 ? [". It holds ", ...joined(data, ", ")] : []),
        ...(change.old?.retainOnDelete ? [". It stays where it is, and only the stack forgets it"] : []),
        ...(change.old?.protect ? [". It is protected"] : []),
      ],
    );
  return { heading: "Replaced or deleted", lines, parts: [] };
}

function failuresSection({ failures }: Preview): Section | undefined {
  return failures.length === 0 ? undefined : remarksSection("What failed", failures);
}

function remarksSection(heading: string, remarks: readonly Remark[]): Section | undefined {
  if (remarks.length === 0) return undefined;
  const parts = remarks.map(
    ({ name, message }): Part => ({
      title: name === undefined ? ["the program or the engine"] : say`${name}`,
      quotes: [{ text: message, language: "text" }],
    }),
  );
  return { heading, parts };
}

function findingsSection({ findings }: Preview): Section | undefined {
  if (findings.length === 0) return undefined;
  const parts = findings.map(
    ({ rule, isMandatory, message }): Part => ({
      title: [...say`${rule}`, isMandatory ? "" : " (advice)"],
      quotes: [{ text: message, language: "text" }],
    }),
  );
  return { heading: "Findings of the policy pack", parts };
}

function hostSection(steps: readonly StepChange[], others: readonly Change[]): Section | undefined {
  // What changes is read before what is new.
  const order: readonly Operation[] = ["update", "replace", "delete", "create", "import"];
  const sorted = [...steps].sort(
    (a, b) => order.indexOf(a.change.operation) - order.indexOf(b.change.operation),
  );
  const parts = [...sorted.map(stepPart), ...others.filter((one) => one.type !== archive).map(otherPart)];
  return parts.length === 0 ? undefined : { heading: "On the hosts", parts };
}

function stepPart({ change, differences, isLater, isUndone, hasNewSecret }: StepChange): Part {
  const [added, removed] = sums(differences);
  const lines = added + removed === 0 ? "" : `, +${added} −${removed}`;
  const isPlain = differences.length > 0 || isLater || isUndone || change.operation === "create";
  const reasons = isPlain ? [] : change.properties.filter((one) => one !== "stdin");
  return {
    title: [
      ...say`${change.name}`,
      ` ${verbs[change.operation]}${lines}`,
      ...(isLater ? [", because a step before it runs"] : []),
      ...(hasNewSecret ? [", with other secret input"] : []),
      ...(isUndone && change.operation === "update" ? [", to put right what was changed by hand"] : []),
      ...(reasons.length > 0 ? [": ", ...named(reasons)] : []),
    ],
    // Of what goes, which files is enough.
    quotes: differences
      .map(quoteOf)
      .map((one) => (change.operation === "delete" ? { ...one, text: "" } : one)),
  };
}

const sums = (differences: readonly Difference[]): [number, number] => [
  differences.reduce((sum, { added }) => sum + added, 0),
  differences.reduce((sum, { removed }) => sum + removed, 0),
];

const quoteOf = ({ title, text }: Difference): Quote => ({ caption: say`${title}`, text, language: "diff" });

/** A command on this computer, and the like: the properties that differ. */
function otherPart(change: Change): Part {
  const differences = change.properties.flatMap((path) => {
    const [before, after] = [shown(change.old, path), shown(change.new, path)];
    return difference(path, false, `${before}\n`, `${after}\n`) ?? [];
  });
  return { title: [...say`${change.name}`, ` ${verbs[change.operation]}`], quotes: differences.map(quoteOf) };
}

function cloudSection(cloud: readonly Change[]): Section | undefined {
  if (cloud.length === 0) return undefined;
  const order: readonly Operation[] = ["delete", "replace", "update", "create", "import"];
  const rows = [...cloud]
    .sort((a, b) => order.indexOf(a.operation) - order.indexOf(b.operation))
    .map((change): Phrase[] => [
      say`${change.name}`,
      say`${change.type}`,
      [verbs[change.operation]],
      whatDiffers(change),
    ]);
  return {
    heading: "In the cloud, and what is generated",
    parts: [],
    table: { head: ["resource", "type", "what", "properties"], rows },
  };
}

function whatDiffers(change: Change): Phrase {
  if (change.old === undefined || change.new === undefined) return [];
  const differing = change.properties.map((path): Phrase => {
    const [before, after] = [shown(change.old, path), shown(change.new, path)];
    const isShort = [before, after].every((one) => one.length <= 60 && !one.includes("\n"));
    return isShort && before !== after ? say`${path}: ${before} → ${after}` : say`${path}`;
  });
  return joined(differing, ", ");
}

/** A property of a resource, as people read it. */
function shown(state: State | undefined, path: string): string {
  let value: unknown = state?.inputs;
  for (const key of path.match(/[^.[\]"]+/g) ?? []) {
    if (isSecret(value)) return "[secret]";
    value = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  }
  return readable(value);
}

function readable(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (isSecret(value)) return "[secret]";
  if (value === notYetKnown) return "(known once it is made)";
  if (typeof value === "string") return value;
  return JSON.stringify(
    value,
    (_, inner) => (isSecret(inner) ? "[secret]" : inner === notYetKnown ? "(known once it is made)" : inner),
    1,
  );
}
