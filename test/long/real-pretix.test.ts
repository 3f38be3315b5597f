// pretix from PyPI, not changed by a line.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { fromPypi } from "./pypi.ts";

const { stack, visitor, asked, inDjango, assertStyled, assertRollsBack } = await fromPypi(
  { after },
  "pretix",
);

test("its pages are there with their styles, an administrator signs in, and its worker answers", async () => {
  stack.configure({ app: asked });
  await stack.succeed();
  await assertStyled("/control/login");
  await inDjango(
    "from pretix.base.models import User; User.objects.create_superuser('maria@example.org', 'tulips-and-roses')",
  );
  const signedIn = await visitor.send("/control/login", {
    email: "maria@example.org",
    password: "tulips-and-roses",
  });
  assert.match(signedIn.text, /<title>\s*Dashboard/);
  assert.match(
    await inDjango("from pretix.celery_app import app; print(app.control.ping(timeout=10))"),
    /'ok': 'pong'/,
  );
});

test("a release and its roll-back leave it as it was, and no preview wants a change", () =>
  assertRollsBack(async () => {
    assert.match((await visitor.page("/control/")).text, /<title>\s*Dashboard/);
  }));
