"""What tests do with the program on a host that is none: deploy, interrupt, boot, and look at what is there."""

import contextlib
import copy
import io
import shutil
import tempfile
import threading
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path

from fake import FakeHost, FakeWorld, Killed
from release import boot, live, prepare, states, tidy
from release.context import Context
from release.faults import Stop
from release.records import Instance

A = "aaaaaaaaaa-0001"
B = "bbbbbbbbbb-0001"
MEMORY = Path("/dev/shm")  # noqa: S108

# All steps of the table that any test has taken: (which table, state, event).
walked: set[tuple[str, str, str]] = set()


def _watch_table() -> None:
    """The program takes its steps as ever, and they are noted."""
    of_release, of_instance = states.next_of_release, states.next_of_instance

    def next_of_release(state: str, event: str) -> str:
        walked.add(("release", state, event))
        return of_release(state, event)

    def next_of_instance(state: str, event: str) -> str:
        walked.add(("instance", state, event))
        return of_instance(state, event)

    states.next_of_release, states.next_of_instance = next_of_release, next_of_instance


_watch_table()
# A thread of a program that was killed says nothing.
threading.excepthook = lambda args: None if args.exc_type is Killed else threading.__excepthook__(args)


class Story(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        root = self.folder / "host"
        root.mkdir()
        self.host = FakeHost(root)
        # What the last command has shown.
        self.shown = ""

    @property
    def world(self) -> FakeWorld:
        return self.host.world

    def prepare(self, release: str, **changes: object) -> str:
        """What it says where it fails; nothing where it does not."""
        context = self.host.context("app-release")
        return self._said(context, lambda: prepare.prepare(context, self.host.prepare_facts(release, **changes)))

    def go_live(self, release: str, **changes: object) -> str:
        context = self.host.context("app-live")
        return self._said(context, lambda: live.go_live(context, self.host.live_facts(release, **changes)))

    def deploy(self, release: str) -> str:
        return self.prepare(release) or self.go_live(release)

    def tidy(self) -> None:
        self.world.finish()
        context = self.host.context("shop-tidy")
        self._said(context, lambda: tidy.tidy(context))

    def start(self) -> None:
        """What systemd does as the host boots."""
        context = self.host.context("shop-start")
        self._said(context, lambda: boot.start(context))

    def live(self) -> str:
        return self.host.context("look").ledger.live()

    def instance(self, release: str) -> Instance:
        """The record of the only instance of a release."""
        found = [one for one in self.host.context("look").ledger.instances() if one.release == release]
        return found[0] if found else Instance(f"{release}.none")

    def state(self, release: str) -> str:
        return self.instance(release).state

    def release_state(self, release: str) -> str:
        return self.host.context("look").ledger.release(release).state

    def assert_runs(self, release: str) -> None:
        """It and nothing else runs, serves and boots, and of others nothing lies there."""
        live_one = self.live()
        self.assertEqual(live_one.split(".")[0], release)
        ends = ["beat@{}", "web@{}", "worker@{}", "worker@{}.2"]
        units = [f"shop-{end.format(live_one)}.service" for end in ends] + [f"shop-web@{live_one}.socket"]
        self.assertEqual(self.world.active(), sorted(units))
        self.assertEqual(self.world.seen(), 200)
        place = self.host.context("look").place
        self.assertEqual(sorted(path.name for path in place.instances.iterdir()), sorted([live_one, "current"]))
        files = {path.name for path in place.units.iterdir() if "@." not in path.name}
        self.assertEqual(files, set(units))
        self.assertEqual(self.state(release), states.LIVE)
        self.assertEqual(self.release_state(release), states.PROVEN)
        self.assertFalse(place.before_socket.is_symlink())
        self.assertEqual(self.world.violations, [])

    @contextlib.contextmanager
    def copied(self) -> Iterator[None]:
        """The host as it is, to be used up."""
        kept = self.host
        aside = self.folder / "aside"
        shutil.copytree(kept.world.root, aside, symlinks=True)
        world = FakeWorld(kept.world.root)
        for name in (
            "boot",
            "answers",
            "crashing",
            "falling",
            "slow",
            "services",
            "migrations",
            "migrate_status",
            "pages",
            "front",
            "samples",
        ):
            setattr(world, name, copy.copy(getattr(kept.world, name)))
        world.units = copy.deepcopy(kept.world.units)
        self.host = FakeHost(kept.world.root, world)
        try:
            yield
        finally:
            self.host = kept
            shutil.rmtree(kept.world.root)
            aside.rename(kept.world.root)

    def _said(self, context: Context, work: Callable[[], None]) -> str:
        """Runs a command as main.py does; what ends it, nothing where it comes to its end."""
        shown = io.StringIO()
        try:
            with contextlib.redirect_stderr(shown):
                work()
        except (Stop, OSError) as fault:
            stop = context.as_stop(fault)
            if not isinstance(fault, Stop | OSError) or "unexpected" in str(stop):
                raise
            return str(stop)
        except Killed:
            return "killed"
        finally:
            self.shown = shown.getvalue()
        return ""
