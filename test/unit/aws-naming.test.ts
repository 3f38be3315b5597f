import assert from "node:assert/strict";
import { test } from "node:test";
import { cloudName, limits, shortName, tagsOf } from "../../components/aws/naming.ts";
import { record } from "./aws-mocks.ts";

const stacks = [
  "prod",
  "PROD",
  "Prod_2.0",
  "feature_login.page-2",
  "-dashes-",
  "___",
  "x".repeat(100),
  "Ä".repeat(40),
];

test("a name fits every limit of AWS, for any project and stack", async () => {
  for (const stack of stacks) {
    for (const project of ["shop", "My.Shop_2", "sg-tools", "p".repeat(100)]) {
      for (const limit of Object.values(limits)) {
        const { result: name } = await record(() => cloudName("media", limit), { project, stack });
        assert.ok(name.length <= limit, `${name} is ${name.length} long, ${limit} allowed`);
        assert.match(name, /^[a-z0-9](-?[a-z0-9])*$/);
        assert.ok(!name.startsWith("sg-"), `AWS refuses a security group called ${name}`);
      }
    }
  }
});

test("a name that fits is left as it is", async () => {
  const { result } = await record(() => cloudName("media", limits.iamUser), {
    project: "shop",
    stack: "prod",
  });
  assert.equal(result, "shop-prod-media");
});

test("stacks whose names differ in nothing that AWS takes still get names of their own", async () => {
  const names = await Promise.all(stacks.map((stack) => shortName(`shop-${stack}-media`, limits.iamUser)));
  assert.equal(new Set(names).size, stacks.length);
  const long = [1, 2].map((last) => shortName(`${"x".repeat(100)}${last}`, limits.bucket));
  assert.notEqual(long[0], long[1]);
});

test("a name stays the same from run to run", () => {
  assert.equal(shortName("Shop-Prod_2.0-media", 64), "shop-prod-2-0-media-2472217b");
});

test("everything is tagged with its project, stack and component, in characters that IAM takes too", async () => {
  const { result } = await record(() => tagsOf("media"), { project: "My.Shop", stack: "Prod_2" });
  assert.deepEqual(result, {
    project: "My.Shop",
    stack: "Prod_2",
    component: "media",
    Name: "My.Shop-Prod_2-media",
  });
  const long = await record(() => tagsOf("media"), { project: "p".repeat(300), stack: "prod" });
  for (const value of Object.values(long.result)) assert.ok(value.length <= limits.tagValue);
});
