"""Tells people what needs attention on this host.

'look' is run by a timer, 'greet' by the step that sets up the targets, 'test' by command; 'refused' tells which targets
took nothing.
"""

import fcntl
import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from host_status.reading import Host, answer_of
from notices.memory import Memory
from notices.outbox import Outcome
from notices.plan import Plan, targets
from notices.post import post
from notices.queues import queues_of
from notices.watch import Watch, facts_of


def main(verb: str) -> int:
    if verb == "refused":
        print(json.dumps(Memory.read().refused))
        return 0
    plan = Plan.read()
    watch = Watch(plan, targets(), post, facts_of(plan), answer_of, lambda: queues_of(Host()))
    # One at a time: a step may come while the timer's is at work.
    with open("/run/berth-notices.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        memory = Memory.read()
        if verb == "greet":
            memory, outcomes = watch.greet(memory, time.time())
            memory.write()
            return refuse_unknown(outcomes)
        if verb == "test":
            memory, outcomes = watch.test(memory, time.time())
            memory.write()
            print(json.dumps({name: one.why for name, one in outcomes.items()}))
            return 0
        try:
            memory = watch.look(memory)
            # News that are sent and then forgotten would be told without end.
            memory.write()
        finally:
            watch.deliver(memory, time.time()).write()
    return 0


def refuse_unknown(outcomes: Mapping[str, Outcome]) -> int:
    """Prints of each target that is none why. One that could not be reached is remembered, and told elsewhere."""
    unknown = {name: one.why for name, one in outcomes.items() if not one.known}
    for name, why in unknown.items():
        print(f"{name}: {why}")
    return 3 if unknown else 0


if __name__ == "__main__":
    status = main(sys.argv[1])
    sys.stdout.flush()
    # What has not answered is not waited for.
    os._exit(status)
