"""Sends messages to targets by Apprise. It stands alone: an account of its own runs it, see post.py.

Standard input has the messages by the names of their targets, and the credential 'targets' the URL of each. With every
message a line tells what has come of its target's. Nothing of a URL is printed, for all of it may be secret.
"""

import concurrent.futures
import json
import logging
import os
import re
import sys
import threading
from pathlib import Path
from typing import Any

import apprise
import requests

# For all targets, in seconds; one that takes longer keeps nobody waiting.
PATIENCE = 45


class Reasons(logging.Handler):
    """The last words of Apprise about what went wrong, of this thread."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last: dict[int | None, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        self.last[record.thread] = record.getMessage()


REASONS = Reasons()
PRINTING = threading.Lock()


def tell(name: str, sent: int, why: str | None, *, known: bool = True) -> None:
    with PRINTING:
        print(json.dumps({"name": name, "sent": sent, "why": why, "known": known}), flush=True)


def reason() -> str:
    """Why a target took nothing, without what may be secret."""
    said = REASONS.last.get(threading.get_ident(), "")
    status = re.search(r"\berror=(\d{3})\b", said)
    if status:
        return f"it answered {status[1]}"
    if re.search(r"connection|socket|timed? ?out|unreachable|resolve", said, re.IGNORECASE):
        return "it could not be reached"
    return "it did not take the message"


def send(name: str, url: str, messages: list[dict[str, Any]]) -> None:
    asset = apprise.AppriseAsset(app_id="Berth", app_desc="Berth", app_url="", async_mode=False)
    target = apprise.Apprise(asset=asset)
    if not target.add(url):
        tell(name, 0, "Apprise does not know such an address", known=False)
        return
    for count, one in enumerate(messages):
        if not target.notify(title=one["title"], body=one["body"], notify_type=one["kind"], body_format="text"):
            tell(name, count, reason())
            return
        tell(name, count + 1, None if count + 1 == len(messages) else "it took too long")


def main() -> None:
    logging.getLogger("apprise").addHandler(REASONS)
    # A target does not lead the host to other places, its own network among them.
    requests.models.REDIRECT_STATI = ()
    late = threading.Timer(PATIENCE, lambda: os._exit(0))
    late.daemon = True
    late.start()
    messages = json.load(sys.stdin)
    urls = json.loads((Path(os.environ["CREDENTIALS_DIRECTORY"]) / "targets").read_text())
    with concurrent.futures.ThreadPoolExecutor(len(messages) or 1) as pool:
        for name, some in messages.items():
            pool.submit(send, name, urls[name], some)


if __name__ == "__main__":
    main()
