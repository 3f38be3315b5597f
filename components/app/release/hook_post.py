"""Posts a line of JSON, which comes by standard input, to a hook's URL, which comes as a credential (systemd.exec(5)).

It runs as an account that can do nothing else. What it says of a failure does not name the URL.
"""

import http.client
import os
import socket
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

# In seconds: how long an answer may take, and what lies between tries.
_PATIENCE = 10
_PAUSES = (5, 20, 60)
# What may be otherwise a moment later; other errors of a client are the stack's own.
_AGAIN = (408, 425, 429)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The record goes where the stack says, and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


def send(url: str, data: bytes) -> tuple[str, bool]:
    """Why it has not arrived, nothing where it has; and whether another try may help."""
    headers = {"Content-Type": "application/json", "User-Agent": "Berth"}
    request = urllib.request.Request(url, data, headers, method="POST")  # noqa: S310  # The schema allows no other.
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=_PATIENCE):
            return "", False
    except urllib.error.HTTPError as answer:
        return f"it answered {answer.code}", answer.code >= 500 or answer.code in _AGAIN
    except urllib.error.URLError as error:
        return _in_words(error.reason), True
    except ValueError:
        return "its URL has a name or a sign that no request can have", False
    except (OSError, http.client.HTTPException) as error:
        return _in_words(error), True


def deliver(once: Callable[[], tuple[str, bool]], pause: Callable[[float], None] = time.sleep) -> str:
    """Tries a few times; why it has not arrived in the end."""
    why, again = once()
    for seconds in _PAUSES:
        if not again:
            break
        pause(seconds)
        why, again = once()
    return why


def _in_words(error: object) -> str:
    """The system's own words name the host, which may be part of the secret."""
    if isinstance(error, TimeoutError):
        return f"it did not answer in {_PATIENCE} s"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "its certificate is not valid"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    if isinstance(error, ConnectionRefusedError):
        return "it refused the connection"
    return f"the connection failed ({type(error).__name__})"


def main() -> int:
    url = Path(os.environ["CREDENTIALS_DIRECTORY"], "hook").read_text().strip()
    line = sys.stdin.buffer.readline()
    why = deliver(lambda: send(url, line))
    if why:
        print(f"berth: {why}")
    return 1 if why else 0


if __name__ == "__main__":
    sys.exit(main())
