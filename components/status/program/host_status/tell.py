"""Prints what the host is, and what of it needs attention, as one JSON object."""

import dataclasses
import json
import os
import signal
import sys
import time

from host_status.gather import ALTOGETHER, gather, parts
from host_status.judge import judge
from host_status.mark import marked
from host_status.reading import PATIENCE, Host
from host_status.told import Told


def tell(text: str) -> None:
    # Nobody waits for longer.
    signal.alarm(ALTOGETHER + 2 * PATIENCE)
    told = Told.read(text)
    facts = gather(parts(Host(), told))
    now = time.time()
    findings = [dataclasses.asdict(one) for one in judge(facts, told, now)]
    sys.stdout.write(json.dumps({**marked(facts, now), "findings": findings}) + "\n")
    sys.stdout.flush()
    # What has not answered is not waited for.
    os._exit(0)
