// A field of a model, as far as PostgreSQL is concerned: https://docs.djangoproject.com/en/stable/ref/models/fields/
import type { Call, Expression } from "../../init/python.ts";
import { flagIn, lastOf } from "./read.ts";

/** The columns of Django's own fields: `data_types` of django/db/backends/postgresql/base.py. */
const columns: Readonly<Record<string, string>> = {
  BigIntegerField: "bigint",
  BinaryField: "bytea",
  BooleanField: "boolean",
  DateField: "date",
  DateTimeField: "timestamp with time zone",
  DurationField: "interval",
  FloatField: "double precision",
  GenericIPAddressField: "inet",
  IntegerField: "integer",
  JSONField: "jsonb",
  PositiveBigIntegerField: "bigint",
  PositiveIntegerField: "integer",
  PositiveSmallIntegerField: "smallint",
  SmallIntegerField: "smallint",
  TextField: "text",
  TimeField: "time",
  UUIDField: "uuid",
};

/** Those that are varchar, with the length that they have where none is given. */
const texts: Readonly<Record<string, string>> = {
  CharField: "",
  EmailField: "254",
  FileField: "100",
  FilePathField: "100",
  ImageField: "100",
  SlugField: "50",
  URLField: "200",
};

const source = (one: Expression | undefined): string | undefined =>
  one?.kind === "constant" ? one.source : undefined;

export class Field {
  readonly type: string;
  readonly call: Call;

  constructor(call: Call) {
    this.call = call;
    this.type = lastOf(call.name);
  }

  get isRelation(): boolean {
    return this.type === "ForeignKey" || this.type === "OneToOneField";
  }

  /** Whether it is in a table of its own, and no column. */
  get isMany(): boolean {
    return this.type === "ManyToManyField";
  }

  get isNull(): boolean {
    return flagIn(this.call, "null") ?? this.type === "NullBooleanField";
  }

  get isUnique(): boolean {
    const { call, type } = this;
    return (
      (flagIn(call, "unique") ?? false) || (flagIn(call, "primary_key") ?? false) || type === "OneToOneField"
    );
  }

  /** Whether it has an index of its own: Django gives keys and slugs one without being asked. */
  get isIndexed(): boolean {
    return (
      !this.isUnique && (flagIn(this.call, "db_index") ?? (this.isRelation || this.type === "SlugField"))
    );
  }

  get isPositive(): boolean {
    return this.type.startsWith("Positive");
  }

  get isNumbered(): boolean {
    return /^(Big|Small)?AutoField$/.test(this.type);
  }

  get dbColumn(): string | undefined {
    const one = this.call.keywords.db_column;
    return one?.kind === "text" ? one.value : undefined;
  }

  /** The type of its column; undefined where only Django can tell. */
  get column(): string | undefined {
    const { keywords } = this.call;
    if (this.type in texts) {
      const length = keywords.max_length === undefined ? texts[this.type] : source(keywords.max_length);
      return length === undefined
        ? undefined
        : length === "" || length === "None"
          ? "varchar"
          : `varchar(${length})`;
    }
    if (this.type === "DecimalField") {
      const [digits, places] = [source(keywords.max_digits), source(keywords.decimal_places)];
      return digits && places && `numeric(${digits},${places})`;
    }
    return columns[this.type];
  }

  /** All of it that the database knows of: what differs only in the rest changes nothing there. */
  get known(): string {
    const own = Object.entries(this.call.keywords)
      .filter(([key]) => !notInDatabase.has(key))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return JSON.stringify([this.type, this.call.args, own], (key, value) =>
      ["line", "inside", "conditional"].includes(key) ? undefined : value,
    );
  }
}

/** `non_db_attrs` of django/db/models/fields/__init__.py, and the default, which Django keeps to itself. */
const notInDatabase = new Set([
  ...[
    "blank",
    "choices",
    "default",
    "editable",
    "error_messages",
    "help_text",
    "limit_choices_to",
    "on_delete",
  ],
  ...["related_name", "related_query_name", "validators", "verbose_name", "to", "auto_now", "auto_now_add"],
  ...["upload_to", "storage", "encoder", "decoder", "allow_unicode"],
]);

/**
 * Whether a column of one type becomes one of another without being written anew.
 * https://www.postgresql.org/docs/current/sql-altertable.html (Notes: binary coercible); for the lengths of varchar and numeric
 * https://www.postgresql.org/docs/release/9.2.0/ ("without rewriting the table").
 */
export function isCoercible(before: string, after: string): boolean {
  const read = (text: string) => /^(varchar|text|numeric)(?:\((\d+)(?:,(\d+))?\))?$/.exec(text);
  const [was, is] = [read(before), read(after)];
  if (before === after) return true;
  if (!was || !is) return false;
  if (was[1] === "numeric" || is[1] === "numeric")
    return was[1] === is[1] && was[3] === is[3] && Number(is[2]) >= Number(was[2]);
  return is[2] === undefined || (was[2] !== undefined && Number(is[2]) >= Number(was[2]));
}
