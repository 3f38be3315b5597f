// A certificate for a server of a test's own, next to the hosts, which signs itself: nobody trusts it but who is told of it.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

/** The address at which hosts reach the computer of the tests. */
export const besideHosts = "10.219.83.1";

/** Makes it in a folder; the paths of its key and of itself. */
export async function ownCertificate(
  folder: string,
  address: string,
): Promise<{ key: string; cert: string }> {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  // pgBackRest looks for an address among the names, and Python for what the key may be used for.
  const names = `subjectAltName=IP:${address},DNS:${address},IP:127.0.0.1`;
  const uses = "keyUsage=critical,digitalSignature,keyCertSign";
  await promisify(execFile)("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"],
    ...["-subj", `/CN=${address}`, "-addext", names, "-addext", uses, "-keyout", key, "-out", cert],
  ]);
  return { key, cert };
}
