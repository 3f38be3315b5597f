"""Runs a moto server on a free port of the loopback interface and prints that port. It ends when its standard input
does, so that it never outlives the process that started it, however that one ended.

moto knows no service as a role's principal. The simulated EC2 takes on the roles of its instances with the admin's key,
so where a role trusts EC2, that key may. Nor does it know signed URLs or visitors without a key once IAM is enforced: signed URLs are checked here,
as S3 does (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html), and a visitor may what a bucket's policy
allows everyone, as long as the bucket does not block public access."""

import json
import logging
import sys
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from moto.iam.access_control import IAMRequestBase, PermissionResult, S3IAMRequest
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from moto.s3.models import s3_backends

of_people = IAMRequestBase._check_role_trust_relationship


def trusts(request, role_arn):
    statements = json.loads(request.backend.get_role_by_arn(role_arn).assume_role_policy_document)["Statement"]
    principals = [one.get("Principal") for one in ([statements] if isinstance(statements, dict) else statements)]
    services = [one.get("Service", []) for one in principals if isinstance(one, dict) and "AWS" not in one]
    if not services:
        return of_people(request, role_arn)
    return request._access_key.arn.endswith(":user/admin") and any("ec2.amazonaws.com" in one for one in services)


begun = IAMRequestBase.__init__


def named_as_in_policies(request, *args, **values):
    begun(request, *args, **values)
    # What is signed for "monitoring" is CloudWatch's.
    request._action = request._action.replace("monitoring:", "cloudwatch:")


IAMRequestBase.__init__ = named_as_in_policies
with_header = S3IAMRequest.__init__
signature_of_header = S3IAMRequest.check_signature
permissions_of_key = S3IAMRequest.check_action_permitted


def begin(request, account_id, method, path, data, body, headers, action):
    signed = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
    request.signed_url = signed if "X-Amz-Signature" in signed and "Authorization" not in headers else None
    if request.signed_url:
        parts = ("Credential", "SignedHeaders", "Signature")
        said = ", ".join(f"{part}={signed['X-Amz-' + part]}" for part in parts)
        headers = {**dict(headers), "Authorization": f"AWS4-HMAC-SHA256 {said}"}
        if "X-Amz-Security-Token" in signed:
            headers["X-Amz-Security-Token"] = signed["X-Amz-Security-Token"]
    request.visitor = not request.signed_url and "Authorization" not in headers
    if request.visitor:
        request.account_id, request._data = account_id, data
        request._action = f"s3:{action[0] if isinstance(action, list) else action}"
        return
    with_header(request, account_id, method, path, data, body, headers, action)


def check_action_permitted(request, resource):
    if not request.visitor:
        return permissions_of_key(request, resource)
    bucket = s3_backends[request.account_id]["aws"].buckets.get(resource.split(":::")[1].split("/")[0])
    blocked = bucket and bucket.public_access_block and bucket.public_access_block.restrict_public_buckets
    if not bucket or blocked or bucket.get_permission(request._action, resource) != PermissionResult.PERMITTED:
        request._raise_access_denied()


def check_signature(request):
    signed = request.signed_url
    if request.visitor:
        return None
    if not signed:
        return signature_of_header(request)
    made = datetime.strptime(signed["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    if datetime.now(timezone.utc) > made + timedelta(seconds=int(signed["X-Amz-Expires"])):
        request._raise_access_denied()
    path, _, query = request._path.partition("?")
    rest = "&".join(one for one in query.split("&") if not one.startswith("X-Amz-Signature="))
    names = signed["X-Amz-SignedHeaders"].split(";")
    headers = {name: value for name, value in request._headers.items() if name.lower() in names}
    asked = AWSRequest(method=request._method, url=f"{path}?{rest}", headers=headers)
    asked.context["timestamp"] = signed["X-Amz-Date"]
    auth = S3SigV4QueryAuth(request._access_key.create_credentials(), request._service, request._region)
    expected = auth.signature(auth.string_to_sign(asked, auth.canonical_request(asked)), asked)
    if expected != signed["X-Amz-Signature"]:
        request._raise_signature_does_not_match()


S3IAMRequest.__init__ = begin
S3IAMRequest.check_signature = check_signature
S3IAMRequest.check_action_permitted = check_action_permitted
IAMRequestBase._check_role_trust_relationship = trusts
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
