"""Looks at the host, and tells what is new."""

import dataclasses
import hashlib
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from host_status.finding import Finding
from host_status.gather import gather, parts
from host_status.judge import is_slow, judge
from host_status.limits import HOUR
from host_status.reading import Host, Unknown
from notices.logins import read, worth_telling_of_logins
from notices.memory import Memory
from notices.message import Message, message_of, message_of_logins
from notices.news import compare, differs, worth_telling
from notices.outbox import Outcome, Send, deliver, put
from notices.plan import Plan
from notices.queues import PART, Queue, judge_queues

# What is there only for a moment is no news: a service that is being restarted. In seconds.
SETTLE = 20
# Facts that take a while to find out and seldom change; and when those are asked for again that were not found out.
SELDOM, EVERY, RETRY = ("upgrades",), 6 * HOUR, HOUR / 2
# In how many looks a part that does not answer in time is news.
SLOW = 5

Facts = Mapping[str, Any]
Ask = Callable[[tuple[str, ...]], Facts]


def facts_of(plan: Plan) -> Ask:
    """All facts of this host but for some."""

    def ask(without: tuple[str, ...]) -> Facts:
        asked = parts(Host(), plan.told)
        return gather({name: one for name, one in asked.items() if name not in without})

    return ask


class Watch:
    """:param run: runs a command, and tells what it prints
    :param queues: tells which queues have tasks that wait
    """

    def __init__(
        self,
        plan: Plan,
        targets: Mapping[str, str],
        send: Send,
        ask: Ask,
        run: Callable[[Sequence[str]], str],
        queues: Callable[[], Sequence[Queue]] = tuple,
    ) -> None:
        self._queues = queues
        self._plan, self._targets, self._send, self._ask, self._run = plan, targets, send, ask, run

    def look(
        self,
        memory: Memory,
        now: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
    ) -> Memory:
        """Looks, and puts what is new among what waits to be sent."""
        memory, facts = self._first(memory, now())
        memory, waiting, unread = self._waiting(memory, now())
        looks = [{**self._found(facts, memory, now()), **waiting}]
        unknown = {*facts["unknown"], *unread}
        if differs(memory.opened, looks[0], unknown):
            pause(SETTLE)
            facts = self._with_seldom(self._ask(SELDOM), memory)
            looks.append({**self._found(facts, memory, now()), **waiting})
            unknown |= set(facts["unknown"])
        opened, news = compare(memory.opened, looks, unknown, now())
        message = message_of(news, self._plan.label, self._plan.told, now()) if news else None
        boxes = put(memory.boxes, self._targets, message, now())
        return self._with_logins(dataclasses.replace(memory, opened=opened, boxes=boxes, looked=now()), now())

    def _waiting(self, memory: Memory, now: float) -> tuple[Memory, dict[str, Finding], list[str]]:
        """What has waited for too long in a queue, and what could not be read."""
        try:
            queues = self._queues()
        except Unknown as fault:
            # That Redis does not answer is told as such. What was seen holds until it does.
            print(f"queues could not be read: {fault}", file=sys.stderr)
            return memory, {}, [PART]
        found, seen = judge_queues(queues, memory.queues, self._plan.told, now, self._plan.queue)
        return dataclasses.replace(memory, queues=seen), worth_telling(found, self._plan.ignore), []

    def _with_logins(self, memory: Memory, now: float) -> Memory:
        """With a message about who has logged in."""
        if not self._plan.logins:
            return dataclasses.replace(memory, cursor="", logins={})
        try:
            cursor, found = read(self._run, memory.cursor, now)
        except Unknown as fault:
            # The next look goes on from there.
            print(f"logins could not be read: {fault}", file=sys.stderr)
            return memory
        news, told = worth_telling_of_logins(found, self._plan.logins, memory.logins, now)
        boxes = memory.boxes
        if news:
            boxes = put(boxes, self._targets, message_of_logins(news, self._plan.label, self._plan.told, now), now)
        return dataclasses.replace(memory, boxes=boxes, cursor=cursor, logins=told)

    def deliver(self, memory: Memory, now: float) -> Memory:
        """Sends what waits, where it is due."""
        boxes = deliver(memory.boxes, self._send, now)
        took = [name for name, box in memory.boxes.items() if box.messages and not boxes[name].messages]
        sent = {name: Outcome(1, None) for name in took}
        return self._tried(dataclasses.replace(memory, boxes=boxes), sent)

    def _first(self, memory: Memory, now: float) -> tuple[Memory, Facts]:
        wait = RETRY if memory.missing else EVERY
        if 0 <= now - memory.asked <= wait:
            facts = self._with_seldom(self._ask(SELDOM), memory)
        else:
            facts = self._ask(())
            seldom = {name: facts[name] for name in SELDOM}
            missing = {name: why for name, why in facts["unknown"].items() if name in SELDOM}
            memory = dataclasses.replace(memory, seldom=seldom, missing=missing, asked=now)
        late = [part for part, why in facts["unknown"].items() if is_slow(why)]
        return dataclasses.replace(memory, slow={part: memory.slow.get(part, 0) + 1 for part in late}), facts

    def _with_seldom(self, facts: Facts, memory: Memory) -> Facts:
        unknown = {**facts["unknown"], **memory.missing}
        return {**facts, **{name: memory.seldom.get(name) for name in SELDOM}, "unknown": unknown}

    def _found(self, facts: Facts, memory: Memory, now: float) -> dict[str, Finding]:
        slow = [part for part, count in memory.slow.items() if count >= SLOW]
        return worth_telling(judge(facts, self._plan.told, now), self._plan.ignore, slow)

    def greet(self, memory: Memory, now: float) -> tuple[Memory, Mapping[str, Outcome]]:
        """Sends a first message to each target that has had none; and what came of it."""
        hashes = {name: hashlib.sha256(url.encode()).hexdigest() for name, url in self._targets.items()}
        new = [name for name in self._targets if memory.greeted.get(name) != hashes[name]]
        words = "From now on you are told here what needs attention, once when it begins and once when it is over."
        outcomes = self._try_out(new, f"{self._plan.label}: watched", words, now)
        greeted = {name: one for name, one in hashes.items() if name not in outcomes or outcomes[name].why is None}
        return self._tried(dataclasses.replace(memory, greeted=greeted), outcomes), outcomes

    def test(self, memory: Memory, now: float) -> tuple[Memory, Mapping[str, Outcome]]:
        """Sends every target a message that is not tried again; and what came of it."""
        outcomes = self._try_out([*self._targets], f"{self._plan.label}: a test", "This message was asked for.", now)
        return self._tried(memory, outcomes), outcomes

    def _try_out(self, names: list[str], title: str, words: str, now: float) -> Mapping[str, Outcome]:
        body = f"{words}\n\nAll that is known: {self._plan.told.typed('status')}"
        return self._send({name: [Message(title, body, "info", now)] for name in names}) if names else {}

    def _tried(self, memory: Memory, outcomes: Mapping[str, Outcome]) -> Memory:
        """Remembers which targets took nothing."""
        left = {name: why for name, why in memory.refused.items() if name in self._targets and name not in outcomes}
        refused = {name: one.why for name, one in outcomes.items() if one.why is not None}
        return dataclasses.replace(memory, refused={**left, **refused})
