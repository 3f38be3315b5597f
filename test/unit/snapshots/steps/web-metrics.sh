set -eu; umask 077
step=$(mktemp /dev/shm/berth-web-metrics-send.XXXXXXXX)
cat >"$step" <<'BERTH_STEP_END'
rm -f "$0"
step='web-metrics-send'
directories='/ /var/lib/berth/data'
if [ ! -r /var/lib/berth/library/DIGEST.sh ]; then echo 'berth: web-metrics-send: /var/lib/berth/library/DIGEST.sh is gone from this host. Run '\''pulumi up'\'' with --replace for the step that connects, which puts it back.' >&2; exit 1; fi
. /var/lib/berth/library/DIGEST.sh
begin ''

put_file '/usr/local/lib/berth/metrics/__main__.py' 'root:root' '0644' <<'BERTH_FILE_END'
"""Berth: measures this instance's disks and memory once, and sends what it finds to CloudWatch.

    metrics NAMESPACE DIRECTORY…

Each directory is one at which a disk is mounted. The role's credentials come from the instance metadata service; curl
signs with them. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html"""

import json
import os
import re
import subprocess
import sys
from urllib.parse import urlencode

from instance import Fault, ask, credentials, end, session


def disk_used(directory):
    """In percent, as df(1) has it: what is kept for root counts as used."""
    if not os.path.ismount(directory):
        raise Fault(f"no disk is mounted at {directory}. See: systemctl status berth-data.service")
    disk = os.statvfs(directory)
    used = disk.f_blocks - disk.f_bfree
    return 100 * used / (used + disk.f_bavail)


def memory_used():
    """In percent, without the caches that the kernel gives back when it is asked to."""
    with open("/proc/meminfo") as file:
        size = {name: int(rest.split()[0]) for name, rest in (line.split(":") for line in file)}
    return 100 * (1 - size["MemAvailable"] / size["MemTotal"])


def measured(directories, instance):
    """What could be measured, and the faults of the rest: a lost disk must not hide that memory is short."""
    found, faults = [], []
    for directory in directories:
        try:
            found.append(("DiskUsed", {"InstanceId": instance, "Directory": directory}, disk_used(directory)))
        except Fault as fault:
            faults.append(fault)
    found.append(("MemoryUsed", {"InstanceId": instance}, memory_used()))
    return found, faults


def request(namespace, measures):
    fields = {"Action": "PutMetricData", "Version": "2010-08-01", "Namespace": namespace}
    for number, (name, dimensions, value) in enumerate(measures, 1):
        datum = f"MetricData.member.{number}"
        fields |= {f"{datum}.MetricName": name, f"{datum}.Unit": "Percent", f"{datum}.Value": f"{value:.2f}"}
        for place, (dimension, what) in enumerate(dimensions.items(), 1):
            fields |= {
                f"{datum}.Dimensions.member.{place}.Name": dimension,
                f"{datum}.Dimensions.member.{place}.Value": what,
            }
    return urlencode(fields)


def send(region, key, body):
    # The variable is the SDKs' own, for a network in which CloudWatch is reached by another name.
    suffix = ".cn" if region.startswith("cn-") else ""
    place = os.environ.get("AWS_ENDPOINT_URL_CLOUDWATCH") or f"https://monitoring.{region}.amazonaws.com{suffix}"
    settings = {
        "url": place,
        "data": body,
        "user": f"{key['AccessKeyId']}:{key['SecretAccessKey']}",
        "aws-sigv4": f"aws:amz:{region}:monitoring",
        "header": f"X-Amz-Security-Token: {key['SessionToken']}",
    }
    # By standard input: every account of this host can read a command's arguments. A text of JSON is one of curl's.
    config = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    curl = ["curl", "-q", "-sS", "-m", "20", "-K", "-", "-w", "\n%{http_code}"]
    ran = subprocess.run(curl, input=config, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise Fault(f"CloudWatch at {place} cannot be reached: {ran.stderr.strip()}.")
    answer, _, status = ran.stdout.rpartition("\n")
    if status != "200":
        said = [re.search(f"<{part}>([^<]*)", answer) for part in ("Code", "Message")]
        reason = ": ".join(one[1] for one in said if one) or f"HTTP status {status}"
        raise Fault(f"CloudWatch at {place} does not take what was measured: {reason}.")


def main(namespace, *directories):
    try:
        token = session()
        measures, faults = measured(directories, ask("meta-data/instance-id", token))
        send(ask("meta-data/placement/region", token), credentials(token), request(namespace, measures))
    except Fault as fault:
        end(fault)
    end(*faults)


main(*sys.argv[1:])
BERTH_FILE_END
put_file '/usr/local/lib/berth/metrics/instance.py' 'root:root' '0644' <<'BERTH_FILE_END'
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
put_file '/etc/systemd/system/berth-metrics.service' 'root:root' '0644' <<'BERTH_FILE_END'
# Berth: how full this host's disks and its memory are, told to CloudWatch.
[Unit]
Description=Disks and memory, for CloudWatch
Documentation=https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/publishingMetrics.html
Wants=network-online.target
After=network-online.target berth-data.service
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -I /usr/local/lib/berth/metrics Berth/shop-prod / /var/lib/berth/data
TimeoutStartSec=50
# Every minute is no news; a fault is.
LogLevelMax=notice

# The sandbox: root, because the metadata service answers nobody else, without any of its rights.
NoNewPrivileges=yes
CapabilityBoundingSet=
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
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
BERTH_FILE_END
put_file '/etc/systemd/system/berth-metrics.timer' 'root:root' '0644' <<'BERTH_FILE_END'
[Unit]
Description=Disks and memory, for CloudWatch, every minute

[Timer]
OnCalendar=minutely
AccuracySec=1s
RandomizedDelaySec=20s
FixedRandomDelay=yes

[Install]
WantedBy=timers.target
BERTH_FILE_END
: "${directories?the directories at which the disks are mounted, separated by spaces}"

# The whole program, to its end, before a timer repeats it.
daemon_reload_if_changed
sent() { systemctl start berth-metrics.service; }
reason() { journalctl -u berth-metrics.service -n 20 -o cat --no-pager | sed -n 's/^berth: //p' | tail -n 1; }
# What the role has been allowed a moment ago takes a while to arrive.
wait_until 120 sent ||
  fail "how full $directories and the memory are cannot be told to CloudWatch: $(reason || true)" "Its log: journalctl -u berth-metrics.service"
on_change restart berth-metrics.timer /etc/systemd/system/berth-metrics.timer
enabled berth-metrics.timer

finish
BERTH_STEP_END
[ "$(id -u)" = 0 ] && exec /bin/bash "$step"
exec sudo -n -- /bin/bash "$step"
