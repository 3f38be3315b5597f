// Runs a program against Pulumi's mocks, and prints what it made: node package-mocks.mjs PROGRAM. It lies in the folder
// of the program, whose packages it uses.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import * as pulumi from "@pulumi/pulumi";

const made = [];
const outputs = {
  "command:local:Command": { stdout: '{"address":"192.0.2.7","machine":"berth-shop","instanceId":"i-0"}' },
  "random:index/randomPassword:RandomPassword": { result: "a password" },
  "tls:index/privateKey:PrivateKey": {
    publicKeyOpenssh: "ssh-ed25519 AAAA",
    privateKeyOpenssh: "a private key",
    privateKeyPem: "a private key",
  },
  "tls:index/selfSignedCert:SelfSignedCert": { certPem: "a certificate" },
  "aws:ec2/eip:Eip": { publicIp: "203.0.113.7" },
};
const answers = {
  "aws:ec2/getVpc:getVpc": { id: "vpc-0" },
  "aws:ec2/getSubnets:getSubnets": { ids: ["subnet-0"] },
  "aws:ec2/getSubnet:getSubnet": { id: "subnet-0", availabilityZone: "eu-central-1a" },
};
await pulumi.runtime.setMocks(
  {
    newResource: ({ type, name, inputs, id }) => {
      made.push({ type, name, inputs });
      return { id: id || `${name}-id`, state: { ...inputs, ...outputs[type] } };
    },
    call: ({ token }) => answers[token] ?? {},
  },
  "shop",
  "prod",
  false,
  "organization",
);
await import(pathToFileURL(process.argv[2]).href);
let before;
do {
  before = made.length;
  await pulumi.runtime.waitForRPCs();
  await new Promise((resolve) => setTimeout(resolve, 1));
} while (made.length !== before);
const aws = Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes("/@pulumi/aws/"));
console.log(JSON.stringify({ made, aws }));
