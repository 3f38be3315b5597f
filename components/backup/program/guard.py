"""Whether this host's own key could destroy the past: what an intruder on the host could do with it.

It is tried, and harms nothing: an object of this program's own is what the key tries to destroy, and versioning, where
it is on, is what it tries to turn on.
"""

import dataclasses
import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bucket import Answer, Bucket, read_key
from commands import last_line
from plan import Plan
from words import printable

# Next to the backups, in neither tool's folder.
_NAME = "berth-key-test"
_ENABLED = (
    '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status>'
    "</VersioningConfiguration>"
)
_REFUSED = 403


@dataclass(frozen=True)
class Guard:
    # Seconds since 1970: when it was tried.
    at: float
    # Whether the bucket keeps what is overwritten or deleted.
    versions: bool = False
    # What the key may destroy it by, in the words of Amazon's policies.
    rights: tuple[str, ...] = ()
    # Why it is not known; None where it is.
    why: str | None = None


class _Asked(Protocol):
    def ask(self, method: str, name: str, query: Mapping[str, str] | None = None, body: bytes = b"") -> Answer: ...


class _Unknown(Exception):
    """The bucket answered something else than it should."""


def try_key(bucket: _Asked, prefix: str) -> tuple[bool, tuple[str, ...]]:
    """Whether the bucket keeps versions, and by which rights this key could destroy them."""
    name = f"{prefix}/{_NAME}"
    written = bucket.ask("PUT", name, body=b"Berth tries whether this host's key could delete it for good.\n")
    if written.status != 200:
        raise _unknown("writing an object", written)
    if written.version is None or written.version == "null":
        bucket.ask("DELETE", name)
        return False, ()
    rights = []
    deleted = bucket.ask("DELETE", name, {"versionId": written.version})
    if deleted.status in (200, 204):
        rights.append("s3:DeleteObjectVersion")
    elif deleted.status != _REFUSED:
        raise _unknown("deleting a version", deleted)
    else:
        bucket.ask("DELETE", name)
    # Whoever may turn it on may turn it off. A service that does not know the request refuses it as well.
    if bucket.ask("PUT", "", {"versioning": ""}, _ENABLED.encode()).status == 200:
        rights.append("s3:PutBucketVersioning")
    return True, tuple(rights)


def _unknown(what: str, answer: Answer) -> _Unknown:
    return _Unknown(f"{what} was answered with {answer.status} {answer.code}".strip())


def warning_of(place: str, guard: Guard) -> str | None:
    """What an intruder on the host could do to its backups, and what to do about it; None where the past is safe."""
    help_ = "See docs/backups.md, 'A key that cannot destroy the past'"
    if guard.why is not None:
        return f"whether the host's key could destroy the backups in {place} is not known: {guard.why}. {help_}"
    able = f"whoever is root on the host can destroy all backups in {place}"
    if not guard.versions:
        return f"{able}: the bucket keeps no versions. Turn versioning on. {help_}"
    return f"{able}: its key has {' and '.join(guard.rights)}. Take that from it. {help_}" if guard.rights else None


def guard_of(plan: Plan) -> dict[str, object] | None:
    """What the record keeps of it; None where the place is a directory. It is no reason for a backup to fail."""
    if plan.bucket is None:
        return None
    now = time.time()
    try:
        versions, rights = try_key(Bucket(plan.bucket, read_key(plan.settings / "s3-key")), plan.bucket.prefix)
        found = Guard(now, versions, rights)
    except (_Unknown, OSError, KeyError, http.client.HTTPException) as fault:
        found = Guard(now, why=printable(last_line(f"{fault}") or type(fault).__name__))
    return {**dataclasses.asdict(found), "warning": warning_of(plan.place, found)}
