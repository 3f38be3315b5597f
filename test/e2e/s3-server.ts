// A real S3 server in a test's host: versitygw, built once from its Go module. It keeps what it is given, checks
// signatures, and speaks TLS by a certificate that nobody trusts but who is told of it.
import { execFile, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { until } from "../until.ts";
import type { Stack } from "./harness.ts";

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

/**
 * Starts the server on the computer of the tests, where it outlives the hosts: the place of backups, of one bucket,
 * `backups`. Hosts know it by the address that this computer has in their network.
 */
export async function startS3Beside(scope: {
  after(clean: () => void): void;
}): Promise<{ readonly place: Readonly<Record<string, string>>; readonly bucket: string }> {
  const path = await program();
  const address = "10.219.83.1";
  const folder = mkdtempSync(join(tmpdir(), "berth-s3-"));
  const bucket = join(folder, "data/backups");
  mkdirSync(bucket, { recursive: true });
  mkdirSync(join(folder, "sidecar"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  // pgBackRest looks for an address among the names.
  const names = `subjectAltName=IP:${address},DNS:${address}`;
  const words = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "30",
  ];
  await promisify(execFile)("openssl", [
    ...words,
    ...["-subj", `/CN=${address}`, "-addext", names, "-keyout", key, "-out", cert],
  ]);
  const secretKey = "correct-horse-battery-staple";
  const where = ["posix", "--sidecar", join(folder, "sidecar"), join(folder, "data")];
  const server = spawn(path, ["--port", "0.0.0.0:4444", "--cert", cert, "--key", key, ...where], {
    env: { ROOT_ACCESS_KEY: "berth", ROOT_SECRET_KEY: secretKey },
    stdio: "ignore",
  });
  const stop = () => {
    server.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  scope.after(stop);
  process.once("exit", stop);
  const endpoint = `${address}:4444`;
  const ca = readFileSync(cert, "utf8");
  return { place: { kind: "s3", bucket: "backups", endpoint, accessKey: "berth", secretKey, ca }, bucket };
}

export interface S3Server {
  /** As `backup.place` has it, without the secret key. */
  readonly place: Readonly<Record<string, string>>;
  readonly secretKey: string;
  /** Shell, on the host. */
  readonly stop: string;
  readonly start: string;
}

/** Starts the server in a stack's host, which then knows it by the name s3.berth.test; with one bucket, `backups`. */
export async function startS3(stack: Stack): Promise<S3Server> {
  const place = `/var/lib/berth/machines/${stack.machine}/root/opt/versitygw`;
  cpSync(await program(), place);
  const secretKey = "correct-horse-battery-staple";
  const ca = await stack.on(`set -e
    mkdir -p /srv/s3/data/backups /srv/s3/sidecar /srv/s3/tls
    chmod 0755 /opt/versitygw
    grep -q s3.berth.test /etc/hosts || echo '127.0.0.1 s3.berth.test' >>/etc/hosts
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=s3.berth.test \
      -addext subjectAltName=DNS:s3.berth.test -keyout /srv/s3/tls/key.pem -out /srv/s3/tls/cert.pem 2>/dev/null
    cat >/etc/systemd/system/s3.service <<UNIT
[Service]
Environment=ROOT_ACCESS_KEY=berth ROOT_SECRET_KEY=${secretKey}
ExecStart=/opt/versitygw --port 127.0.0.1:4444 --cert /srv/s3/tls/cert.pem --key /srv/s3/tls/key.pem posix --sidecar /srv/s3/sidecar /srv/s3/data
UNIT
    systemctl daemon-reload
    systemctl start s3
    cat /srv/s3/tls/cert.pem`);
  const answers = "curl -s -o /dev/null --cacert /srv/s3/tls/cert.pem https://s3.berth.test:4444/";
  await until("the S3 server answers", async () => (await stack.ssh(answers)).code === 0);
  return {
    place: { kind: "s3", bucket: "backups", endpoint: "s3.berth.test:4444", accessKey: "berth", ca },
    secretKey,
    stop: "systemctl stop s3",
    start: "systemctl start s3",
  };
}
