"""What another team makes of a site that Berth deployed: a monitor, a DNS record, and access to its database."""

import ipaddress
import json

import pulumi
from berth_outputs import BerthStack
from pulumi_command.local import Command

config = pulumi.Config()
folder = config.require("folder")
shop = BerthStack(config.require("stack"))


def private_file(name: str, text: pulumi.Input[str]) -> None:
    """A file in the folder, which only this user can read."""
    Command(
        name,
        create='umask 077 && mkdir -p "$FOLDER" && cat > "$FOLDER/$NAME"',
        delete='rm -f "$FOLDER/$NAME"',
        environment={"FOLDER": folder, "NAME": name},
        stdin=text,
    )


def record_of(address: str) -> dict[str, str | list[str]]:
    """The DNS record for a host's address, which may be a domain name."""
    try:
        kind = "A" if ipaddress.ip_address(address).version == 4 else "AAAA"
    except ValueError:
        kind = "CNAME"
    return {"type": kind, "records": [address]}


# A target for Prometheus's blackbox exporter, which asks the site every minute.
targets = pulumi.Output.all(shop.url, shop.release).apply(
    lambda found: [{"targets": [found[0]], "labels": {"site": "shop", "release": found[1]}}]
)
private_file("shop.json", targets.apply(json.dumps))

# The database's URL is secret, so the state has it encrypted, and no preview shows it.
private_file("reports.env", pulumi.Output.concat("DATABASE_URL=", shop.require("database_url"), "\n"))

# For a zone of this team: aws.route53.Record("shop", zone_id=…, name="shop.example.org", ttl=300, **record).
pulumi.export("record", shop.host_address.apply(record_of))

# For a known_hosts file.
pulumi.export("knownHosts", pulumi.Output.concat(shop.host_address, " ", shop.host_key))

# The caches that a site may have. Secret, as the URL in it is.
pulumi.export("caches", shop.redis_url.apply(lambda url: [] if url is None else [url]))
