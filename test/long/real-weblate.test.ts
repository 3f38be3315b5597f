// Weblate from PyPI, not changed by a line.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { fromPypi } from "./pypi.ts";

const { stack, visitor, asked, inDjango, assertStyled, assertRollsBack } = await fromPypi(
  { after },
  "weblate",
  { WEBLATE_ADMIN_PASSWORD: "tulips-and-roses" },
);

test("its pages are there with their styles", async () => {
  stack.configure({ app: asked });
  await stack.succeed();
  await assertStyled("/accounts/login/");
});

test("the administrator of its stack file signs in, and its worker answers", async () => {
  const signedIn = await visitor.send("/accounts/login/", {
    username: "maria",
    password: "tulips-and-roses",
  });
  assert.match(signedIn.text, /@maria/);
  assert.match((await visitor.page("/manage/")).text, /Performance report/);
  assert.match(
    await inDjango("from weblate.utils.celery import app; print(app.control.ping(timeout=10))"),
    /'ok': 'pong'/,
  );
});

test("a release and its roll-back leave it as it was, and no preview wants a change", () =>
  assertRollsBack(async () => {
    assert.equal((await visitor.page("/manage/")).status, 200);
  }));
