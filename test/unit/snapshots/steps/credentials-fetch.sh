set -eu; umask 077
step=$(mktemp /dev/shm/berth-credentials-fetch.XXXXXXXX)
cat >"$step" <<'BERTH_STEP_END'
rm -f "$0"
step='credentials-fetch'
app='shop'
root='/srv/shop'
file='/run/berth-credentials/shop.json'
unit='berth-credentials-shop'
if [ ! -r /var/lib/berth/library/DIGEST.sh ]; then echo 'berth: credentials-fetch: /var/lib/berth/library/DIGEST.sh is gone from this host. Run '\''pulumi up'\'' with --replace for the step that connects, which puts it back.' >&2; exit 1; fi
. /var/lib/berth/library/DIGEST.sh
begin ''

put_file '/usr/local/lib/berth/credentials/__main__.py' 'root:root' '0644' <<'BERTH_FILE_END'
"""Berth: keeps the credentials of this instance's role in a file for an application that may not ask for them itself.

    credentials FILE GROUP

Asks the instance metadata service as root, and writes what botocore and the other AWS SDKs take from a
credential_process: https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html"""

import grp
import json
import os
import sys
import tempfile
from datetime import datetime, timezone

from instance import Fault, credentials, end, session


def write(path, text, group):
    """In one rename, so that a reader finds the old ones or the new, and never a part."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".new-")
    try:
        with os.fdopen(handle, "w") as file:
            os.fchown(handle, -1, grp.getgrnam(group).gr_gid)
            os.fchmod(handle, 0o640)
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def main(path, group):
    try:
        fresh = credentials(session())
        expires = datetime.fromisoformat(fresh["Expiration"].replace("Z", "+00:00"))
        if expires <= datetime.now(timezone.utc):
            raise Fault(f"the credentials that AWS gives expired at {fresh['Expiration']}. Is this host's clock right?")
        write(path, json.dumps(fresh) + "\n", group)
    except Fault as fault:
        end(fault)


main(*sys.argv[1:])
BERTH_FILE_END
put_file '/usr/local/lib/berth/credentials/instance.py' 'root:root' '0644' <<'BERTH_FILE_END'
"""Berth: what the instance metadata service (version 2) tells root on an EC2 instance. Programs on the host share it."""

import json
import os
import sys
import urllib.error
import urllib.request

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html; the variable is the SDKs' own.
service = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254").rstrip("/")
roles = "meta-data/iam/security-credentials/"
# No proxy stands between a machine and its own metadata.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Fault(Exception):
    """What is wrong and what to do, in one line."""


def ask(path, token=None):
    """Without a token, asks for one, which holds for a minute."""
    if token is None:
        request = urllib.request.Request(f"{service}/latest/{path}", method="PUT")
        request.add_header("X-aws-ec2-metadata-token-ttl-seconds", "60")
    else:
        request = urllib.request.Request(f"{service}/latest/{path}")
        request.add_header("X-aws-ec2-metadata-token", token)
    try:
        with opener.open(request, timeout=5) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        if error.code == 404 and path.startswith(roles):
            raise Fault("this instance has no role. Attach its instance profile again.") from None
        raise Fault(f"the metadata service answers {error.code} to {request.get_method()} /latest/{path}.") from None
    except OSError as error:
        raise Fault(f"the metadata service at {service} does not answer: {getattr(error, 'reason', error)}.") from None


def session():
    return ask("api/token")


def credentials(token):
    """Those of the instance's role, under the names that a credential_process has for them."""
    role = ask(roles, token).split()[0]
    try:
        given = json.loads(ask(roles + role, token))
        if given.get("Code", "Success") != "Success":
            raise Fault(f"AWS gives no credentials of the role {role}: {given['Code']}. See its trust policy.")
        return {
            "Version": 1,
            "AccessKeyId": given["AccessKeyId"],
            "SecretAccessKey": given["SecretAccessKey"],
            "SessionToken": given["Token"],
            "Expiration": given["Expiration"],
        }
    except (ValueError, KeyError):
        # The answer itself is not shown: it may hold a secret.
        raise Fault(f"the metadata service's answer for the role {role} cannot be read.") from None


def end(*faults):
    """Ends the program: each fault is a line of the journal's, and an error (sd-daemon(3))."""
    sys.exit("\n".join(f"<3>berth: {fault}" for fault in faults) or None)
BERTH_FILE_END
put_file '/etc/systemd/system/berth-credentials-shop.service' 'root:root' '0644' <<'BERTH_FILE_END'
# Berth: the credentials of this instance's role, for the application shop.
[Unit]
Description=Role credentials of shop
Documentation=https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
Wants=network-online.target
After=network-online.target
Before=shop-web-start.service
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -I /usr/local/lib/berth/credentials /run/berth-credentials/shop.json shop
RuntimeDirectory=berth-credentials
RuntimeDirectoryMode=0755
RuntimeDirectoryPreserve=yes
TimeoutStartSec=60
# Every minute is no news; a fault is.
LogLevelMax=notice

# The sandbox: root, because the metadata service answers nobody else, with the one right that it needs.
NoNewPrivileges=yes
CapabilityBoundingSet=CAP_CHOWN
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_UNIX AF_INET
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service

[Install]
WantedBy=multi-user.target
BERTH_FILE_END
put_file '/etc/systemd/system/berth-credentials-shop.timer' 'root:root' '0644' <<'BERTH_FILE_END'
# Berth: new credentials are there at least five minutes before the old ones expire
# (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html).
[Unit]
Description=Role credentials of shop, every minute

[Timer]
OnCalendar=minutely
AccuracySec=1s
RandomizedDelaySec=20s

[Install]
WantedBy=timers.target
BERTH_FILE_END
put_file '/etc/berth/shop/aws-config' 'root:root' '0644' <<'BERTH_FILE_END'
[default]
region = eu-central-1
credential_process = /usr/bin/cat /run/berth-credentials/shop.json
BERTH_FILE_END
: "${app?the name of the application and of its service account}"
: "${root?the directory of the application}"
: "${file?where the credentials are kept}"
: "${unit?the unit that fetches them, without its ending}"

# The application's own first step makes the same account, where this one comes before it.
put_service_account "$app" "$root"
daemon_reload_if_changed
systemctl is-enabled --quiet "$unit.service" || logged systemctl enable "$unit.service"

fetched() { systemctl start "$unit.service"; }
reason() { journalctl -u "$unit.service" -n 20 -o cat --no-pager | sed -n 's/^berth: //p' | tail -n 1; }
# A role that was attached a moment ago takes a while to arrive.
wait_until 120 fetched || fail "the credentials of the instance's role cannot be fetched: $(reason || true)" "Its log: journalctl -u $unit.service"
on_change restart "$unit.timer" "/etc/systemd/system/$unit.timer"
enabled "$unit.timer"

# Asked as the application asks.
runuser -u "$app" -- python3 -Ic 'import json, sys; sys.exit(json.load(open(sys.argv[1]))["Version"] != 1)' "$file" ||
  fail "the service account '$app' cannot read the credentials in $file."
if runuser -u nobody -- test -r "$file"; then fail "$file can be read by other accounts."; fi

finish
BERTH_STEP_END
[ "$(id -u)" = 0 ] && exec /bin/bash "$step"
exec sudo -n -- /bin/bash "$step"
