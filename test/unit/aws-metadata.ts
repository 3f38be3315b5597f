// An instance metadata service for programs that run on an EC2 host.
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

export const secret = "a-secret-of-the-role";

/** What the metadata service answers, and to whom: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html */
export interface Metadata {
  readonly role?: string | undefined;
  readonly answer?: string;
}
const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+/, "");
export const usual = () => ({
  Code: "Success",
  LastUpdated: "2026-01-01T00:00:00Z",
  Type: "AWS-HMAC",
  AccessKeyId: "ASIAEXAMPLE",
  SecretAccessKey: secret,
  Token: "a-token",
  Expiration: inAnHour(),
});

function answerTo(request: IncomingMessage, metadata: Metadata): [number, string] {
  const path = "/latest/meta-data/iam/security-credentials/";
  if (request.url === "/latest/api/token") {
    const asked = request.method === "PUT" && request.headers["x-aws-ec2-metadata-token-ttl-seconds"];
    return asked ? [200, "token-of-the-session"] : [405, ""];
  }
  if (request.headers["x-aws-ec2-metadata-token"] !== "token-of-the-session") return [401, ""];
  if (request.url === "/latest/meta-data/instance-id") return [200, "i-0123456789abcdef0"];
  if (request.url === "/latest/meta-data/placement/region") return [200, "eu-central-1"];
  const role = "role" in metadata ? metadata.role : "shop-prod-web";
  if (role === undefined) return [404, ""];
  if (request.url === path) return [200, role];
  if (request.url === `${path}${role}`) return [200, metadata.answer ?? JSON.stringify(usual())];
  return [404, ""];
}

/** Starts one for a test; its address is what a program takes for the service's. */
export async function withMetadata(t: TestContext, metadata: Metadata = {}): Promise<string> {
  const server = createServer((request, response) => {
    const [status, text] = answerTo(request, metadata);
    response.writeHead(status).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
