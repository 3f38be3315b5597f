import assert from "node:assert/strict";
import { test } from "node:test";
import { isReleaseId, releaseId, sourceOf } from "../../components/app/source/source.ts";

const git = { git: "https://git.example/shop.git", ref: "main", path: "." };

test("an id of a release is told from a git reference", () => {
  assert.ok(isReleaseId(releaseId("0123456789abcdef", ["3.13"])));
  for (const reference of ["main", "v1.2", "0123456789abcdef0123456789abcdef01234567", "0123456789"])
    assert.equal(isReleaseId(reference), false, reference);
});

test("a git reference to go back to is asked of the source's repository, an id of nobody", () => {
  assert.deepEqual(sourceOf(git, "v1.2"), { ...git, ref: "v1.2" });
  assert.equal(sourceOf(git, "0123456789-abcd"), git);
  assert.equal(sourceOf(git, undefined), git);
});

test("a git reference for a source that is a directory is refused with what is expected", () => {
  assert.throws(() => sourceOf({ directory: "shop" }, "v1.2"), {
    message: /^app\.release: expected the id of a release, .* found 'v1\.2'$/,
  });
});
