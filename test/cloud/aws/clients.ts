// The moto server's clients, with the simulated account's own key; each operation is noted.
import { IAMClient } from "@aws-sdk/client-iam";
import { S3Client } from "@aws-sdk/client-s3";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SSMClient } from "@aws-sdk/client-ssm";
import { called, settings } from "./cloud.ts";

function config() {
  const { moto, region } = settings();
  const { endpoint, accessKeyId, secretAccessKey } = moto;
  return { endpoint, region, credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true };
}

/** Calls a step before each request; the SDK's clients share no type for it. */
interface Noted {
  readonly middlewareStack: {
    add(
      step: (next: (args: never) => Promise<unknown>, context: { commandName?: string }) => unknown,
      how: object,
    ): void;
  };
}

function noted<Client>(service: string, client: Client): Client {
  (client as Noted).middlewareStack.add(
    (next, context) => (args: never) => {
      called(`${service}:${`${context.commandName}`.replace(/Command$/, "")}`);
      return next(args);
    },
    { step: "initialize" },
  );
  return client;
}

const once = <Client>(make: () => Client): (() => Client) => {
  let made: Client | undefined;
  return () => {
    made ??= make();
    return made;
  };
};

export const iam = once(() => noted("iam", new IAMClient(config())));
export const s3 = once(() => noted("s3", new S3Client(config())));
export const secretsManager = once(() => noted("secretsmanager", new SecretsManagerClient(config())));
export const ssm = once(() => noted("ssm", new SSMClient(config())));

/** What there is, or undefined where AWS says that there is no such thing. */
export async function orGone<Result>(asked: Promise<Result>): Promise<Result | undefined> {
  try {
    return await asked;
  } catch (error) {
    const name = error instanceof Error ? error.name : "";
    if (/NoSuch|NotFound|ParameterNotFound|ResourceNotFound/.test(name)) return undefined;
    throw error;
  }
}
