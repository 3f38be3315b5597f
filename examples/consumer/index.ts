// What another team makes of a site that Berth deployed: a monitor, a DNS record, and access to its database.
import { isIP } from "node:net";
import { Command } from "@pulumi/command/local/index.js";
import * as pulumi from "@pulumi/pulumi";
import { BerthStack } from "berth-outputs";

const config = new pulumi.Config();
const folder = config.require("folder");
const shop = new BerthStack(config.require("stack"));

/** A file in the folder, which only this user can read. */
function privateFile(name: string, text: pulumi.Input<string>): void {
  new Command(name, {
    create: 'umask 077 && mkdir -p "$FOLDER" && cat > "$FOLDER/$NAME"',
    delete: 'rm -f "$FOLDER/$NAME"',
    environment: { FOLDER: folder, NAME: name },
    stdin: text,
  });
}

// A target for Prometheus's blackbox exporter, which asks the site every minute.
const targets = pulumi
  .all([shop.url, shop.release])
  .apply(([url, release]) => [{ targets: [url], labels: { site: "shop", release } }]);
privateFile("shop.json", pulumi.jsonStringify(targets));

// The database's URL is secret, so the state has it encrypted, and no preview shows it.
privateFile("reports.env", pulumi.interpolate`DATABASE_URL=${shop.require("databaseUrl")}\n`);

/** For a zone of this team: `new aws.route53.Record("shop", { zoneId, name: "shop.example.org", ttl: 300, ...record })`. */
export const record = shop.hostAddress.apply((address) => ({
  type: { 4: "A", 6: "AAAA" }[isIP(address)] ?? "CNAME",
  records: [address],
}));

/** For a known_hosts file. */
export const knownHosts = pulumi.interpolate`${shop.hostAddress} ${shop.hostKey}`;

/** The caches that a site may have. Secret, as the URL in it is. */
export const caches = shop.redisUrl.apply((url) => (url === undefined ? [] : [url]));
