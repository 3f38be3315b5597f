// A real S3 server for tests: versitygw, built once from its Go module. It keeps what it is given, checks signatures and
// policies, keeps versions where it is told to, and speaks TLS by a certificate that nobody trusts but who is told of it.
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { Agent } from "node:https";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { CreateBucketCommand, PutBucketPolicyCommand, S3Client } from "@aws-sdk/client-s3";
import { until } from "../until.ts";
import { besideHosts, ownCertificate } from "./own-certificate.ts";

const version = "1.8.0";

/** The server's program, building it where this user has none yet: about two minutes. */
async function program(): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "berth");
  const path = join(cache, `versitygw-${version}`);
  if (existsSync(path)) return path;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, ".versitygw-"));
  try {
    const words = ["install", "-trimpath", "-ldflags", "-s -w"];
    await promisify(execFile)("go", [...words, `github.com/versity/versitygw/cmd/versitygw@v${version}`], {
      env: { ...process.env, GOBIN: work, CGO_ENABLED: "0", GOWORK: "off", GOFLAGS: "" },
    });
    renameSync(join(work, "versitygw"), path);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return path;
}

export interface S3Key {
  readonly accessKey: string;
  readonly secretKey: string;
}

export interface S3Server {
  /** As `backup.place` has it, with the key of the bucket's owner. */
  readonly place: Readonly<Record<string, string>>;
  /** The directory of the bucket, `backups`. */
  readonly bucket: string;
  readonly owner: S3Key;
  /** Asks it with a key. */
  client(key: S3Key): S3Client;
  /** Makes a key that may do what docs/backups.md writes for a host's, and nothing else. */
  hostKey(): Promise<S3Key>;
  /** Makes a bucket for uploads, its directory, and a key that may list, read, create and update there. */
  uploads(bucket: string): Promise<S3Key & { readonly directory: string }>;
}

/**
 * Starts the server on the computer of the tests, where it outlives the hosts: the place of backups, of one bucket,
 * `backups`. Hosts know it by the address that this computer has in their network.
 */
export async function startS3Beside(scope: { after(clean: () => void): void }): Promise<S3Server> {
  const path = await program();
  const address = besideHosts;
  const folder = mkdtempSync(join(tmpdir(), "berth-s3-"));
  const bucket = join(folder, "data/backups");
  mkdirSync(bucket, { recursive: true });
  for (const part of ["sidecar", "versions", "accounts"]) mkdirSync(join(folder, part));
  const { key, cert } = await ownCertificate(folder, address);
  const owner = { accessKey: "berth", secretKey: "correct-horse-battery-staple" };
  const port = await freePort();
  const where = [
    ...["posix", "--sidecar", join(folder, "sidecar"), "--versioning-dir", join(folder, "versions")],
    join(folder, "data"),
  ];
  const server = spawn(
    path,
    [
      ...["--port", `0.0.0.0:${port}`, "--cert", cert, "--key", key],
      ...["--iam-dir", join(folder, "accounts"), ...where],
    ],
    { env: { ROOT_ACCESS_KEY: owner.accessKey, ROOT_SECRET_KEY: owner.secretKey }, stdio: "ignore" },
  );
  const stop = () => {
    server.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  scope.after(stop);
  process.once("exit", stop);
  const ca = readFileSync(cert, "utf8");
  const client = ({ accessKey, secretKey }: S3Key) =>
    new S3Client({
      endpoint: `https://127.0.0.1:${port}`,
      region: "us-east-1",
      forcePathStyle: true,
      credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
      requestHandler: {
        httpsAgent: new Agent({ ca, checkServerIdentity: () => undefined }),
      },
    });
  const keyFor = async (user: string, secretKey: string, Bucket: string, actions: readonly string[]) => {
    const made = { accessKey: user, secretKey };
    const asOwner = ["--allow-insecure", "--endpoint-url", `https://127.0.0.1:${port}`];
    const who = ["--access", made.accessKey, "--secret", made.secretKey, "--role", "user"];
    await promisify(execFile)(path, ["admin", ...asOwner, "create-user", ...who], {
      env: { ADMIN_ACCESS_KEY_ID: owner.accessKey, ADMIN_SECRET_ACCESS_KEY: owner.secretKey },
    });
    const Principal = { AWS: [made.accessKey] };
    const all = `arn:aws:s3:::${Bucket}`;
    const Statement = [
      { Effect: "Allow", Principal, Action: ["s3:ListBucket"], Resource: [all] },
      { Effect: "Allow", Principal, Action: actions, Resource: [`${all}/*`] },
    ];
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
    await client(owner).send(new PutBucketPolicyCommand({ Bucket, Policy }));
    return made;
  };
  const hostKey = () =>
    keyFor("host", "a-key-that-can-add-and-not-take-away", "backups", [
      "s3:GetObject",
      "s3:PutObject",
      "s3:DeleteObject",
    ]);
  const uploads = async (name: string) => {
    const directory = join(folder, "data", name);
    await client(owner).send(new CreateBucketCommand({ Bucket: name }));
    const actions = ["s3:GetObject", "s3:PutObject"];
    return { directory, ...(await keyFor("uploader", "a-key-that-can-read-and-write", name, actions)) };
  };
  const answers = () =>
    fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      (fault: Error) => !`${(fault.cause as Error | undefined)?.message}`.includes("ECONNREFUSED"),
    );
  await until("the S3 server answers", answers);
  const place = { kind: "s3", bucket: "backups", endpoint: `${address}:${port}`, ...owner, ca };
  return { place, bucket, owner, client, hostKey, uploads };
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((settle) => {
    server.listen(0, "0.0.0.0", () => {
      const { port } = server.address() as { port: number };
      server.close(() => settle(port));
    });
  });
}
