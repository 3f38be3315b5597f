// Certificates for tests, made by OpenSSL as an authority makes them: a root, one that it has signed, and the site's.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Made {
  /** The root that signs all, in PEM; who trusts it trusts the site. */
  readonly root: string;
  /** The one that the root has signed, and that signs the site's. */
  readonly middle: string;
  /** The site's own. */
  readonly site: string;
  readonly key: string;
}

/** A certificate for these names that is valid from now on for thirty days. */
export function makeCertificate(...names: readonly string[]): Made {
  const folder = mkdtempSync(join(tmpdir(), "berth-certificate-"));
  const file = (name: string) => join(folder, name);
  const openssl = (...args: readonly string[]) =>
    execFileSync("openssl", args, { stdio: ["ignore", "pipe", "pipe"] });
  const signed = (name: string, by: string, extensions: string) => {
    const request = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    const [csr, key, pem] = ["csr", "key", "pem"].map((end) => file(`${name}.${end}`)) as [
      string,
      string,
      string,
    ];
    writeFileSync(file("extensions"), extensions);
    openssl("req", "-new", ...request, "-subj", `/CN=${name} of the test`, "-keyout", key, "-out", csr);
    const signer = by === name ? ["-signkey", key] : ["-CA", file(`${by}.pem`), "-CAkey", file(`${by}.key`)];
    const rest = [
      "-set_serial",
      `${Date.now()}${Math.floor(Math.random() * 1e6)}`,
      "-days",
      "30",
      "-out",
      pem,
    ];
    openssl("x509", "-req", "-in", csr, ...signer, "-extfile", file("extensions"), ...rest);
    return readFileSync(pem, "utf8");
  };
  const ca =
    "basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n";
  try {
    const [root, middle] = [signed("root", "root", ca), signed("middle", "root", ca)];
    const all = names.map((name) => `DNS:${name}`).join(",");
    const site = signed("site", "middle", `basicConstraints=critical,CA:false\nsubjectAltName=${all}\n`);
    return { root, middle, site, key: readFileSync(file("site.key"), "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
