// The logbook with a bucket: its own settings and storage, against a server that obeys IAM policies.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  PutUserPolicyCommand,
} from "@aws-sdk/client-iam";
import { CreateBucketCommand, HeadObjectCommand, PutBucketPolicyCommand, S3Client } from "@aws-sdk/client-s3";
import { mediaPolicy } from "../../components/aws/media-access.ts";
import { documentedSettings } from "./documented.ts";
import { withMoto } from "./moto.ts";

const run = promisify(execFile);
const logbook = join(import.meta.dirname, "../../examples/django");
const Bucket = "photos-of-the-harbour";

/** A Python with what the logbook's lock file pins, made once for this user. */
async function logbookPython(): Promise<string> {
  const lock = join(logbook, "requirements.txt");
  const hash = createHash("sha256").update(readFileSync(lock)).digest("hex").slice(0, 12);
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "berth");
  const folder = join(cache, `logbook-${hash}`);
  const python = join(folder, "bin/python");
  if (existsSync(python)) return python;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, ".logbook-"));
  try {
    await run("python3", ["-m", "venv", work]);
    const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"];
    await run(join(work, "bin/python"), [...install, "-r", lock]);
    renameSync(work, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return python;
}

/** A bucket, the key of a user that may use it as the stack has it, and the settings with which the logbook uses both. */
async function withBucket(t: TestContext) {
  const moto = await withMoto(t, { enforceIam: true });
  const owner = new S3Client(moto.client());
  const CreateBucketConfiguration = { LocationConstraint: moto.region as "eu-central-1" };
  await owner.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
  const iam = new IAMClient(moto.client());
  const UserName = "uploader";
  const PolicyDocument = mediaPolicy(`arn:aws:s3:::${Bucket}`, true);
  await iam.send(new CreateUserCommand({ UserName }));
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: "media", PolicyDocument }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  const key = { id: `${AccessKey?.AccessKeyId}`, secret: `${AccessKey?.SecretAccessKey}` };
  const settings = {
    BUCKET_NAME: Bucket,
    AWS_ENDPOINT_URL: moto.endpoint,
    AWS_S3_ADDRESSING_STYLE: "path",
    AWS_DEFAULT_REGION: moto.region,
    AWS_ACCESS_KEY_ID: key.id,
    AWS_SECRET_ACCESS_KEY: key.secret,
  };
  return { moto, owner, key, settings };
}

/** Runs Python in the logbook with these settings and no others; what it prints, as JSON. */
async function inLogbook(program: string, env: Readonly<Record<string, string>>) {
  const { stdout } = await run(await logbookPython(), ["-c", `import django; django.setup()\n${program}`], {
    cwd: logbook,
    env: {
      PATH: process.env.PATH,
      HOME: "/nonexistent",
      PYTHONDONTWRITEBYTECODE: "1",
      NO_PROXY: "*",
      DJANGO_SETTINGS_MODULE: "logbook.settings",
      SECRET_KEY: "x".repeat(50),
      DATABASE_URL: "postgres://127.0.0.1:1/none",
      REDIS_URL: "redis://127.0.0.1:1/0",
      CACHE_URL: "redis://127.0.0.1:1/1",
      ...env,
    },
  });
  return JSON.parse(stdout);
}

/** Stores a photo as a form does, replaces nothing, and tells where it lies. */
const store = `
import json
from django.core.files.base import ContentFile
from entries.models import Entry, photo_path
from logbook import parts

entry = Entry(name="Ida", message="Fair wind.")
storage = entry.photo.storage
name = storage.save(photo_path(entry, "holiday.jpg"), ContentFile(b"a photo"))
again = storage.save(name, ContentFile(b"another"))
part = parts.media()
print(json.dumps({
    "name": name, "again": again, "url": storage.url(name), "read": storage.open(name).read().decode(),
    "kind": type(storage._wrapped).__name__, "well": part.well, "facts": part.facts}))
`;

test("a photo is stored in the bucket with the user's key, and a signed URL alone shows it", async (t) => {
  const { moto, owner, settings } = await withBucket(t);
  const said = await inLogbook(store, settings);
  assert.match(said.name, /^photos\/[0-9a-f]{32}\.jpg$/);
  assert.notEqual(said.again, said.name, "a file of the same name is kept beside the first");
  assert.equal(said.read, "a photo");
  assert.deepEqual([said.well, said.facts], [true, "in an S3 bucket"]);
  const stored = await owner.send(new HeadObjectCommand({ Bucket, Key: said.name }));
  assert.equal(stored.ContentType, "image/jpeg");

  // With enforcement on, moto knows no signed URLs.
  await moto.enforceIam(false);
  const shown = await fetch(said.url);
  assert.equal(shown.status, 200);
  assert.equal(await shown.text(), "a photo");
  const signed = new URL(said.url);
  assert.equal(signed.searchParams.get("X-Amz-Expires"), "300");
  assert.equal((await fetch(`${signed.origin}${signed.pathname}`)).status, 403);
});

/** Stores a photo as a form does, and makes its preview as a worker does. */
const storeWithPreview = `
import json
from io import BytesIO
from crew.models import Preview
from crew.tasks import preview_of
from django.core.files.base import ContentFile
from entries.models import Entry
from PIL import Image

out = BytesIO()
Image.new("RGB", (1200, 600), "navy").save(out, "JPEG")
entry = Entry(name="Ida", message="Fair wind.")
entry.photo.save("holiday.jpg", ContentFile(out.getvalue()), save=False)
preview = Preview(entry=entry)
# The name of the photo is all that a worker knows of it.
preview.image.save("preview.jpg", preview_of(Entry(photo=entry.photo.name).photo), save=False)
print(json.dumps({"name": preview.image.name, "size": [preview.image.width, preview.image.height]}))
`;

test("a worker reads a photo from the bucket and puts its preview there", async (t) => {
  const { owner, settings } = await withBucket(t);
  const said = await inLogbook(storeWithPreview, settings);
  assert.match(said.name, /^previews\/[0-9a-f]{32}\.jpg$/);
  assert.deepEqual(said.size, [800, 400]);
  const stored = await owner.send(new HeadObjectCommand({ Bucket, Key: said.name }));
  assert.equal(stored.ContentType, "image/jpeg");
});

test("with a role's credentials, read from a file by credential_process, a photo is stored as well", async (t) => {
  const { moto, owner, key } = await withBucket(t);
  const folder = mkdtempSync(join(tmpdir(), "berth-credentials-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const credentials = join(folder, "logbook.json");
  const config = join(folder, "aws-config");
  // As role-credentials.py writes it, but for the token, which moto knows none of.
  writeFileSync(
    credentials,
    JSON.stringify({
      Version: 1,
      AccessKeyId: key.id,
      SecretAccessKey: key.secret,
      Expiration: new Date(Date.now() + 3_600_000).toISOString(),
    }),
  );
  writeFileSync(
    config,
    `[default]\nregion = ${moto.region}\ncredential_process = /usr/bin/cat ${credentials}\n`,
  );
  const said = await inLogbook(store, {
    BUCKET_NAME: Bucket,
    AWS_ENDPOINT_URL: moto.endpoint,
    AWS_S3_ADDRESSING_STYLE: "path",
    AWS_CONFIG_FILE: config,
  });
  await owner.send(new HeadObjectCommand({ Bucket, Key: said.name }));
  assert.ok(new URL(said.url).searchParams.get("X-Amz-Credential")?.startsWith(key.id));
});

test("a signed URL names the bucket's own server in its region, where it is valid", async () => {
  const url: string = await inLogbook(
    `import json
from django.core.files.storage import default_storage
print(json.dumps(default_storage.url("photos/a.jpg")))`,
    {
      BUCKET_NAME: Bucket,
      AWS_DEFAULT_REGION: "eu-central-1",
      AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "x",
    },
  );
  assert.equal(new URL(url).host, `${Bucket}.s3.eu-central-1.amazonaws.com`);
});

test("without a bucket the logbook keeps photos on the disk and loads nothing of AWS", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "berth-media-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const said = await inLogbook(
    store.replace("print(json.dumps({", 'import sys\nprint(json.dumps({"aws": "botocore" in sys.modules,'),
    { MEDIA_ROOT: folder },
  );
  assert.equal(said.kind, "FileSystemStorage");
  assert.equal(said.aws, false);
  assert.equal(said.url, `/media/${said.name}`);
  assert.equal(readFileSync(join(folder, said.name), "utf8"), "a photo");
  assert.match(said.facts, /^on this host’s disk, .* free$/);
});

test("what docs/aws.md writes for Django's settings puts static files where everyone may read them, and links there", async (t) => {
  const { moto, owner, settings } = await withBucket(t);
  const folder = mkdtempSync(join(tmpdir(), "berth-static-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const root = join(folder, "static");
  mkdirSync(root);
  writeFileSync(
    join(folder, "with_public_files.py"),
    `from logbook.settings import *\n${documentedSettings()}`,
  );
  const open = {
    Effect: "Allow",
    Principal: "*",
    Action: "s3:GetObject",
    Resource: `arn:aws:s3:::${Bucket}/assets/*`,
  };
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [open] });
  await owner.send(new PutBucketPolicyCommand({ Bucket, Policy }));
  const linked = await inLogbook(
    `import json
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.templatetags.static import static
for release in ("the first", "the next"):
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=["admin"])
names = [name for finder in get_finders() for name, _ in finder.list(["admin"])]
print(json.dumps([static(name) for name in names if name.endswith(".css")]))`,
    {
      PYTHONPATH: `${folder}:${logbook}`,
      DJANGO_SETTINGS_MODULE: "with_public_files",
      STATIC_ROOT: root,
      ...settings,
      PUBLIC_FILES_FOLDER: "assets",
      PUBLIC_FILES_URL: "https://d111111abcdef8.cloudfront.net/assets/",
    },
  );
  assert.ok(linked.length > 0);
  for (const link of linked) {
    assert.match(link, /^https:\/\/d111111abcdef8\.cloudfront\.net\/assets\/\S+\.[0-9a-f]{12}\.css$/);
    const found = await fetch(`${moto.endpoint}/${Bucket}${new URL(link).pathname}`);
    assert.equal(found.status, 200, link);
    assert.equal(found.headers.get("cache-control"), "public, max-age=31536000");
  }
  assert.ok(existsSync(join(root, "staticfiles.json")), "the release has its own list of names");
});
