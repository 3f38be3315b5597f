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
