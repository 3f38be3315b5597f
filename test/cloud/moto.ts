// A moto server for a test: S3, IAM, STS, Secrets Manager, SSM and the rest of AWS's interfaces on a port of the
// loopback interface, with nothing behind them but its memory.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  PutUserPolicyCommand,
} from "@aws-sdk/client-iam";
import { pythonWith } from "../../scripts/lib/python.ts";

export interface MotoOptions {
  /**
   * Whether a call needs a key that may make it, as in AWS. Policies of users and roles are obeyed for actions, and
   * for S3 for resources; moto ignores all conditions. @default false
   */
  readonly enforceIam?: boolean;
  /** @default "eu-central-1" */
  readonly region?: string;
}

export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface Moto {
  readonly endpoint: string;
  readonly port: number;
  readonly region: string;
  /** A key that may do everything. Without enforcement any key may. */
  readonly admin: AccessKey;
  /** What an AWS SDK, the CLI or the real aws plugin needs to use this server as `key`, by default the admin's. */
  environment(key?: AccessKey): Record<string, string>;
  /** What a client of the AWS SDK for JavaScript needs for the same. */
  client(key?: AccessKey): { endpoint: string; region: string; credentials: AccessKey; forcePathStyle: true };
  /** From now on calls need keys that may make them, or no longer do. */
  enforceIam(on: boolean): Promise<void>;
  /** Forgets everything, keys as well; `enforceIam(false)` comes with it. */
  reset(): Promise<void>;
  /** Ends the server. Called by itself at the end of the scope. */
  stop(): Promise<void>;
}

const requirements = join(import.meta.dirname, "moto-requirements.txt");

/** The Python that has moto, made once for this user. A newer list of requirements makes another. */
export const motoPython = async (): Promise<string> => join(await pythonWith(requirements, "moto"), "python");

/**
 * Starts a server for a test. `scope` is the test's context (`t`), or `{ after }` from node:test for a whole file.
 * It ends with the scope, or with this process, however that ends.
 */
export async function withMoto(
  scope: { after(clean: () => Promise<void>): void },
  options: MotoOptions = {},
): Promise<Moto> {
  const moto = await startMoto(options);
  scope.after(moto.stop);
  return moto;
}

/** The same without a scope; the caller stops it. */
export async function startMoto(options: MotoOptions = {}): Promise<Moto> {
  const region = options.region ?? "eu-central-1";
  const server = spawn(await motoPython(), [join(import.meta.dirname, "moto-server.py")], {
    stdio: ["pipe", "pipe", "pipe"],
    // No account of this computer's user is looked for, and no proxy stands between.
    env: {
      PATH: process.env.PATH,
      HOME: "/nonexistent",
      NO_PROXY: "*",
      MOTO_ALLOW_NONEXISTENT_REGION: "false",
    },
  });
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const port = await portOf(server);
  const endpoint = `http://127.0.0.1:${port}`;
  const control = async (path: string, body: string) => {
    const answer = await fetch(`${endpoint}/moto-api/${path}`, { method: "POST", body });
    if (!answer.ok) throw new Error(`moto: ${path}: ${answer.status} ${await answer.text()}`);
  };
  const enforceIam = (on: boolean) => control("reset-auth", on ? "0" : "inf");
  const client = (key: AccessKey) => ({ endpoint, region, credentials: key, forcePathStyle: true as const });

  const admin = await makeAdmin(client({ accessKeyId: "first", secretAccessKey: "first" }));
  if (options.enforceIam) await enforceIam(true);
  return {
    endpoint,
    port,
    region,
    admin,
    environment: (key = admin) => ({
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: key.accessKeyId,
      AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
      AWS_EC2_METADATA_DISABLED: "true",
      // Nothing of the user's own.
      AWS_CONFIG_FILE: "/dev/null",
      AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
    }),
    client: (key = admin) => client(key),
    enforceIam,
    async reset() {
      await enforceIam(false);
      await control("reset", "");
    },
    async stop() {
      server.stdin?.end();
      await ended;
    },
  };
}

/** The port it prints, once it listens. */
function portOf(server: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = "";
    let complaint = "";
    server.stderr?.setEncoding("utf8").on("data", (text: string) => {
      complaint = (complaint + text).slice(-4000);
    });
    server.stdout?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      const port = /^(\d+)\n/.exec(said)?.[1];
      if (port) resolve(Number(port));
    });
    server.once("error", reject);
    server.once("exit", (code) => reject(new Error(`the moto server ended (${code}): ${complaint}`)));
  });
}

async function makeAdmin(settings: ConstructorParameters<typeof IAMClient>[0]): Promise<AccessKey> {
  const iam = new IAMClient(settings ?? {});
  const UserName = "admin";
  const everything = { Effect: "Allow", Action: "*", Resource: "*" };
  await iam.send(new CreateUserCommand({ UserName }));
  await iam.send(
    new PutUserPolicyCommand({
      UserName,
      PolicyName: "everything",
      PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: [everything] }),
    }),
  );
  const { AccessKey: key } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  iam.destroy();
  if (!key?.AccessKeyId || !key.SecretAccessKey) throw new Error("moto made no access key");
  return { accessKeyId: key.AccessKeyId, secretAccessKey: key.SecretAccessKey };
}
