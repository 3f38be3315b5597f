"""Runs a moto server on a free port of the loopback interface and prints that port. It ends when its standard input
does, so that it never outlives the process that started it, however that one ended.

moto knows no service as a role's principal. The simulated EC2 takes on the roles of its instances with the admin's key,
so where a role trusts EC2, that key may."""

import json
import logging
import sys

from moto.iam.access_control import IAMRequestBase
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

of_people = IAMRequestBase._check_role_trust_relationship


def trusts(request, role_arn):
    statements = json.loads(request.backend.get_role_by_arn(role_arn).assume_role_policy_document)["Statement"]
    principals = [one.get("Principal") for one in ([statements] if isinstance(statements, dict) else statements)]
    services = [one.get("Service", []) for one in principals if isinstance(one, dict) and "AWS" not in one]
    if not services:
        return of_people(request, role_arn)
    return request._access_key.arn.endswith(":user/admin") and any("ec2.amazonaws.com" in one for one in services)


IAMRequestBase._check_role_trust_relationship = trusts
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
