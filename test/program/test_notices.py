"""What is told of a host: once when it begins, once when it is over, and to every target."""

import contextlib
import dataclasses
import io
import json
import tempfile
import unittest
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from host_status.finding import Finding
from host_status.limits import DAY, HOUR
from host_status.reading import Unknown
from host_status.told import Told
from notices.memory import Memory
from notices.message import Message, message_of
from notices.news import News, Open, compare, worth_telling
from notices.outbox import MOST, Outcome, Waiting, deliver, put
from notices.plan import Plan
from notices.post import outcomes_of
from notices.queues import Queue
from notices.watch import EVERY, RETRY, SLOW, Watch
from test_findings import WELL

NOW = 1_800_000_000.0
TOLD = Told("shop", "https", "shop.example.org", "/health", flag=" -s prod")
STOPPED = Finding(
    "fault", "unit", "worker is stopped", "npm run logs -- -s prod worker", "Warm", "worker", "application"
)
FULL = Finding("warning", "disk", "the disk / is 86 % full", None, None, "/", "disks")


def looked(*findings: Finding) -> dict[str, Finding]:
    return worth_telling(findings, ())


class Looks:
    """Looks one after the other, and what was told of each."""

    def __init__(self) -> None:
        self.opened: Mapping[str, Open] = {}

    def look(self, now: float, *findings: Finding, unknown: Sequence[str] = ()) -> list[str]:
        self.opened, news = compare(self.opened, [looked(*findings)], unknown, now)
        return [*(f"+ {one.finding.what}" for one in news.begins), *(f"- {one.finding.what}" for one in news.ends)]


class OfNews(unittest.TestCase):
    def test_it_is_told_once_when_it_begins_and_once_when_it_is_over(self) -> None:
        looks = Looks()
        self.assertEqual(looks.look(NOW, STOPPED), ["+ worker is stopped"])
        self.assertEqual(looks.look(NOW + 60, STOPPED), [])
        self.assertEqual(looks.look(NOW + 120, STOPPED, FULL), ["+ the disk / is 86 % full"])
        self.assertEqual(looks.look(NOW + 180, FULL), ["- worker is stopped"])
        self.assertEqual(looks.look(NOW + 240, FULL), [])

    def test_what_is_there_for_a_moment_is_not_told_nor_is_what_is_away_for_one(self) -> None:
        opened, news = compare({}, [looked(STOPPED), looked()], (), NOW)
        self.assertEqual((opened, news), ({}, News()))
        opened, _ = compare({}, [looked(STOPPED)], (), NOW)
        after, news = compare(opened, [looked(), looked(STOPPED)], (), NOW + 60)
        self.assertEqual((after, news), (opened, News()))

    def test_what_becomes_worse_is_told_again_and_what_becomes_better_is_not(self) -> None:
        looks = Looks()
        looks.look(NOW, FULL)
        worse = dataclasses.replace(FULL, kind="fault", code="disk-full", what="the disk / is 96 % full")
        self.assertEqual(looks.look(NOW + 60, worse), ["+ the disk / is 96 % full"])
        self.assertEqual(looks.look(NOW + 120, FULL), [])
        looping = dataclasses.replace(STOPPED, code="unit-loop", what="worker is restarting in a loop")
        looks.look(NOW + 180, FULL, STOPPED)
        self.assertEqual(looks.look(NOW + 240, FULL, looping), [])

    def test_what_could_not_be_looked_at_is_not_over(self) -> None:
        looks = Looks()
        looks.look(NOW, STOPPED)
        self.assertEqual(looks.look(NOW + 60, unknown=["application"]), [])
        self.assertEqual(looks.look(NOW + 120), ["- worker is stopped"])

    def test_what_comes_and_goes_is_told_four_times_and_then_when_it_has_been_away_for_an_hour(self) -> None:
        looks = Looks()
        told = []
        for step in range(20):
            now = NOW + step * 60
            told.append(looks.look(now, *([STOPPED] if step % 2 == 0 else [])))
        self.assertEqual([bool(one) for one in told], [True] * 7 + [False] * 13)
        self.assertEqual(looks.look(now + HOUR - 1), [])
        self.assertEqual(looks.look(now + HOUR), ["- worker is stopped"])
        self.assertEqual(looks.look(now + HOUR + 60, STOPPED), ["+ worker is stopped"])

    def test_what_came_and_went_as_a_warning_is_told_as_a_fault(self) -> None:
        looks = Looks()
        for step in range(8):
            looks.look(NOW + step * 60, *([FULL] if step % 2 == 0 else []))
        self.assertEqual(looks.look(NOW + 540, FULL), [])
        looks.look(NOW + 600)
        worse = dataclasses.replace(FULL, kind="fault", what="the disk / is 96 % full")
        self.assertEqual(looks.look(NOW + 660, worse), ["+ the disk / is 96 % full"])

    def test_what_was_over_for_an_hour_is_forgotten(self) -> None:
        looks = Looks()
        looks.look(NOW, STOPPED)
        looks.look(NOW + 60)
        looks.look(NOW + 61 + HOUR)
        self.assertEqual(looks.opened, {})

    def test_a_host_that_is_slow_is_not_told_and_codes_can_be_left_out(self) -> None:
        slow = Finding("warning", "unknown", "its load could not be read: it was not answered in 7 s", about="load")
        self.assertEqual(worth_telling([slow, FULL], ["disk"]), {})
        late = Finding("fault", "notices-late", "the host has not looked: it was off")
        self.assertEqual(worth_telling([late], ()), {}, "it looks")
        broken = dataclasses.replace(slow, kind="fault")
        self.assertEqual(list(worth_telling([broken], ())), ["unknown:load"])


class OfMessages(unittest.TestCase):
    def test_one_thing_is_the_title_with_all_of_it_below(self) -> None:
        message = message_of(News((Open(STOPPED, NOW),)), "shop (prod, web)", TOLD, NOW)
        self.assertEqual((message.title, message.kind), ("shop (prod, web): worker is stopped", "failure"))
        self.assertEqual(
            message.body,
            "fault: worker is stopped\n  log: Warm\n  npm run logs -- -s prod worker\n\n"
            "All that is known: npm run status -- -s prod",
        )

    def test_several_are_counted_and_what_is_over_says_after_how_long(self) -> None:
        ended = Open(STOPPED, NOW - 12 * 60)
        message = message_of(News((Open(FULL, NOW),), (ended,)), "shop", TOLD, NOW)
        self.assertEqual(message.title, "shop: 1 thing needs attention, 1 thing is well again")
        self.assertEqual(message.kind, "warning")
        self.assertIn("\nover after 12 min: worker is stopped\n", message.body)
        over = message_of(News((), (ended,)), "shop", TOLD, NOW)
        self.assertEqual((over.title, over.kind), ("shop: over: worker is stopped", "success"))

    def test_what_comes_and_goes_says_so_and_a_log_cannot_write_to_a_terminal(self) -> None:
        nasty = dataclasses.replace(STOPPED, line="a\x1b[2Jb\u202ec")
        message = message_of(News((Open(nasty, NOW, (1, 2, 3)),)), "shop", TOLD, NOW)
        self.assertIn("  log: a [2Jb c\n", message.body)
        self.assertIn("It comes and goes.", message.body)


def letter(at: float = NOW) -> Message:
    return Message(f"at {at:.0f}", "body", "info", at)


class OfTheOutbox(unittest.TestCase):
    def setUp(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.away: dict[str, str] = {}

    def send(self, messages: Mapping[str, Sequence[Message]]) -> dict[str, Outcome]:
        for name, some in messages.items():
            if name not in self.away:
                self.sent += [(name, one.body) for one in some]
        return {
            name: Outcome(0 if name in self.away else len(some), self.away.get(name)) for name, some in messages.items()
        }

    def test_a_target_that_is_away_is_tried_again_ever_more_seldom_and_holds_back_no_other(self) -> None:
        self.away["ops"] = "it answered 500"
        boxes = put({}, ["ops", "chat"], letter(), NOW)
        tries = []
        for second in range(0, 4 * HOUR, 60):
            before = boxes["ops"].tries
            boxes = deliver(boxes, self.send, NOW + second)
            if boxes["ops"].tries != before:
                tries.append(second // 60)
        self.assertEqual(tries, [0, 1, 3, 7, 15, 31, 63, 123, 183])
        self.assertEqual(self.sent, [("chat", "body")])
        self.assertEqual((boxes["ops"].why, boxes["ops"].since), ("it answered 500", NOW))
        self.away.clear()
        boxes = deliver(boxes, self.send, NOW + 5 * HOUR)
        self.assertEqual(self.sent[1:], [("ops", "body")])
        self.assertEqual(boxes["ops"], Waiting())

    def test_what_waits_for_too_long_or_is_too_much_is_given_up_and_counted(self) -> None:
        self.away["ops"] = "it could not be reached"
        boxes: Mapping[str, Waiting] = {}
        for minute in range(MOST + 7):
            boxes = put(boxes, ["ops"], letter(NOW + minute), NOW + minute)
        self.assertEqual((len(boxes["ops"].messages), boxes["ops"].lost), (MOST, 7))
        boxes = put(boxes, ["ops"], letter(NOW + 2 * DAY), NOW + 2 * DAY)
        self.assertEqual((len(boxes["ops"].messages), boxes["ops"].lost), (1, MOST + 7))
        self.away.clear()
        deliver(boxes, self.send, NOW + 2 * DAY)
        self.assertEqual(self.sent, [("ops", f"body\nEarlier messages that could not be delivered: {MOST + 7}")])

    def test_what_nobody_wants_to_read_any_more_is_not_tried_for_ever(self) -> None:
        self.away["ops"] = "it could not be reached"
        boxes = deliver(put({}, ["ops"], letter(), NOW), self.send, NOW)
        boxes = put(boxes, ["ops"], None, NOW + DAY)
        self.assertEqual((boxes["ops"].messages, boxes["ops"].lost), ((), 1))

    def test_of_messages_of_which_some_arrived_the_others_are_sent_again(self) -> None:
        boxes = put(put({}, ["ops"], letter(NOW), NOW), ["ops"], letter(NOW + 1), NOW + 1)
        boxes = deliver(boxes, lambda _: {"ops": Outcome(1, "it answered 429")}, NOW + 2)
        self.assertEqual([one.at for one in boxes["ops"].messages], [NOW + 1])
        self.assertEqual((boxes["ops"].tries, boxes["ops"].next), (1, NOW + 62))

    def test_a_target_that_takes_for_ever_costs_the_others_nothing(self) -> None:
        lines = [
            {"name": "chat", "sent": 1, "why": "it took too long", "known": True},
            {"name": "chat", "sent": 2, "why": None, "known": True},
            {"name": "nobody", "sent": 1, "why": None, "known": True},
        ]
        said = "\n".join([*map(json.dumps, lines), '{"name": "ops", "se'])
        late = Outcome(0, "it took too long")
        self.assertEqual(outcomes_of(said, ["chat", "ops"]), {"chat": Outcome(2, None), "ops": late})
        self.assertEqual(outcomes_of("", ["ops"]), {"ops": late})

    def test_what_waits_for_a_target_that_is_no_more_goes(self) -> None:
        self.assertEqual(list(put(put({}, ["old"], letter(), NOW), ["new"], None, NOW)), ["new"])


class OfTheWatch(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.place = Path(folder.name) / "notices.json"
        self.places = (self.place, Path(folder.name) / "in-memory.json")
        self.sent: list[str] = []
        self.asked: list[tuple[str, ...]] = []
        self.pauses: list[float] = []
        self.facts: list[dict[str, Any]] = []
        self.journal: str | Unknown = ""
        self.commands: list[list[str]] = []
        self.bodies: list[str] = []
        self.queues: list[Queue] | Unknown = []

    def send(self, messages: Mapping[str, Sequence[Message]]) -> dict[str, Outcome]:
        self.sent += [f"{name}: {one.title}" for name, some in messages.items() for one in some]
        self.bodies += [one.body for some in messages.values() for one in some]
        return {name: Outcome(len(some), None) for name, some in messages.items()}

    def ask(self, without: tuple[str, ...]) -> dict[str, Any]:
        self.asked.append(without)
        facts = self.facts.pop(0) if self.facts else WELL
        return {name: one for name, one in facts.items() if name not in without}

    def run_journal(self, command: Sequence[str]) -> str:
        self.commands.append(list(command))
        if isinstance(self.journal, Exception):
            raise self.journal
        return self.journal

    def waiting(self) -> list[Queue]:
        if isinstance(self.queues, Exception):
            raise self.queues
        return self.queues

    def look(self, now: float, *logins: str) -> None:
        plan = Plan(TOLD, "shop (prod, web)", frozenset(), frozenset(logins))
        watch = Watch(plan, {"ops": "json://ops.example.org"}, self.send, self.ask, self.run_journal, self.waiting)
        memory = watch.look(Memory.read(self.places), lambda: now, self.pauses.append)
        watch.deliver(memory, now).write(self.places)

    def test_a_queue_whose_next_task_stays_the_same_is_told_and_that_it_is_over(self) -> None:
        self.queues = [Queue("Celery", "celery", 2, "a")]
        self.look(NOW)
        self.look(NOW + 899)
        self.assertEqual(self.sent, [])
        self.look(NOW + 900)
        [began] = self.sent
        self.assertIn("shop (prod, web): the next task in Celery's queue celery has waited for 15 min", began)
        # What could not be read is not over.
        self.queues = Unknown("LOADING")
        with contextlib.redirect_stderr(io.StringIO()) as said:
            self.look(NOW + 960)
        self.assertIn("queues could not be read: LOADING", said.getvalue())
        self.queues = [Queue("Celery", "celery", 1, "b")]
        self.look(NOW + 1020)
        self.assertEqual(len(self.sent), 2)
        self.assertIn("over: the next task in Celery's queue", self.sent[1])
        self.assertEqual(Memory.read(self.places).queues, {"Celery celery": ["b", NOW + 1020]})

    def test_a_look_tells_what_is_still_there_in_a_second_one_and_remembers_it(self) -> None:
        shut = {**WELL, "maintenance": {"on": True, "since": None}}
        self.facts = [shut, shut, shut]
        self.look(NOW)
        self.look(NOW + 60)
        title = "visitors see the maintenance page, not the site"
        self.assertEqual(self.sent, [f"ops: shop (prod, web): {title}"])
        self.assertEqual(len(self.pauses), 1)
        self.look(NOW + 120)
        self.assertEqual(self.sent[1:], [f"ops: shop (prod, web): over: {title}"])

    def test_where_all_is_well_there_is_one_look_and_no_message(self) -> None:
        self.look(NOW)
        self.assertEqual((self.sent, self.pauses, self.asked), ([], [], [()]))

    def test_facts_that_take_a_while_are_asked_for_seldom_and_judged_each_time(self) -> None:
        reboot = {**WELL, "upgrades": {**WELL["upgrades"], "rebootSince": NOW - 60, "rebootFor": []}}
        self.facts = [reboot]
        self.look(NOW)
        self.look(NOW + 60)
        self.look(NOW + EVERY + 1)
        self.assertEqual(self.asked[:3], [(), ("upgrades",), ("upgrades",)])
        self.assertEqual(self.asked[3], ())
        self.assertEqual([one.split(": ")[2] for one in self.sent], ["a reboot has been needed for 1 min", "over"])

    def test_facts_that_were_not_found_out_are_asked_for_again_after_a_while_and_told(self) -> None:
        broken = {**WELL, "upgrades": None, "unknown": {"upgrades": "runuser did not answer in 5 s"}}
        self.facts = [broken]
        self.look(NOW)
        self.look(NOW + 60)
        self.assertEqual(self.asked, [(), ("upgrades",), ("upgrades",)])
        title = "its upgrades could not be read: runuser did not answer in 5 s"
        self.assertEqual(self.sent, [f"ops: shop (prod, web): {title}"])
        self.look(NOW + RETRY + 1)
        self.assertEqual(self.asked[3:], [(), ("upgrades",)])
        self.assertEqual(self.sent[1:], [f"ops: shop (prod, web): over: {title}"])

    def test_a_part_that_is_slow_is_told_once_it_has_been_for_long(self) -> None:
        slow = {**WELL, "services": None, "unknown": {"services": "it was not answered in 7 s"}}
        for count in range(SLOW + 2):
            self.facts = [slow, slow]
            self.look(NOW + 60 * count)
            self.assertEqual(len(self.sent), 0 if count + 1 < SLOW else 1, f"{count}")
        self.facts = []
        self.look(NOW + HOUR)
        self.assertEqual(len(self.sent), 2)

    def test_where_the_disk_takes_nothing_what_was_told_is_remembered_all_the_same(self) -> None:
        self.place.with_suffix(".new").mkdir()
        shut = {**WELL, "maintenance": {"on": True, "since": None}}
        self.facts = [shut] * 5
        self.look(NOW)
        self.look(NOW + 60)
        self.assertEqual(len(self.sent), 1)
        self.place.with_suffix(".new").rmdir()
        self.look(NOW + 120)
        self.assertEqual([place.exists() for place in self.places], [True, False])

    def test_a_clock_that_was_wrong_silences_nobody(self) -> None:
        box = Waiting((letter(),), NOW, 3, NOW + 300 * DAY, "it could not be reached")
        Memory(boxes={"ops": box}, asked=NOW + 300 * DAY).write(self.places)
        self.look(NOW + 60)
        self.assertEqual((len(self.sent), self.asked[0]), (1, ()))

    def test_what_is_remembered_is_roots_alone_and_what_cannot_be_read_is_nothing(self) -> None:
        self.look(NOW)
        self.assertEqual(self.place.stat().st_mode & 0o777, 0o600)
        self.assertEqual(Memory.read(self.places).looked, NOW)
        self.place.write_text(json.dumps({"opened": 3}))
        self.assertEqual(Memory.read(self.places), Memory())

    def test_a_target_is_greeted_once_and_again_at_another_address(self) -> None:
        plan = Plan(TOLD, "shop", frozenset())
        memory = Memory()
        for url, greets in (("json://a", 1), ("json://a", 0), ("json://b", 1)):
            memory, outcomes = Watch(plan, {"ops": url}, self.send, self.ask, self.run_journal).greet(memory, NOW)
            self.assertEqual(len(outcomes), greets)

        def refuse(messages: Mapping[str, Sequence[Message]]) -> dict[str, Outcome]:
            return {name: Outcome(0, "it answered 403") for name in messages}

        memory, _ = Watch(plan, {"ops": "json://c"}, refuse, self.ask, self.run_journal).greet(memory, NOW)
        self.assertEqual((memory.greeted, memory.refused), ({}, {"ops": "it answered 403"}))
        memory, _ = Watch(plan, {"ops": "json://c"}, self.send, self.ask, self.run_journal).test(memory, NOW)
        self.assertEqual(memory.refused, {})

    def test_nothing_of_the_journal_is_read_where_nobody_asked_for_logins(self) -> None:
        self.look(NOW)
        self.assertEqual(self.commands, [])

    def test_a_login_is_told_once_with_who_from_where_and_when_and_none_of_before(self) -> None:
        self.journal = "-- cursor: s=1\n"
        self.look(NOW, "ada", "root")
        self.assertEqual(self.sent, [])
        self.journal = said(accepted("ada"), accepted("ada", "2001:db8::7"), accepted("berth"), cursor="s=2")
        self.look(NOW + 60, "ada", "root")
        self.assertIn("--after-cursor=s=1", self.commands[-1])
        self.assertEqual(self.sent, ["ops: shop (prod, web): ada has logged in"])
        first, second, *_ = self.bodies[0].splitlines()
        expected = "2027-01-15 08:00:05 UTC: ada has logged in by SSH from 192.0.2.7 (publickey, ED25519 SHA256:abc)"
        self.assertEqual(first, expected)
        self.assertIn("from 2001:db8::7", second)
        self.journal = said(accepted("ada"), cursor="s=3")
        self.look(NOW + 120, "ada", "root")
        self.assertIn("--after-cursor=s=2", self.commands[-1])
        self.assertEqual(len(self.sent), 1, "the same one within an hour")
        self.journal = said(accepted("ada"), accepted("root"), cursor="s=4")
        self.look(NOW + 60 + HOUR, "ada", "root")
        self.assertEqual(self.sent[1:], ["ops: shop (prod, web): ada and root have logged in"])

    def test_a_login_by_certificate_is_told_as_well(self) -> None:
        self.journal = "-- cursor: s=1\n"
        self.look(NOW, "ada")
        whole = accepted("ada").replace("ED25519 SHA256", "ED25519-CERT SHA256")
        self.journal = said(f"{whole} ID ada@laptop (serial 7) CA ED25519 SHA256:def", cursor="s=2")
        self.look(NOW + 60, "ada")
        self.assertIn("(publickey, ED25519-CERT SHA256:abc)", self.bodies[0])

    def test_a_line_that_only_has_such_words_is_no_login(self) -> None:
        self.journal = "-- cursor: s=1\n"
        self.look(NOW, "ada")
        whole = accepted("ada")
        self.journal = said(
            f"Invalid user {whole}",
            f"{whole} and more",
            "Accepted publickey for ada from 192.0.2.7 port 1 ssh1",
            f"x\n{whole}",
            cursor="s=2",
        ) + json.dumps({"MESSAGE": [65, 66], "__REALTIME_TIMESTAMP": "1"})
        self.look(NOW + 60, "ada")
        self.assertEqual(self.sent, [])
        self.assertEqual(self.commands[-1][-5:], ["_UID=0", "_COMM=sshd", "+", "_UID=0", "_COMM=sshd-session"])

    def test_a_journal_that_cannot_be_read_holds_up_nothing_and_is_read_from_the_same_place_later(self) -> None:
        self.journal = "-- cursor: s=1\n"
        self.look(NOW, "ada")
        self.journal = Unknown("it was not answered in 5 s")
        with contextlib.redirect_stderr(io.StringIO()) as errors:
            self.look(NOW + 60, "ada")
        self.assertIn("logins could not be read", errors.getvalue())
        self.assertEqual(Memory.read(self.places).looked, NOW + 60)
        # No line of sshd's: then journalctl names no place.
        self.journal = ""
        self.look(NOW + 120, "ada")
        self.journal = said(accepted("ada"), cursor="s=9")
        self.look(NOW + 180, "ada")
        self.assertIn("--after-cursor=s=1", self.commands[-1])
        self.assertEqual(len(self.sent), 1)

    def test_who_asks_again_later_is_told_of_none_of_the_time_between(self) -> None:
        self.journal = "-- cursor: s=1\n"
        self.look(NOW, "ada")
        self.look(NOW + 60)
        self.look(NOW + 120, "ada")
        self.assertNotIn("--after-cursor=s=1", self.commands[-1])


def accepted(account: str, address: str = "192.0.2.7") -> str:
    return f"Accepted publickey for {account} from {address} port 50022 ssh2: ED25519 SHA256:abc"


def said(*lines: str, cursor: str) -> str:
    """What journalctl prints."""
    at = f"{int((NOW + 5) * 1e6)}"
    entries = [json.dumps({"MESSAGE": line, "__REALTIME_TIMESTAMP": at, "__CURSOR": "x"}) for line in lines]
    return "".join(f"{one}\n" for one in [*entries, f"-- cursor: {cursor}"])
