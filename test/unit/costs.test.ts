// What a preview says of costs: by a table of list prices, and of what the table lacks that it does.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { readPreview } from "../../scripts/lib/preview/events.ts";
import { comment, limits } from "../../scripts/lib/preview/markdown.ts";
import { plainText } from "../../scripts/lib/preview/plain.ts";
import { reportOn } from "../../scripts/lib/preview/report.ts";
import { event } from "./preview-events.ts";

const root = resolve(import.meta.dirname, "../..");
type Inputs = Readonly<Record<string, unknown>>;

const report = (...events: readonly string[]) =>
  reportOn("shop", readPreview([...events, JSON.stringify({ summaryEvent: {} })].join("\n"), "", 0));
/** The section on costs, on a terminal. */
const costs = (...events: readonly string[]) =>
  /\nWhat it costs:\n([\s\S]*?)(\n\n|$)/
    .exec(plainText(report(...events)))?.[1]
    ?.split("\n")
    .map((line) => line.trim());

const instance = "aws:ec2/instance:Instance";
const volume = "aws:ebs/volume:Volume";
const machine = (instanceType: string, volumeSize = 12) => ({
  instanceType,
  rootBlockDevice: { volumeSize, volumeType: "gp3" },
});
const place = event("same", "pulumi:providers:aws", "account", {}, { region: "us-east-1" });
const sum = (dollars: string) =>
  `${dollars} dollars a month, by AWS's list of November 2026 for us-east-1, without tax and discounts.`;

test("a larger instance and disk cost the difference, in the headline too", () => {
  const events = [
    event("update", instance, "web-instance", machine("t4g.small"), machine("t4g.medium", 20)),
    event("create", "aws:ec2/eip:Eip", "tasks-address", undefined, {}),
    event("delete", volume, "old-disk", { size: 50, type: "gp3" }),
  ];
  assert.deepEqual(costs(place, ...events), [
    `${sum("+12.55")}`,
    "web-instance  13.22  26.13  +12.90",
    "tasks-address  0.00  3.65  +3.65",
    "old-disk  4.00  0.00  −4.00",
  ]);
  assert.match(plainText(report(...events)), /^DATA would go: .*; \+12\.55 dollars a month by AWS's list\n/);
  assert.match(
    comment(report(...events), { limit: limits.github }),
    /\n\| resource \| now \| then \| difference \|\n/,
  );
});

describe("costs", () => {
  test("say where the list is from, and that the stack is elsewhere", () => {
    const events = [
      event("create", volume, "disk", undefined, {
        size: 10,
        type: "gp3",
        availabilityZone: "eu-central-1a",
      }),
    ];
    assert.equal(costs(...events)?.[0], `${sum("+0.80")} The stack is in eu-central-1, where prices differ.`);
    assert.equal(
      costs(event("create", "aws:ec2/eip:Eip", "address", undefined, {}))?.[0],
      `${sum("+3.65")} Other regions differ.`,
    );
  });

  test("are not guessed: what the table lacks is named, and not in the sum", () => {
    assert.deepEqual(
      costs(
        place,
        event("create", instance, "big", undefined, machine("u-24tb1.metal")),
        event("create", "aws:rds/instance:Instance", "database", undefined, {
          instanceClass: "db.t4g.small",
        }),
        event("create", volume, "fast", undefined, { size: 10, type: "io2" }),
        event("create", volume, "copy", undefined, { type: "gp3", snapshotId: "snap-1" }),
        event("create", "aws:s3/bucket:Bucket", "media", undefined, {}),
      ),
      [
        sum("+0.00"),
        "Paid by use, and not in the sum: media",
        "Not in the sum: big. Berth's table does not have the type u-24tb1.metal",
        "Not in the sum: database. Berth's table does not have this type",
        "Not in the sum: fast. Berth's table does not have a volume of type io2",
        "Not in the sum: copy. Berth's table does not have the size of its disk, which is not in the stack",
      ],
    );
  });

  test("are those of what is kept as well, and not of what is there already", () => {
    const disk = { size: 10, type: "gp3" };
    assert.equal(
      costs(place, event("delete", volume, "disk", disk, undefined, { retainOnDelete: true })),
      undefined,
    );
    assert.deepEqual(
      costs(place, event("replace", volume, "disk", disk, disk, { retainOnDelete: true }))?.[0],
      sum("+0.80"),
    );
    assert.equal(costs(place, event("import", volume, "disk", undefined, disk)), undefined);
  });

  test("are not told where nothing of a price changes", () => {
    assert.equal(
      costs(place, event("update", instance, "web", machine("t4g.small"), machine("t4g.small"))),
      undefined,
    );
    assert.equal(costs(place, event("create", "aws:iam/role:Role", "role", undefined, {})), undefined);
    assert.equal(costs(event("create", "command:remote:Command", "step", undefined, {})), undefined);
  });

  test("of a faster volume have its speed in them", () => {
    const fast = { size: 100, type: "gp3", iops: 4000, throughput: 225 };
    assert.equal(costs(place, event("create", volume, "disk", undefined, fast))?.[0], sum("+17.00"));
  });
});

for (const [stack, column, agent] of [
  ["staging", 1, 0],
  ["prod", 2, 0.9 + 0.44],
] as const) {
  test(`docs/aws.md has the same for the stack ${stack}`, () => {
    const resources: Record<string, { type: string; inputs?: Inputs }> = parse(
      readFileSync(join(root, `test/cloud/snapshots/${stack}.yaml`), "utf8"),
    );
    const events = Object.entries(resources).map(([name, { type, inputs = {} }]) =>
      event("create", type, name, undefined, inputs),
    );
    const found = costs(place, ...events) ?? [];
    assert.deepEqual(
      found.filter((line) => line.startsWith("Not in the sum")),
      [],
    );
    const total = Number(/^\+(\d+\.\d\d) dollars/.exec(found[0] ?? "")?.[1]);
    const line = readFileSync(join(root, "docs/aws.md"), "utf8")
      .split("\n")
      .find((one) => one.startsWith("| **a month**"));
    const documented = Number(line?.split("|")[column + 1]?.replaceAll("*", ""));
    assert.equal((total + agent).toFixed(2), documented.toFixed(2));
  });
}
