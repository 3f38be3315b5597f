// What of a migration stops others on PostgreSQL 13 to 18 while it runs, or stops the previous release, which serves meanwhile.
// What is over in a moment is not told: every change of a table waits for those who use it, and is rolled back after 5 seconds
// of that (components/app/release/migrate.py).
//
// Where each fact is from:
//   which command takes which lock      https://www.postgresql.org/docs/current/explicit-locking.html
//   what rewrites or reads a table      https://www.postgresql.org/docs/current/sql-altertable.html (Notes)
//   CREATE INDEX and CONCURRENTLY       https://www.postgresql.org/docs/current/sql-createindex.html
//   which SQL an operation becomes      https://docs.djangoproject.com/en/stable/ref/migration-operations/ and
//                                       django/db/backends/base/schema.py (add_field, _alter_field, add_constraint)
//   what does it without blocking       https://docs.djangoproject.com/en/stable/ref/contrib/postgres/operations/
// Each was also looked at in pg_locks and by relfilenode, while Django 5.2 ran it on PostgreSQL 15.
import type { Call } from "../../init/python.ts";
import { Field, isCoercible } from "./field.ts";
import type { Models } from "./models.ts";
import {
  argument,
  flagIn,
  lastOf,
  type MigrationFile,
  type Operation,
  operationsIn,
  textArgument,
} from "./read.ts";

/** What an operation does to others, the worst first. */
export const marks = {
  all: "blocks reads and writes",
  writes: "blocks writes",
  before: "breaks the previous release",
  unknown: "not known",
} as const;
export type Mark = keyof typeof marks;

export interface Finding {
  readonly mark: Mark;
  /** The operation, such as AddIndex. */
  readonly operation: string;
  /** The model, or the model and the field. */
  readonly on: string;
  readonly why: string;
  /** What to write in its place. @default there is nothing better */
  readonly instead?: string;
}

/**
 * Reads what a migration does to others.
 *
 * @param models those that there are before it; it changes them as the migration does
 */
export function locksOf(file: MigrationFile, models: Models): Finding[] {
  const judge = new Judge(file.isAtomic, models);
  for (const operation of file.operations) judge.look(operation);
  if (file.isPartial)
    judge.findings.push({
      mark: "unknown",
      operation: "operations",
      on: "",
      why: "Its operations are not a plain list, so they are not all known.",
    });
  return judge.findings;
}

const concurrently =
  "AddIndexConcurrently of django.contrib.postgres.operations, in a migration of its own with atomic = False";
const notValid =
  "AddConstraintNotValid, and ValidateConstraint in the next migration, both of django.contrib.postgres.operations";
const uniqueConcurrently =
  "RunSQL with CREATE UNIQUE INDEX CONCURRENTLY, then ALTER TABLE … ADD CONSTRAINT … UNIQUE USING INDEX, in a migration with " +
  "atomic = False and this operation in its state_operations";
const twoReleases = "Stop using it in one release, and do this in the next one.";

/** Operations that are over in a moment, and lock a table for that. */
const brief = new Set(["RemoveIndex", "RemoveConstraint", "AddConstraintNotValid"]);
/** Operations that stop nobody. */
const harmless =
  /^(AlterModelOptions|AlterModelManagers|AlterModelTableComment|AlterConstraint|RenameIndex|RemoveIndexConcurrently|CreateModel|CreateCollation|RemoveCollation|\w*Extension)$/;

/** Functions that give another value for each row: https://www.postgresql.org/docs/current/xfunc-volatility.html */
const volatile = new Set(["RandomUUID", "Random", "UUID4", "UUID7"]);
const stable = new Set(["Now", "TransactionNow", "Value"]);

class Judge {
  readonly findings: Finding[] = [];
  /** Models whose tables this transaction has locked for everybody, until it ends. */
  readonly #held = new Set<string>();
  readonly #isAtomic: boolean;
  readonly #models: Models;

  constructor(isAtomic: boolean, models: Models) {
    this.#isAtomic = isAtomic;
    this.#models = models;
  }

  look(operation: Operation): void {
    this.#find(operation);
    this.#models.apply(operation, true);
  }

  #find(operation: Operation): void {
    const { name, call } = operation;
    const model = textArgument(call, 0, "model_name", "name", "old_name");
    const tell = (mark: Mark, on: string, why: string, instead?: string) =>
      this.findings.push({ mark, operation: name, on, why, ...(instead === undefined ? {} : { instead }) });

    if (name === "SeparateDatabaseAndState") {
      const inner = argument(call, 0, "database_operations");
      const { operations, isPartial } = operationsIn(inner);
      // What is done to the models is in its other list.
      for (const one of operations) this.#find(one);
      if (inner !== undefined && isPartial) tell("unknown", "", "Its operations are not a plain list.");
      return;
    }
    if (name === "RunPython" || name === "RunSQL") {
      const tables = [...this.#held].join(", ");
      if (tables === "")
        tell(
          "unknown",
          "",
          "What it does is not known before it runs. In one transaction, rows that it changes stay locked until all are done.",
        );
      else
        tell(
          "all",
          tables,
          "The operations before it have locked the table, and the lock lasts until this one is done too.",
          "a migration of its own",
        );
      return;
    }
    if (this.#models.isFree(model) || harmless.test(name)) return;
    if (brief.has(name)) {
      this.#hold(model);
      return;
    }
    switch (name) {
      case "AddField":
      case "AlterField": {
        const on = `${model}.${textArgument(call, 1, "name")}`;
        const is = argument(call, 2, "field");
        const given = (mark: Mark, why: string, instead?: string) => tell(mark, on, why, instead);
        const before = this.#models.field(model, textArgument(call, 1, "name"));
        const after = is?.kind === "call" ? new Field(is.call) : undefined;
        if (after === undefined) given("unknown", "Its field is made by a program.");
        else if (name === "AddField") this.#added(after, given);
        else this.#altered(before, after, given);
        if (name === "AddField" || before?.known !== after?.known) this.#hold(model);
        return;
      }
      case "RemoveField":
      case "RenameField":
        tell(
          "before",
          `${model}.${textArgument(call, 1, "name", "old_name")}`,
          "The previous release still reads and writes the column by this name.",
          twoReleases,
        );
        this.#hold(model);
        return;
      case "DeleteModel":
      case "RenameModel":
      case "AlterModelTable":
        tell("before", model, "The previous release still uses the table by this name.", twoReleases);
        this.#hold(model);
        return;
      case "AlterOrderWithRespectTo":
        tell(
          "before",
          model,
          "It adds the column _order, and the rows that the previous release adds have no value for it.",
        );
        this.#hold(model);
        return;
      case "AddIndex":
        tell(...this.#index(model), concurrently);
        return;
      case "AddIndexConcurrently":
        if (this.#isAtomic)
          tell("unknown", model, "Django refuses it in a transaction.", "atomic = False in this migration");
        return;
      case "ValidateConstraint":
        if (this.#held.has(model.toLowerCase()))
          tell(
            "all",
            model,
            "It reads the whole table while the lock of the operation before it lasts.",
            "a migration of its own",
          );
        return;
      case "AlterUniqueTogether":
      case "AlterIndexTogether": {
        const is = argument(call, 1, "unique_together", "index_together");
        if ((is?.kind === "list" && is.items.length === 0) || is?.kind === "dict" || isEmptySet(is))
          this.#hold(model);
        else if (name === "AlterIndexTogether") tell(...this.#index(model), concurrently);
        else {
          tell(
            "all",
            model,
            "The index of a new UNIQUE constraint is built while the table is locked.",
            uniqueConcurrently,
          );
          this.#hold(model);
        }
        return;
      }
      case "AddConstraint":
        this.#constraint(argument(call, 1, "constraint"), model, tell);
        return;
      default:
        tell("unknown", model === "?" ? "" : model, "Berth does not know this operation.");
    }
  }

  /** From now on to the end of the transaction nobody else reads or writes the table. */
  #hold(model: string): void {
    if (this.#isAtomic) this.#held.add(model.toLowerCase());
  }

  #index(model: string): [Mark, string, string] {
    return this.#held.has(model.toLowerCase())
      ? ["all", model, "The index is built while the lock of the operation before it lasts."]
      : ["writes", model, "CREATE INDEX lets nobody write until the index is built."];
  }

  #added(field: Field, tell: (mark: Mark, why: string, instead?: string) => void): void {
    if (field.isMany) return;
    const { call, type } = field;
    const value = call.keywords.db_default;
    if (field.isNumbered) tell("all", "A column with a sequence writes every row of the table anew.");
    else if (type === "GeneratedField" && flagIn(call, "db_persist") !== false)
      tell("all", "A stored generated column writes every row of the table anew.");
    else if (value?.kind === "call" && volatile.has(lastOf(value.call.name)))
      tell(
        "all",
        "A default that differs from row to row writes the table anew.",
        "null=True and no default, then the default in an AlterField, then the rows in batches",
      );
    else if (
      (value?.kind === "call" && !stable.has(lastOf(value.call.name))) ||
      value?.kind === "name" ||
      value?.kind === "other"
    )
      tell("unknown", "Where the default differs from row to row, it writes the table anew.");
    // An index is made at the end of the transaction, which has locked the table to add the column.
    const mark = this.#isAtomic ? "all" : "writes";
    if (field.isUnique)
      tell(
        "all",
        "The index of its UNIQUE constraint is built while the table is locked.",
        `the field without unique; then ${uniqueConcurrently}`,
      );
    else if (field.isIndexed)
      tell(
        mark,
        `Its index is built ${this.#isAtomic ? "while the table is locked" : "while nobody writes"}.`,
        `db_index=False here; then ${concurrently}`,
      );
    if (!field.isNull && value === undefined && type !== "GeneratedField" && !field.isNumbered)
      tell(
        "before",
        "It takes no NULL, and Django leaves no default in the database. So the previous release cannot add rows.",
        "db_default=… (from Django 5.0 on), or null=True in this release",
      );
  }

  #altered(
    before: Field | undefined,
    after: Field,
    tell: (mark: Mark, why: string, instead?: string) => void,
  ): void {
    if (before === undefined) {
      tell(
        "unknown",
        "What the field was before is in none of the migrations beside this one. A new type may write the table anew.",
      );
      return;
    }
    if (before.isMany || after.isMany || before.known === after.known) {
      if (before.isMany !== after.isMany) tell("unknown", "Django refuses to make the one of the other.");
      return;
    }
    const [was, is] = [before.column, after.column];
    const isSame = before.type === after.type && was === undefined && is === undefined;
    if (was !== undefined && is !== undefined) {
      if (!isCoercible(was, is))
        tell(
          "all",
          `A column that was ${was} and becomes ${is} writes the whole table and its indexes anew.`,
          "a new field, filled in batches; then take the old one out in a later release",
        );
    } else if (!isSame && !(before.isRelation && after.isRelation))
      tell(
        "all",
        `The column gets another type (${before.type}, now ${after.type}), which writes the table anew as a rule.`,
      );
    if (after.isPositive && !before.isPositive)
      tell("all", "It adds a CHECK constraint, for which the whole table is read while it is locked.");
    if (before.isNull && !after.isNull)
      tell(
        "all",
        "SET NOT NULL reads the whole table while it is locked. The previous release may still write NULL.",
        `first a CheckConstraint(field__isnull=False) by ${notValid}: then PostgreSQL reads nothing`,
      );
    if (after.isUnique && !before.isUnique)
      tell(
        "all",
        "The index of its UNIQUE constraint is built while the table is locked.",
        uniqueConcurrently,
      );
    if (after.isIndexed && !before.isIndexed && !before.isUnique)
      tell(
        "writes",
        "CREATE INDEX lets nobody write until the index is built.",
        `an Index in Meta.indexes, by ${concurrently}`,
      );
    if (
      after.isRelation &&
      (!before.isRelation ||
        (flagIn(before.call, "db_constraint") === false && flagIn(after.call, "db_constraint") !== false))
    )
      tell(
        "writes",
        "The new foreign key is checked for every row. Nobody writes to the two tables meanwhile.",
      );
    if (before.dbColumn !== after.dbColumn)
      tell(
        "before",
        "The column gets another name, and the previous release still uses the old one.",
        twoReleases,
      );
  }

  #constraint(
    is: ReturnType<typeof argument>,
    model: string,
    tell: (mark: Mark, on: string, why: string, instead?: string) => void,
  ): void {
    const call: Call | undefined = is?.kind === "call" ? is.call : undefined;
    switch (call && lastOf(call.name)) {
      case "CheckConstraint":
        tell("all", model, "For a CHECK constraint, the whole table is read while it is locked.", notValid);
        this.#hold(model);
        return;
      case "UniqueConstraint": {
        // Django makes a unique index of these, and a constraint of the others.
        const isIndex =
          call !== undefined &&
          (call.args.length > 0 || ["condition", "include", "opclasses"].some((key) => key in call.keywords));
        if (isIndex && !this.#held.has(model.toLowerCase()))
          tell(
            "writes",
            model,
            "CREATE UNIQUE INDEX lets nobody write until the index is built.",
            uniqueConcurrently,
          );
        else {
          tell(
            "all",
            model,
            "The index of a UNIQUE constraint is built while the table is locked.",
            uniqueConcurrently,
          );
          this.#hold(model);
        }
        return;
      }
      case "ExclusionConstraint":
        tell("all", model, "The index of an EXCLUDE constraint is built while the table is locked.");
        this.#hold(model);
        return;
      default:
        tell("unknown", model, "Berth does not know this constraint.");
    }
  }
}

/** `set()` */
const isEmptySet = (one: ReturnType<typeof argument>): boolean =>
  one?.kind === "call" && one.call.name === "set" && one.call.args.length === 0;
