"""What the instance metadata service (version 2) tells root on an EC2 instance. Programs on the host share it."""

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
        request = urllib.request.Request(f"{service}/latest/{path}", method="PUT")  # noqa: S310  # The service's own URL.
        request.add_header("X-aws-ec2-metadata-token-ttl-seconds", "60")
    else:
        request = urllib.request.Request(f"{service}/latest/{path}")  # noqa: S310
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
