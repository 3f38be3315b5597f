import { fileURLToPath } from "node:url";
import { renderTemplate } from "../components/host/template.ts";

/** What a host is told at its first boot. */
export interface UserDataArgs {
  /** The host's full name, such as `shop.example.com`; its first label is the host name. */
  readonly fqdn: string;
  /** The account that Berth connects with. It may do everything through sudo, which logs it. */
  readonly user: string;
  /** The public key that may log in to that account, as one line of an `authorized_keys` file. */
  readonly authorizedKey: string;
  /** The host's own ed25519 key, in OpenSSH's format (PEM). A secret. */
  readonly hostPrivateKey: string;
  /** The public half of the host's key, as one line: `ssh-ed25519 AAAA…`. */
  readonly hostPublicKey: string;
}

const template = fileURLToPath(new URL("user-data.yaml.liquid", import.meta.url));

/**
 * The cloud-init user-data of a host: a pure function, the same text for every kind of host. Every value is put in
 * as JSON, which YAML reads as it stands.
 *
 * @returns a text with a private key in it: a secret
 * @see https://docs.cloud-init.io/en/latest/reference/modules.html
 */
export function userData(args: UserDataArgs): string {
  const { fqdn, user, hostPrivateKey } = args;
  if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(fqdn)) {
    throw new Error(
      `the host's name is ${JSON.stringify(fqdn)}: expected labels of lower-case letters, digits and hyphens, with dots between them`,
    );
  }
  const authorizedKey = oneLine("authorizedKey", args.authorizedKey);
  const hostPublicKey = oneLine("hostPublicKey", args.hostPublicKey);
  if (!hostPublicKey.startsWith("ssh-ed25519 ")) {
    throw new Error(
      `the host's public key starts with ${JSON.stringify(hostPublicKey.split(" ")[0])}: expected an ed25519 key`,
    );
  }
  const hostname = fqdn.split(".")[0] as string;
  const names = hostname === fqdn ? hostname : `${fqdn} ${hostname}`;
  return renderTemplate(template, {
    hostname,
    fqdn,
    hosts: `127.0.1.1 ${names}\n`,
    user,
    authorizedKey,
    // sshd refuses a private key whose last line has no end.
    hostPrivateKey: `${hostPrivateKey.trimEnd()}\n`,
    hostPublicKey,
  });
}

/** A public key with a line break in it would be two keys, and the second nobody's. */
function oneLine(name: string, key: string): string {
  const line = key.trim();
  if (!/^[a-z0-9@.-]+ [A-Za-z0-9+/=]+( [^\r\n]*)?$/.test(line)) {
    throw new Error(`${name} is not a public key: expected one line such as "ssh-ed25519 AAAA… comment"`);
  }
  return line;
}
