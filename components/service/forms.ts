// Forms of values that several parts of the configuration share, each with what it expects in words.
import { isIP } from "node:net";
import { z } from "zod";

const fqdn = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;
// Those of berth:services begin with 'service-'.
const account = /^(?!service-)[a-z][a-z0-9_-]{0,30}$/;
const publicKey =
  /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) [A-Za-z0-9+/=]+( .*)?$/;

export const domainName = z.string().regex(fqdn, {
  error: "expected a domain name in lower case with at least one dot, such as shop.example.org",
});
export const domainNameOrWildcard = z.string().refine((value) => fqdn.test(value.replace(/^\*\./, "")), {
  error:
    "expected a domain name in lower case with at least one dot, such as shop.example.org, or *.shop.example.org",
});
export const accountName = z.string().regex(account, {
  error:
    "expected a Linux account name: a lower-case letter, then letters, digits, hyphens or underscores, 31 at most, and not service- at its beginning",
});
export const sshKey = z
  .string()
  .regex(publicKey, { error: "expected an SSH public key, as in ~/.ssh/id_ed25519.pub" });
export const hostKey = z.string().regex(/^ssh-ed25519 [A-Za-z0-9+/=]+( .*)?$/, {
  error:
    "expected an ed25519 public key, 'ssh-ed25519 AAAA…': 'ssh-keyscan -t ed25519 ADDRESS' shows it, behind the address",
});
export const cidr = z
  .string()
  .refine(isCidr, { error: "expected a network, such as 203.0.113.0/24 or 2001:db8::/32" });
export const address = z.string().refine((value) => isIP(value) !== 0 || fqdn.test(value), {
  error: "expected an IP address or a domain name",
});
export const port = z.int().min(1).max(65535);

export const settingName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, {
  error: "expected the name of an environment variable: letters, digits and underscores",
});

export const urlPassword = z.string().regex(/^[A-Za-z0-9._~-]{16,}$/, {
  error: "expected 16 or more letters, digits, dots, underscores, tildes and hyphens",
});

/** Whether a text is a network, `ADDRESS/BITS`; an address of one interface (`fe80::1%eth0`) has none. */
export function isCidr(value: string): boolean {
  const [ip = "", bits = "", rest] = value.split("/");
  // Node's own check, for this is read at every start, and the library that components/aws/cidr.ts calculates with is not.
  const family = ip.includes("%") ? 0 : isIP(ip);
  return (
    rest === undefined && family !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)
  );
}
