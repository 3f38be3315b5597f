// New migrations in a preview.
import type { Part, Quote, Section } from "../section.ts";
import { count, type Phrase, say } from "../words.ts";
import { type Mark, marks } from "./locks.ts";
import type { NewMigration } from "./new.ts";

/** What the migrations do, the worst first. */
const has = (migrations: readonly NewMigration[], mark: Mark) =>
  migrations.filter(({ findings }) => findings.some((one) => one.mark === mark)).length;

/** For the headline: how many there are, and what somebody should look at. */
export function migrationPhrases(migrations: readonly NewMigration[]): Phrase[] {
  if (migrations.length === 0) return [];
  const told = (["all", "writes", "before"] as const).flatMap((mark) => {
    const number = has(migrations, mark);
    if (number === 0) return [];
    return [
      migrations.length === 1
        ? `it ${marks[mark]}`
        : `${number} of them ${number === 1 ? marks[mark] : plural[mark]}`,
    ];
  });
  return [[[count(migrations.length, "new migration"), ...told].join(", ")]];
}

const plural: Readonly<Record<Mark, string>> = {
  all: "block reads and writes",
  writes: "block writes",
  before: "break the previous release",
  unknown: "not known",
};

export function migrationsSection(migrations: readonly NewMigration[] | undefined): Section | undefined {
  if (migrations === undefined || migrations.length === 0) return undefined;
  const lines: Phrase[] = [
    ...(migrations.some(({ findings }) => findings.length > 0)
      ? [
          [
            "Found by reading their files, for PostgreSQL. How long a lock lasts depends on how many rows the table has.",
          ],
        ]
      : []),
    ...(migrations.every(({ sql }) => sql === undefined)
      ? [say`Their SQL is shown where the pipeline can run Django: ${'--sql "python manage.py"'}`]
      : []),
  ];
  return { heading: "New migrations", lines, parts: migrations.map(partOf) };
}

function partOf({ path, findings, sql }: NewMigration): Part {
  const found = (Object.keys(marks) as Mark[]).filter((mark) => findings.some((one) => one.mark === mark));
  const quotes = findings.map(
    ({ mark, operation, on, why, instead }): Quote => ({
      caption: [
        `${marks[mark]}: `,
        ...say`${on === "" ? operation : `${operation} ${on}`}`,
        `. ${why}`,
        ...(instead === undefined ? [] : [` Instead: `, ...say`${instead}`]),
      ],
      text: "",
      language: "text",
    }),
  );
  return {
    title: [...say`${path}`, found.length === 0 ? "" : `: ${found.map((mark) => marks[mark]).join(", ")}`],
    quotes: [...quotes, ...(sql === undefined ? [] : [sqlQuote(sql)])],
  };
}

const sqlQuote = ({ text, isFault }: NonNullable<NewMigration["sql"]>): Quote =>
  isFault
    ? { caption: ["Its SQL could not be asked for:"], text, language: "text" }
    : { caption: text === "" ? ["It has no SQL."] : ["Its SQL:"], text, language: "sql" };
