// What a preview says of new migrations of Django: what each blocks on PostgreSQL, read from its file, and its SQL.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, describe, test } from "node:test";
import { readNew, withSql } from "../../scripts/lib/preview/migrations/new.ts";
import { askSql, environmentFor, masked } from "../../scripts/lib/preview/migrations/sql.ts";
import { pythonWith } from "../../scripts/lib/python.ts";

const root = resolve(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "berth-migrations-"));
after(() => rmSync(folder, { recursive: true }));

const migration = (operations: readonly string[], more = "") => `
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models
from django.db.migrations import RemoveIndex

class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    ${more}
    operations = [
        ${operations.map((one) => `${one},\n`).join("        ")}
    ]
`;

const initial = migration([
  `migrations.CreateModel(name="Order", fields=[
      ("id", models.BigAutoField(primary_key=True)),
      ("code", models.CharField(max_length=20)),
      ("note", models.TextField(null=True)),
      ("total", models.DecimalField(max_digits=8, decimal_places=2)),
      ("count", models.IntegerField(default=0)),
      ("buyer", models.ForeignKey("auth.User", models.CASCADE, db_constraint=False)),
  ])`,
  `migrations.CreateModel(name="Mirror", fields=[("code", models.CharField(max_length=9))], options={"managed": False})`,
]);

let number = 0;
/** What is said of one migration after the first. */
function told(operations: readonly string[], more = ""): string[] {
  const source = join(folder, `${number++}`);
  mkdirSync(join(source, "shop/migrations"), { recursive: true });
  writeFileSync(join(source, "shop/migrations/0001_initial.py"), initial);
  writeFileSync(join(source, "shop/migrations/0002_next.py"), migration(operations, more));
  const [found] = readNew(source, ["shop/migrations/0002_next.py"]);
  return (found?.findings ?? []).map(({ mark, operation, on }) => `${mark} ${operation} ${on}`.trim());
}

const add = (field: string) => `migrations.AddField("Order", "extra", models.${field})`;
const alter = (name: string, field: string) =>
  `migrations.AlterField(model_name="order", name="${name}", field=models.${field})`;
const constrain = (one: string) => `migrations.AddConstraint("order", models.${one})`;
const index = 'migrations.AddIndex("order", models.Index(fields=["code"], name="by_code"))';

describe("what a migration blocks", () => {
  const cases: readonly (readonly [what: string, operation: string, expected: readonly string[]])[] = [
    ["a column that may be NULL", add("IntegerField(null=True)"), []],
    ["a column without NULL", add("IntegerField(default=0)"), ["before AddField Order.extra"]],
    ["a default of the database", add("IntegerField(db_default=0)"), []],
    ["the time as a default", add("DateTimeField(db_default=functions.Now())"), []],
    ["a random default", add("UUIDField(db_default=RandomUUID())"), ["all AddField Order.extra"]],
    ["a default of another function", add("UUIDField(db_default=Own())"), ["unknown AddField Order.extra"]],
    [
      "a stored generated column",
      add('GeneratedField(expression=models.F("count"), db_persist=True)'),
      ["all AddField Order.extra"],
    ],
    ["a unique column", add("IntegerField(null=True, unique=True)"), ["all AddField Order.extra"]],
    ["a foreign key", add('ForeignKey("auth.User", null=True)'), ["all AddField Order.extra"]],
    ["a key without an index", add('ForeignKey("auth.User", null=True, db_index=False)'), []],
    ["a relation with a table of its own", add('ManyToManyField("auth.User")'), []],
    ["a removed column", 'migrations.RemoveField("order", "note")', ["before RemoveField order.note"]],
    [
      "a renamed column",
      'migrations.RenameField("order", "note", "text")',
      ["before RenameField order.note"],
    ],
    ["a renamed table", 'migrations.RenameModel("Order", "Sale")', ["before RenameModel Order"]],
    ["a removed table", 'migrations.DeleteModel(name="Order")', ["before DeleteModel Order"]],
    ["a longer text", alter("code", "CharField(max_length=30)"), []],
    ["a text without an end", alter("code", "TextField()"), []],
    ["a shorter text", alter("code", "CharField(max_length=10)"), ["all AlterField order.code"]],
    ["a longer number", alter("total", "DecimalField(max_digits=9, decimal_places=2)"), []],
    [
      "more decimal places",
      alter("total", "DecimalField(max_digits=9, decimal_places=3)"),
      ["all AlterField order.total"],
    ],
    ["a bigger number", alter("count", "BigIntegerField(default=0)"), ["all AlterField order.count"]],
    ["a positive number", alter("count", "PositiveIntegerField(default=0)"), ["all AlterField order.count"]],
    ["words for people", alter("count", 'IntegerField(default=1, help_text="How many")'), []],
    ["no NULL any more", alter("note", "TextField()"), ["all AlterField order.note"]],
    ["NULL", alter("code", "CharField(max_length=20, null=True)"), []],
    [
      "a column that becomes unique",
      alter("code", "CharField(max_length=20, unique=True)"),
      ["all AlterField order.code"],
    ],
    [
      "an index of a column",
      alter("code", "CharField(max_length=20, db_index=True)"),
      ["writes AlterField order.code"],
    ],
    [
      "a key that is checked from now on",
      alter("buyer", 'ForeignKey("auth.User", models.CASCADE)'),
      ["writes AlterField order.buyer"],
    ],
    [
      "another name of the column",
      alter("code", 'CharField(max_length=20, db_column="k")'),
      ["before AlterField order.code"],
    ],
    ["a column that no migration makes", alter("other", "TextField()"), ["unknown AlterField order.other"]],
    ["a column of a field of your own", alter("code", "OwnField()"), ["all AlterField order.code"]],
    ["an index", index, ["writes AddIndex order"]],
    ["an index less", 'RemoveIndex("order", "by_code")', []],
    [
      "a check",
      constrain("CheckConstraint(condition=models.Q(count__gte=0), name='c')"),
      ["all AddConstraint order"],
    ],
    [
      "a unique constraint",
      constrain("UniqueConstraint(fields=['code'], name='u')"),
      ["all AddConstraint order"],
    ],
    [
      "a unique index",
      constrain("UniqueConstraint(fields=['code'], condition=models.Q(count=1), name='u')"),
      ["writes AddConstraint order"],
    ],
    ["a check that is not valid yet", "AddConstraintNotValid('order', models.CheckConstraint())", []],
    ["its validation", "ValidateConstraint('order', 'c')", []],
    [
      "fields that are unique together",
      "migrations.AlterUniqueTogether('order', {('code', 'count')})",
      ["all AlterUniqueTogether order"],
    ],
    ["no such fields any more", "migrations.AlterUniqueTogether(name='order', unique_together=set())", []],
    ["options", "migrations.AlterModelOptions('order', {'ordering': ['code']})", []],
    ["SQL", "migrations.RunSQL('SELECT 1')", ["unknown RunSQL"]],
    ["a program", "migrations.RunPython(fill)", ["unknown RunPython"]],
    ["an operation of your own", "own.Move('order')", ["unknown Move order"]],
    ["a table that Django does not manage", "migrations.AddIndex('mirror', models.Index())", []],
    [
      "what is done to the database alone",
      `migrations.SeparateDatabaseAndState(database_operations=[${index}], state_operations=[])`,
      ["writes AddIndex order"],
    ],
    [
      "what is done to the models alone",
      "migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel('Order')])",
      [],
    ],
  ];
  for (const [what, operation, expected] of cases)
    test(what, () => assert.deepEqual(told([operation]), expected));

  test("a lock of an operation lasts until the transaction ends", () => {
    const column = add("IntegerField(null=True)");
    assert.deepEqual(told([column, index]), ["all AddIndex order"]);
    assert.deepEqual(told([column, index], "atomic = False"), ["writes AddIndex order"]);
    assert.deepEqual(told([column, "migrations.RunPython(fill)"]), ["all RunPython order"]);
    assert.deepEqual(
      told(["AddConstraintNotValid('order', models.CheckConstraint())", "ValidateConstraint('order', 'c')"]),
      ["all ValidateConstraint order"],
    );
  });

  test("an index that is built concurrently blocks nobody, outside of a transaction", () => {
    const concurrent = "AddIndexConcurrently('order', models.Index(fields=['code'], name='by_code'))";
    assert.deepEqual(told([concurrent], "atomic = False"), []);
    assert.deepEqual(told([concurrent]), ["unknown AddIndexConcurrently order"]);
  });

  test("nobody waits for a table that is new", () => {
    const created = 'migrations.CreateModel("New", fields=[("code", models.TextField())])';
    assert.deepEqual(told([created, 'migrations.AddIndex("new", models.Index(fields=["code"]))']), []);
    assert.deepEqual(told([created, "migrations.RemoveField('new', 'code')"]), []);
  });

  test("a migration whose operations a program makes says so", () => {
    assert.deepEqual(told(["*more()"]), ["unknown more"]);
    assert.deepEqual(told([], "operations = make()\n    x = 1"), ["unknown operations"]);
  });
});

test("a migration is judged by all that lie before it, the new ones among them", () => {
  const source = join(folder, "two");
  mkdirSync(join(source, "shop/migrations"), { recursive: true });
  const put = (name: string, text: string) => writeFileSync(join(source, "shop/migrations", name), text);
  put("0001_initial.py", initial);
  put("0002_longer.py", migration([alter("code", "CharField(max_length=40)")]));
  put("0003_longer_still.py", migration([alter("code", "CharField(max_length=30)")]));
  const found = readNew(source, ["shop/migrations/0002_longer.py", "shop/migrations/0003_longer_still.py"]);
  assert.deepEqual(
    found.map(({ findings }) => findings.map(({ mark, why }) => `${mark}: ${why}`)),
    [
      [],
      [
        "all: A column that was varchar(40) and becomes varchar(30) writes the whole table and its indexes anew.",
      ],
    ],
  );
});

test("the SQL is what the application's own Django says", async () => {
  const requirements = join(root, "examples/django/requirements.txt");
  const python = join(await pythonWith(requirements, "logbook"), "python");
  const source = join(folder, "sql");
  const path = "shop/migrations/0001_initial.py";
  mkdirSync(join(source, "shop/migrations"), { recursive: true });
  for (const name of ["shop", "shop/migrations"]) writeFileSync(join(source, name, "__init__.py"), "");
  writeFileSync(
    join(source, "settings.py"),
    'DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}\nINSTALLED_APPS = ["shop"]\n',
  );
  const created =
    'migrations.CreateModel("Order", fields=[("code", models.CharField(max_length=9, primary_key=True))])';
  writeFileSync(join(source, path), migration([created], "dependencies = []"));
  const apps = (label: string) =>
    writeFileSync(
      join(source, "shop/apps.py"),
      `from django.apps import AppConfig\n\nclass Shop(AppConfig):\n    name = "shop"\n    label = "${label}"\n`,
    );
  const command = `DJANGO_SETTINGS_MODULE=settings ${python} -B -m django`;

  apps("till");
  const [one] = await withSql(command, source, readNew(source, [path]));
  assert.equal(one?.sql?.isFault, false, one?.sql?.text);
  assert.match(
    one?.sql?.text ?? "",
    /CREATE TABLE "till_order" \("code" varchar\(9\) NOT NULL PRIMARY KEY\);/,
  );

  writeFileSync(join(source, path), migration([created], 'dependencies = [("nowhere", "0001_initial")]'));
  const [other] = await withSql(command, source, readNew(source, [path]));
  assert.equal(other?.sql?.isFault, true);
  assert.match(
    other?.sql?.text ?? "",
    /-m django sqlmigrate --no-color till 0001_initial: it ended with 1\n[\s\S]*nonexistent parent node \('nowhere', '0001_initial'\)/,
  );
});

describe("the command that is asked for SQL", () => {
  const one = [{ app: "shop", name: "0002_next" }];

  test("gets the words of Django as they are, in the application's directory", async () => {
    const odd = [{ app: "shop", name: "0002_$(touch forged); 'x'" }];
    const [found] = await askSql("pwd && printf '<%s>'", folder, odd);
    assert.deepEqual(found, {
      text: `${folder}\n<sqlmigrate><--no-color><shop><0002_$(touch forged); 'x'>`,
      isFault: false,
    });
  });

  test("gets none of the preview's own rights", async () => {
    const env = {
      AWS_ROLE_ARN: "a",
      PULUMI_ACCESS_TOKEN: "b",
      GITHUB_TOKEN: "c",
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: "d",
    };
    assert.deepEqual(environmentFor({ ...env, GITLAB_TOKEN: "e", CI_JOB_TOKEN: "f", DATABASE_URL: "g" }), {
      DATABASE_URL: "g",
    });
    const [found] = await askSql("env; :", folder, one, { ...env, PATH: process.env.PATH, SHOWN: "yes" });
    assert.match(found?.text ?? "", /^SHOWN=yes$/m);
    assert.doesNotMatch(found?.text ?? "", /AWS|PULUMI|GITHUB|ACTIONS/);
  });

  test("shows no secret of its environment", async () => {
    const env = {
      PATH: process.env.PATH,
      SECRET_KEY: "s3cret-of-the-shop",
      DATABASE_URL: "postgres://u:pw-of-it@db/x",
    };
    const [found] = await askSql("echo $SECRET_KEY pw-of-it; :", folder, one, env);
    assert.equal(found?.text, "[SECRET_KEY] [DATABASE_URL]");
    assert.equal(masked("plain", { TOKEN: "" }), "plain");
  });

  test("is ended with all that it has started when it takes too long, and says little", async () => {
    const [late, never] = await askSql("sleep 60 & sleep 60;", folder, [...one, ...one], process.env, {
      ...{ each: 300, all: 300, characters: 10 },
    });
    assert.match(late?.text ?? "", /it was ended after 0\.3 s$/);
    assert.deepEqual([late?.isFault, never?.isFault], [true, true]);
    const [long] = await askSql("seq 1000; :", folder, one, process.env, {
      ...{ each: 60_000, all: 60_000, characters: 10 },
    });
    assert.equal(long?.text, "1\n2\n3\n4\n5\n\n… (more than 10 characters)");
  });
});
