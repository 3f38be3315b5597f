import { stripVTControlCharacters } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { allAnswers, plainAnswer, type Value } from "./answers.ts";
import { type Asked, ask } from "./ask.ts";
import { placeholder, placesOf, type SecretFrom } from "./schema.ts";
import { wordsOf } from "./words.ts";

/** How many calls run at the same time. */
const atOnce = 4;

/** What came of one name. */
interface Answered {
  readonly setting: string;
  readonly place: string;
  readonly value: Value;
  /** The call that answers for it, or did not. */
  readonly asked: Asked;
}

/**
 * Reads the secret settings that come from elsewhere, all of them, by the command that the stack names.
 *
 * @throws {pulumi.RunError} naming all that have no value at once. It shows what the command said of it, and nothing of what
 * it printed.
 */
export async function readSecrets(from: SecretFrom): Promise<Readonly<Record<string, string>>> {
  const words = wordsOf(from.command);
  const until = Date.now() + from.timeout * 1000;
  const run = (place: string) =>
    ask(
      words.map((word) => word.replaceAll(placeholder, () => place)),
      from.timeout,
      until,
    );
  const places = Object.entries(placesOf(from));
  const answered =
    from.format === undefined ? await oneByOne(places, run) : await allAtOnce(places, from.format, run);
  const missing = answered.filter(({ value }) => "fault" in value);
  if (missing.length > 0) throw new pulumi.RunError(messageOf(from.command, answered, missing));
  return Object.fromEntries(
    answered.map(({ setting, value }) => [setting, "value" in value ? value.value : ""]),
  );
}

type Places = readonly (readonly [setting: string, place: string])[];
type Run = (place: string) => Promise<Asked>;

async function oneByOne(places: Places, run: Run): Promise<Answered[]> {
  const answered: Answered[] = [];
  const next = async ([setting, place]: Places[number]) => {
    const asked = await run(place);
    answered.push({ setting, place, asked, value: valueFrom(asked, () => plainAnswer(asked.printed)) });
  };
  // The first alone: where somebody has to unlock the store, they are asked once.
  const [first, ...others] = places;
  if (first !== undefined) await next(first);
  const queue = others.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const one of queue) await next(one);
    }),
  );
  const order = places.map(([setting]) => setting);
  return answered.sort((a, b) => order.indexOf(a.setting) - order.indexOf(b.setting));
}

async function allAtOnce(places: Places, format: "json" | "dotenv", run: Run): Promise<Answered[]> {
  const asked = await run("");
  const answers = allAnswers(asked.printed, format);
  return places.map(([setting, place]) => ({
    setting,
    place,
    asked,
    value: valueFrom(asked, () => answers(place)),
  }));
}

const valueFrom = ({ fault }: Asked, value: () => Value): Value =>
  fault === undefined ? value() : { fault };

function messageOf(command: string, answered: readonly Answered[], missing: readonly Answered[]): string {
  const known = answered.flatMap(({ value }) => ("value" in value ? [value.value] : []));
  // Several names may fail for one reason, such as a login that ended.
  const reasons = new Map<string, string[]>();
  for (const one of missing) {
    const fault = "fault" in one.value ? one.value.fault : "";
    const said = one.asked.fault === undefined ? [] : shown(one.asked, known);
    const reason = [fault, ...said].join("\n    | ");
    reasons.set(reason, [...(reasons.get(reason) ?? []), nameOf(one)]);
  }
  const count = answered.length === 1 ? "its one name" : `${missing.length} of ${answered.length} names`;
  return [
    `app.secretFrom: the command \`${command}\` gave no value for ${count}:`,
    ...[...reasons].map(([reason, all]) => `  ${all.join(", ")}: ${reason}`),
    `  Nothing was changed. Run the command yourself in ${process.cwd()}: it must print ${command.includes(placeholder) ? "the value of the name, and nothing else" : "each of these names with its value"}. Then log in to the store, add what is missing there, or correct app.secretFrom.`,
    ...(process.env.CI
      ? [
          "  In a pipeline, the command needs its program and its login. Pull requests of forks have no login.",
        ]
      : []),
  ].join("\n");
}

const nameOf = ({ setting, place }: Answered) => (setting === place ? setting : `${setting} (${place})`);

/** A text without these secrets; shorter ones than four characters stand in any text. */
const masked = (text: string, secrets: readonly string[]): string =>
  secrets
    .filter((secret) => secret.length >= 4)
    .sort((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, "[secret]"), text);

/** The end of what a command said, without what it and others printed, and without what a terminal would make of it. */
function shown({ said, printed }: Asked, known: readonly string[]): string[] {
  const secrets = [...known, ...printed.toString("utf8").split(/\r?\n/)];
  // Before anything is cut, or a part of one could stay.
  return stripVTControlCharacters(masked(said, secrets))
    .split(/[\r\n]+/)
    .map((text) => text.replaceAll(/\p{Cc}/gu, " ").trimEnd())
    .filter(Boolean)
    .slice(-8)
    .map((text) => (text.length > 300 ? `${text.slice(0, 299)}…` : text));
}
