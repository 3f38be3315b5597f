"""Asks by HTTP on this host: an application at its socket, or the front door."""

import dataclasses
import hashlib
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

# What is kept of an answer.
_MOST = 1 << 20
_COMMON = "User-Agent: berth\r\nAccept: */*\r\nConnection: close\r\n"


@dataclasses.dataclass(frozen=True)
class Answer:
    # 0 where there is none in time.
    status: int
    # Where it leads, for a redirect.
    location: str = ""
    # The first MiB of it, and the SHA-256 checksum of all.
    body: bytes = b""
    sha256: str = ""


def connected(path: str, seconds: float) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(seconds)
    connection.connect(path)
    return connection


def at_front(domain: str, scheme: str, seconds: float) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", 443 if scheme == "https" else 80), timeout=seconds)
    if scheme != "https":
        return connection
    try:
        return wrapped(connection, domain)
    except OSError:
        connection.close()
        raise


def wrapped(connection: socket.socket, name: str) -> socket.socket:
    """Whether it answers is what is asked, and not who it is."""
    # It takes long to load, and most commands never need it.
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(connection, server_hostname=name)


def status(connection: socket.socket, domain: str, path: str, seconds: float, header: str = "") -> int:
    """Reads the whole answer and tells its status; 0 where there is none in time."""
    request = f"GET {path} HTTP/1.1\r\nHost: {domain}\r\n{header}{_COMMON}\r\n"
    found = 0
    begin = b""
    for part in _parts(connection, request, seconds):
        if not found:
            begin = (begin + part)[:64]
            found = _status_of(begin)
    return found


def page(socket_path: Path | None, domain: str, scheme: str, path: str, seconds: float) -> Answer:
    """The answer itself, from a socket or, without one, from the front door."""
    # Of HTTP/1.0, so that it comes in one piece.
    told = f"X-Forwarded-Proto: {scheme}\r\n" if socket_path else ""
    request = f"GET {path} HTTP/1.0\r\nHost: {domain}\r\n{told}{_COMMON}\r\n"
    head, body, digest, is_body = b"", b"", hashlib.sha256(), False
    try:
        with connected(str(socket_path), seconds) if socket_path else at_front(domain, scheme, seconds) as connection:
            for part in _parts(connection, request, seconds):
                text = part
                if not is_body:
                    head, found, text = (head + part).partition(b"\r\n\r\n")
                    is_body = bool(found)
                    if not is_body and len(head) > _MOST:
                        break
                digest.update(text)
                body += text[: _MOST - len(body)]
    except OSError:
        return Answer(0)
    location = re.search(rb"\r\nlocation:[ \t]*([^\r\n]*)", head, re.IGNORECASE)
    leads = location[1].decode(errors="replace") if location else ""
    return Answer(_status_of(head), leads, body, digest.hexdigest())


def _status_of(begin: bytes) -> int:
    words = begin.split(b" ", 2)
    is_status = len(words) == 3 and words[0].startswith(b"HTTP/") and words[1].isdigit()
    return int(words[1]) if is_status else 0


def _parts(connection: socket.socket, request: str, seconds: float) -> Iterator[bytes]:
    """The answer in pieces, as far as it has come by the end of the time."""
    end = time.monotonic() + seconds
    try:
        connection.sendall(request.encode())
        while (left := end - time.monotonic()) > 0:
            connection.settimeout(left)
            part = connection.recv(65536)
            if not part:
                return
            yield part
    except OSError:
        return
