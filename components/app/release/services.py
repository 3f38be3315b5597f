"""Whether a release failed by itself, or because a service that it needs is away: each is asked."""

import struct
import urllib.parse
from collections.abc import Mapping

from .settings import Settings
from .world import World

# The usual ports of what settings name by a URL.
_PORTS = {
    "postgres": 5432,
    "postgresql": 5432,
    "postgis": 5432,
    "mysql": 3306,
    "redis": 6379,
    "rediss": 6379,
    "valkey": 6379,
    "amqp": 5672,
    "amqps": 5671,
    "mongodb": 27017,
    "memcached": 11211,
}
POSTGRES = ("postgres", "postgresql", "postgis")
_REDIS = ("redis", "rediss", "valkey")
# Class 53 is a lack of something, 57 an intervention, 58 an error of the system: https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRES_AWAY = (b"53", b"57", b"58", b"XX")
_REDIS_AWAY = (b"-LOADING", b"-BUSY", b"-MISCONF", b"-MASTERDOWN", b"-OOM", b"-CLUSTERDOWN")


def away(world: World, settings: Settings) -> list[str]:
    """What the application needs and does not answer, each with what was found."""
    found: list[str] = []
    for name, value in settings.values.items():
        url = _url(value)
        if url is None or url.hostname is None:
            continue
        fault = _fault(world, url)
        if fault:
            found.append(f"{name} names {_told(url)}, which {fault}")
    fault = _bucket(world, settings.values)
    return [*found, fault] if fault else found


def _url(value: str) -> urllib.parse.SplitResult | None:
    try:
        url = urllib.parse.urlsplit(value)
        # 'postgresql+psycopg', as SQLAlchemy has it.
        return url if url.scheme.split("+")[0] in _PORTS and url.port != 0 else None
    except ValueError:
        return None


def _told(url: urllib.parse.SplitResult) -> str:
    return f"{url.scheme}://{url.hostname}:{url.port or _PORTS[url.scheme.split('+')[0]]}"


def _fault(world: World, url: urllib.parse.SplitResult) -> str:
    scheme, host = url.scheme.split("+")[0], url.hostname or ""
    port = url.port or _PORTS[scheme]
    try:
        if scheme in POSTGRES:
            return _of_postgres(world.exchange(host, port, False, _startup(url)))
        if scheme in _REDIS:
            return _of_redis(world.exchange(host, port, scheme == "rediss", _greeting(url)))
        world.exchange(host, port, scheme == "amqps", b"\r\n")
    except TimeoutError:
        # It was reached; what it says to such words is its own affair.
        return "does not answer in time" if scheme in (*POSTGRES, *_REDIS) else ""
    except OSError as error:
        return f"cannot be reached: {error.strerror or error}"
    return ""


def _startup(url: urllib.parse.SplitResult) -> bytes:
    """https://www.postgresql.org/docs/current/protocol-message-formats.html: StartupMessage, without a password."""
    user = urllib.parse.unquote(url.username or "postgres")
    database = urllib.parse.unquote(url.path.removeprefix("/")) or user
    words = b"".join(word.encode() + b"\0" for word in ("user", user, "database", database)) + b"\0"
    return struct.pack("!ii", len(words) + 8, 196608) + words


def _of_postgres(answer: bytes) -> str:
    if not answer:
        return "closes the connection"
    if answer[:1] != b"E":
        return ""
    fields = {part[:1]: part[1:] for part in answer[5:].split(b"\0")}
    if fields.get(b"C", b"").startswith(_POSTGRES_AWAY):
        return f"answers: {fields.get(b'M', b'').decode(errors='replace')}"
    return ""


def _greeting(url: urllib.parse.SplitResult) -> bytes:
    words = [b"PING"]
    if url.password:
        user, password = (urllib.parse.unquote(one or "").encode() for one in (url.username, url.password))
        login = [b"AUTH", *([user] if user else []), password]
        return _as_redis(login) + _as_redis(words)
    return _as_redis(words)


def _as_redis(words: list[bytes]) -> bytes:
    """https://redis.io/docs/latest/develop/reference/protocol-spec/"""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def _of_redis(answer: bytes) -> str:
    if not answer:
        return "closes the connection"
    bad = next((line for line in answer.split(b"\r\n") if line.startswith(_REDIS_AWAY)), b"")
    return f"answers: {bad.removeprefix(b'-').decode(errors='replace')}" if bad else ""


def _bucket(world: World, values: Mapping[str, str]) -> str:
    """The bucket for media, where there is one (components/aws)."""
    bucket, region = values.get("BUCKET_NAME", ""), values.get("AWS_DEFAULT_REGION", "")
    if bucket == "":
        return ""
    endpoint = (
        values.get("AWS_ENDPOINT_URL_S3") or values.get("AWS_ENDPOINT_URL") or f"https://s3.{region}.amazonaws.com"
    )
    url = urllib.parse.urlsplit(endpoint)
    host, tls = url.hostname or "", url.scheme == "https"
    port = url.port or (443 if tls else 80)
    request = f"HEAD /{bucket} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    try:
        answer = world.exchange(host, port, tls, request)
    except OSError as error:
        return f"the bucket '{bucket}' at {endpoint} cannot be reached: {error.strerror or error}"
    told = answer.split(b"\r\n", 1)[0].decode(errors="replace")
    # Without credentials it says no; only what it says of itself counts.
    if not told or " 5" in told[8:10]:
        return f"the bucket '{bucket}' at {endpoint} answers: {told or 'nothing'}"
    return ""
