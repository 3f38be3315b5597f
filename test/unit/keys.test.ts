import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { byKeys, withKeys } from "../../config/keys.ts";

test("arguments at the beginning of lines are told as keys of the stack's file, and nothing else is", () => {
  assert.equal(withKeys("app.source.git: x cannot be read"), "berth:app.source.git: x cannot be read");
  assert.equal(
    withKeys("Nothing has been changed:\n  host.network.cidr: found b\n  allow[0].until: c\n  allow:"),
    "Nothing has been changed:\n  berth:host.network.cidr: found b\n  berth:allow[0].until: c\n  berth:allow:",
  );
  for (const text of ["The app.name: x", "hostname: x", "apps.name: x", "site is well", "berth:app.name: x"])
    assert.equal(withKeys(text), text);
});

test("an error keeps what it is, and a result comes through", async () => {
  assert.equal(await byKeys(Promise.resolve(3)), 3);
  const error = new pulumi.RunError("app.wsgi: expected a module");
  await assert.rejects(byKeys(Promise.reject(error)), (told) => {
    assert.equal(told, error);
    assert.equal(error.message, "berth:app.wsgi: expected a module");
    assert.match(error.stack ?? "", /berth:app\.wsgi: expected a module/);
    return true;
  });
});
