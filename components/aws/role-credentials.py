#!/usr/bin/python3 -I
"""Berth: keeps the credentials of this instance's role in a file for an application that may not ask for them itself.

    role-credentials FILE GROUP

Asks the instance metadata service (version 2) as root, and writes what botocore and the other AWS SDKs take from a
credential_process: https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html"""

import grp
import json
import os
import sys
import tempfile
import urllib.error
import urllib.request
from datetime import datetime, timezone

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


def credentials():
    token = ask("api/token")
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
        fresh = credentials()
        expires = datetime.fromisoformat(fresh["Expiration"].replace("Z", "+00:00"))
        if expires <= datetime.now(timezone.utc):
            raise Fault(f"the credentials that AWS gives expired at {fresh['Expiration']}. Is this host's clock right?")
        write(path, json.dumps(fresh) + "\n", group)
    except Fault as fault:
        # <3>: an error, for the journal (sd-daemon(3)).
        sys.exit(f"<3>berth: {fault}")


main(*sys.argv[1:])
