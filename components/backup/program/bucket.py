"""Asks a bucket what pgBackRest and restic do not ask: requests of S3 with Signature Version 4."""

import base64
import configparser
import hashlib
import hmac
import http.client
import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

# In seconds.
_PATIENCE = 20


@dataclass(frozen=True)
class BucketFacts:
    """Where a bucket is asked, as components/backup/place.ts tells it."""

    name: str
    region: str
    # A host, with its port where that is not 443.
    endpoint: str
    # 'path' or 'host': where the bucket's name stands.
    addressing: str
    # What the names of this stack's objects begin with.
    prefix: str
    # A file with the authority of its certificate; None: those that Debian trusts.
    ca: str | None


@dataclass(frozen=True)
class Answer:
    status: int
    version: str | None
    # S3's own word for a failure.
    code: str


class Bucket:
    def __init__(self, facts: BucketFacts, key: tuple[str, str]) -> None:
        self._facts = facts
        self._id, self._secret = key

    def ask(self, method: str, name: str, query: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        """@param name: of an object; empty for the bucket itself"""
        facts, words = self._facts, _encoded(query or {})
        server = f"{facts.name}.{facts.endpoint}" if facts.addressing == "host" else facts.endpoint
        path = quote(f"/{name}" if facts.addressing == "host" else f"/{facts.name}/{name}", safe="/-_.~")
        headers = {
            "content-md5": base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode(),
            "host": server,
            "x-amz-content-sha256": hashlib.sha256(body).hexdigest(),
            "x-amz-date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
        }
        headers["authorization"] = self._signed(method, path, words, headers)
        context = ssl.create_default_context(cafile=facts.ca)
        connection = http.client.HTTPSConnection(server, timeout=_PATIENCE, context=context)
        try:
            connection.request(method, f"{path}?{words}" if words else path, body, headers)
            answer = connection.getresponse()
            said = answer.read(65536).decode(errors="replace")
            found = re.search(r"<Code>(\w+)</Code>", said)
            return Answer(answer.status, answer.headers.get("x-amz-version-id"), found[1] if found else "")
        finally:
            connection.close()

    def _signed(self, method: str, path: str, words: str, headers: Mapping[str, str]) -> str:
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html"""
        names = ";".join(sorted(headers))
        lines = [f"{name}:{headers[name]}" for name in sorted(headers)]
        request = "\n".join([method, path, words, *lines, "", names, headers["x-amz-content-sha256"]])
        moment = headers["x-amz-date"]
        scope = f"{moment[:8]}/{self._facts.region}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(request.encode()).hexdigest()])
        key = f"AWS4{self._secret}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        return f"AWS4-HMAC-SHA256 Credential={self._id}/{scope}, SignedHeaders={names}, Signature={signature}"


def _encoded(query: Mapping[str, str]) -> str:
    return "&".join(f"{quote(name, safe='-_.~')}={quote(query[name], safe='-_.~')}" for name in sorted(query))


def read_key(path: Path) -> tuple[str, str]:
    """The key in a file as Amazon's own programs read it."""
    file = configparser.RawConfigParser()
    file.read_string(path.read_text())
    return file["default"]["aws_access_key_id"], file["default"]["aws_secret_access_key"]
