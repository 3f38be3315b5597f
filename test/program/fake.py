"""A world for the program without a host: units, sockets, a clock, a disk and a lock that a test decides about."""

import dataclasses
import errno
import json
import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from release.asking import Answer
from release.context import Context
from release.facts import Application, Archive, Build, Live, Prepare, Process
from release.faults import LostLock
from release.world import Command, Listener

NAME = "shop"


class Killed(BaseException):
    """As by SIGKILL: nothing of the program comes after it."""


@dataclasses.dataclass
class FakeUnit:
    active: str = "inactive"
    restarts: int = 0
    main: int = 0
    since: float = 0.0
    # What it was told while it still ends.
    job: str = ""


class FakeWorld:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.boot = "boot-1"
        self.units: dict[str, FakeUnit] = {}
        # By their releases: the status of the health path; those that cannot start; processes that end by themselves.
        self.answers: dict[str, int] = {}
        self.crashing: set[str] = set()
        self.falling: set[str] = set()
        # Those that answer 500 from when people are led to them.
        self.spoiled: set[str] = set()
        # What pages answer that answer anything but 200: by release and path, and at the front door, by path.
        self.pages: dict[tuple[str, str], Answer] = {}
        self.front: dict[str, Answer] = {}
        # Some of the static files of releases, with their checksums.
        self.samples: list[tuple[str, str]] = []
        # More files of each source, and what its environment lacks.
        self.sources: dict[str, str] = {}
        self.lacking: set[str] = set()
        # What Django raises where it is asked for a page by itself.
        self.raises: list[str] = []
        # For how many seconds they compute until they answer.
        self.loading: dict[str, float] = {}
        # Units that take their time to end.
        self.slow: set[str] = set()
        # What services answer, by their ports; they are away where there is nothing.
        self.services: dict[int, bytes] = {5432: b"R\0\0\0\x08\0\0\0\x05", 6379: b"+PONG\r\n"}
        self.migrations: list[str] = []
        # Those of further databases, by Django's names for these.
        self.others: dict[str, list[str]] = {}
        self.migrate_status = 0
        self.migrate_says = ""
        self.is_full = False
        # Releases of which the kernel ended a process because memory was short, and what their units may take.
        self.killed: set[str] = set()
        self.limit = "infinity"
        # What the kernel counts of those by the end.
        self.counted = ""
        self.last_words = "its last words"
        # What is set aside on the disk.
        self.aside: list[str] = []
        self.has_lock = True
        self.calls: list[str] = []
        # What must never be, and was.
        self.violations: list[str] = []
        self.strike: Callable[[], None] | None = None
        self.strike_at = 0
        self._is_dead = False
        self._clock = 1000.0
        self._pids = 100
        self._lock = threading.Lock()

    # What a test does.

    def reboot(self) -> None:
        """The host goes down and comes up again, until systemd starts units."""
        self.boot = f"boot-{int(self.boot.split('-')[1]) + 1}"
        self.revive()
        self.units = {}
        shutil.rmtree(self.path("/run"), ignore_errors=True)
        self.path("/run").mkdir()

    def revive(self) -> None:
        """Another run begins."""
        self._is_dead = False
        self.strike = None
        self.has_lock = True

    def kill(self) -> None:
        self._is_dead = True

    def finish(self) -> None:
        """What had begun has ended."""
        self.slow.clear()
        for name, unit in self.units.items():
            if unit.active == "deactivating":
                unit.active = "inactive"
                if unit.job == "start":
                    unit.job = ""
                    self._start(name)

    def active(self) -> list[str]:
        return sorted(name for name, unit in self.units.items() if unit.active not in ("inactive", "failed"))

    def _call(self, what: str) -> None:
        with self._lock:
            if self._is_dead:
                raise Killed
            self.calls.append(what)
            if self.strike is not None and len(self.calls) == self.strike_at:
                self.strike()
            if self._is_dead:
                raise Killed

    # What the program asks.

    def path(self, path: str) -> Path:
        return Path(path) if path.startswith(str(self.root)) else self.root / path.lstrip("/")

    def checkpoint(self) -> None:
        self._call("checkpoint")
        if not self.has_lock:
            raise LostLock("the lock is lost.")

    def take_lock(self, *, wait: bool = True) -> bool:  # noqa: ARG002
        self._call("take_lock")
        return True

    def drop_lock(self) -> None:
        self._call("drop_lock")

    def now(self) -> float:
        self._clock += 0.001
        return self._clock

    def time(self) -> float:
        return 1_700_000_000 + self.now()

    def sleep(self, seconds: float) -> None:
        self._call("sleep")
        self._clock += seconds

    def refuse_open(self, path: Path) -> None:
        pass

    def chown(self, path: Path, owner: str) -> None:  # noqa: ARG002
        self._call(f"chown {path.name}")
        # Memory is not the disk.
        if self.is_full and self.path("/run") not in path.parents:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))

    def owner(self, path: Path) -> str:  # noqa: ARG002
        # Whoever it should be.
        return AnyOwner()

    def user_id(self, account: str) -> int:  # noqa: ARG002
        return 1000

    def home(self, account: str) -> str:
        return f"/home/{account}"

    def free(self) -> Sequence[tuple[str, int]]:
        return [("/", 0 if self.is_full else 1 << 20)]

    def give_space_back(self) -> Sequence[str]:
        given, self.aside = self.aside, []
        self.is_full = self.is_full and not given
        return given

    def sync(self, path: Path) -> None:
        self._call(f"sync {path.name}")

    def run(
        self,
        command: Command,
        listen: Listener,
        *,
        stdin: Path | None = None,
        stdout: Path | None = None,
        apart: bool = False,  # noqa: ARG002
    ) -> int:
        words = " ".join(command.argv)
        self._call(f"run {words}")
        if not self.has_lock:
            raise LostLock("the lock is lost.")
        if command.argv[0] == "systemd-run":
            return self._in_unit(words, listen, stdout)
        if command.argv[0] == "tar" and stdin is not None and command.directory is not None:
            (command.directory / "wsgi.py").write_text("application = None\n")
            (command.directory / "requirements.txt").write_text("django==5.2\n")
            for name, text in self.sources.items():
                (command.directory / name).write_text(text)
        if "tree.py" in words and command.directory is not None:
            listen(_tree(command.directory, json.loads(command.argv[-1])), False)
        if command.argv[0] == "ln" and command.directory is not None:
            link = command.directory / ".venv"
            link.unlink(missing_ok=True)
            link.symlink_to(command.argv[2])
        if "sys.version" in words:
            listen("3.13.5", False)
        if "samples.py" in words:
            listen(json.dumps(self.samples), False)
        if "sys.path" in words and command.argv[-1] in self.lacking:
            return 1
        if "load_class" in words and command.argv[-1] in self.lacking:
            listen(f"ModuleNotFoundError: No module named '{command.argv[-1]}'", True)
            return 1
        if command.argv[0] == "du":
            listen("1 /var/cache", False)
        if " venv --quiet" in words:
            programs = self.path(command.argv[-1]) / "bin"
            programs.mkdir(parents=True, exist_ok=True)
            for name in ("python", "gunicorn", "uwsgi", "uvicorn"):
                (programs / name).touch()
        if command.argv[0] == "journalctl":
            for line in self.last_words.splitlines():
                listen(line, False)
            self.path("/proc").mkdir(exist_ok=True)
            self.path("/proc/vmstat").write_text(self.counted)
            if any(f"@{release}" in words for release in self.killed):
                listen(f"{command.argv[2]}: A process of this unit has been killed by the OOM killer.", False)
        return 0

    def _in_unit(self, words: str, listen: Listener, stdout: Path | None) -> int:
        if "django_release.py" in words:
            if "static" in words:
                listen("static files are collected", False)
            for migration in self.migrations:
                listen(f"has the migration: {migration}", False)
                listen(f"to migrate: {migration}", False)
            for alias, others in self.others.items():
                for migration in others:
                    listen(f"to migrate in {alias}: {migration}", False)
            if stdout is not None:
                stdout.write_text("a dump")
        if "django_page.py" in words:
            for line in self.raises:
                listen(line, True)
            return 1
        if "migrate --noinput" in words:
            for line in self.migrate_says.splitlines():
                listen(line, not line.startswith("  Applying"))
            return self.migrate_status
        return 0

    def pipe(self, one: Command, other: Command, listen: Listener) -> int:  # noqa: ARG002
        self._call(f"pipe {one.argv[0]} {other.argv[0]}")
        return 0

    def systemctl(self, *arguments: str) -> tuple[int, str]:
        self._call(f"systemctl {' '.join(arguments)}")
        verb, names = arguments[0], [one for one in arguments[1:] if not one.startswith("-")]
        if verb == "show":
            return 0, "\n\n".join(self._shown(name) for name in names)
        if verb == "list-units":
            known = [name for name in self.active() if name.startswith(f"{NAME}-web@")]
            return 0, "".join(f"{name} loaded active running\n" for name in known)
        if not self.has_lock:
            raise LostLock("the lock is lost.")
        for name in names:
            if verb == "start":
                self._start(name)
            elif verb == "stop":
                self._stop(name)
            elif verb == "reset-failed" and name in self.units:
                self.units[name].restarts = 0
        return 0, ""

    def _shown(self, name: str) -> str:
        unit = self.units.get(name, FakeUnit("active" if name == "nginx.service" else "inactive"))
        job = "7" if unit.job else ""
        return (
            f"ActiveState={unit.active}\nSubState=\nNRestarts={unit.restarts}\nMainPID={unit.main}\n"
            f"CPUUsageNSec=0\nJob={job}\nNeedDaemonReload=no\nMemoryMax={self.limit}"
        )

    def _start(self, name: str) -> None:
        unit = self.units.setdefault(name, FakeUnit())
        if unit.active == "deactivating":
            unit.job = "start"
            return
        if not (self.path("/etc/systemd/system") / name).exists():
            self.violations.append(f"{name} was started and has no file")
        release = name.split("@")[1].split(".")[0]
        is_bad = release in self.crashing or (release in self.falling and "-web@" not in name)
        if unit.active != "active":
            self._pids += 1
            unit.main, unit.since = self._pids, self._clock
        unit.active, unit.restarts = "active", 1 if is_bad and not name.endswith(".socket") else 0
        beats = [other for other in self.active() if other.startswith(f"{NAME}-beat@")]
        if len(beats) > 1:
            self.violations.append(f"two beats: {beats}")

    def _stop(self, name: str) -> None:
        unit = self.units.get(name)
        if unit is not None and unit.active != "inactive":
            unit.job = ""
            unit.active = "deactivating" if name in self.slow else "inactive"

    def ask(self, socket: Path, domain: str, scheme: str, path: str, seconds: float) -> int:  # noqa: ARG002
        self._call(f"ask {socket.name}")
        return self._answer(socket.name)

    def _answer(self, socket: str) -> int:
        instance = socket.removeprefix("web-").removesuffix(".sock")
        unit = self.units.get(f"{NAME}-web@{instance}.service")
        if unit is None or unit.active not in ("active", "deactivating"):
            return 0
        release = instance.split(".")[0]
        if self._is_loading(unit, release):
            return 0
        if release in self.spoiled and self.path(f"/run/{NAME}/web.sock").readlink().name == socket:
            return 500
        return 0 if release in self.crashing else self.answers.get(release, 200)

    def _is_loading(self, unit: FakeUnit, release: str) -> bool:
        if release not in self.loading:
            return False
        is_loading = self._clock < unit.since + self.loading[release]
        stat = self.path(f"/proc/{unit.main}/stat")
        stat.parent.mkdir(parents=True, exist_ok=True)
        stat.write_text(f"{unit.main} (gunicorn: (a) b) {'R' if is_loading else 'S'} 1 1\n")
        return is_loading

    def ask_front(self, domain: str, scheme: str, path: str) -> int:  # noqa: ARG002
        self._call("ask_front")
        return self.seen()

    def page(self, socket: Path | None, domain: str, scheme: str, path: str, seconds: float) -> Answer:  # noqa: ARG002
        self._call(f"page {'front' if socket is None else socket.name} {path}")
        link = self.path(f"/run/{NAME}/web.sock")
        name = socket.name if socket is not None else link.readlink().name if link.is_symlink() else ""
        status = self._answer(name)
        if status == 0:
            return Answer(0)
        release = name.removeprefix("web-").split(".")[0]
        if path.startswith("/static/"):
            found = dict(self.samples).get(path.removeprefix("/static/"))
            own = Answer(200, sha256=found) if found else Answer(404)
        else:
            own = self.pages.get((release, path), Answer(200))
        return self.front.get(path, own) if socket is None else own

    def seen(self) -> int:
        """The status that visitors get."""
        for link in ("web.sock", "before.sock"):
            path = self.path(f"/run/{NAME}/{link}")
            status = self._answer(path.readlink().name) if path.is_symlink() else 0
            if status:
                return status
        return 0

    def waiting(self, socket: Path) -> int:
        self._call(f"waiting {socket.name}")
        return 0

    def exchange(self, host: str, port: int, tls: bool, words: bytes) -> bytes:  # noqa: ARG002
        self._call(f"exchange {host}:{port}")
        if port not in self.services:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        return self.services[port]


class AnyOwner(str):
    """Equal to any: a test without root gives nothing away."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


def _tree(directory: Path, questions: dict[str, list[str]]) -> str:
    texts = {one: (directory / one).read_text() if (directory / one).is_file() else None for one in questions["texts"]}
    there = {one: (directory / one).exists() for one in questions["there"]}
    return json.dumps({"special": "", "leads_out": "", "pointer": "", "texts": texts, "there": there})


class FakeHost:
    """A host with an application that has a server, a worker and a beat."""

    processes = (
        Process("beat", "celery-beat", 1, alone=True, keep=False, ports=(), command="celery -A shop beat"),
        Process("worker", "celery", 2, alone=False, keep=False, ports=(), command="celery -A shop worker"),
    )

    def __init__(self, root: Path, world: FakeWorld | None = None) -> None:
        self.world = world or FakeWorld(root)
        self.application = Application(NAME, "deployer", f"{root}/srv/{NAME}", f"{root}/srv/{NAME}/media", web=True)
        if world is None:
            self._build(root)

    def _build(self, root: Path) -> None:
        place = Context(self.world, self.application, "build").place
        folders = [place.releases, place.venvs, place.static, place.gone, place.settings.parent, place.units]
        more = [
            place.config,
            root / "var/log/berth",
            root / "run",
            root / "home/berth",
            root / "proc",
            root / "usr/bin",
        ]
        for folder in [*folders, *more]:
            folder.mkdir(parents=True)
        pins = self.world.path(f"{place.library}/program/release/pins")
        pins.mkdir(parents=True)
        for name in ("uv", "gunicorn", "uvicorn"):
            (pins / f"{name}.txt").write_text(f"# {name} 1.0\n{name}==1.0 \\\n    --hash=sha256:0\n")
        place.settings.write_text(
            "DATABASE_URL='postgres://shop:database-password@127.0.0.1:5432/shop'\n"
            "REDIS_URL='redis://:redis-password@127.0.0.1:6379/0'\n"
        )
        (place.config / "wrapper.sh").write_text('exec "$@"\n')
        (place.config / "gunicorn.py").write_text('OVERRULED = {"app.workers": "workers", "the unit": "bind user"}\n')
        for name in ("web", *(process.name for process in self.processes)):
            what = "application" if name == "web" else f"process {name} of the application"
            text = f"# Berth: the {what} {NAME}.\n[Service]\nEnvironmentFile=/config/web/%i/env\n"
            (place.units / f"{NAME}-{name}@.service").write_text(text)
        (place.units / f"{NAME}-web@.socket").write_text("[Socket]\n")

    def context(self, step: str) -> Context:
        return Context(self.world, self.application, step, "berth")

    def prepare_facts(self, release: str, **changes: object) -> Prepare:
        archive = self.world.path("/home/berth/.berth-shop-x.tar")
        archive.write_text("")
        facts = Prepare(
            release=release,
            kept=False,
            archive=Archive(archive.name, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            git=None,
            python=None,
            python_mirror=None,
            index=None,
            requirements=None,
            groups=(),
            extras=(),
            build=Build(front_end=".", commands=(), after_collectstatic=(), env={}),
            files={},
            server="gunicorn",
            module="wsgi",
            worker_class=None,
            django="shop.settings",
            check=(),
            static=None,
            served={},
            shared={},
            media_public=None,
            secrets=("DATABASE_URL", "REDIS_URL"),
            processes=self.processes,
            all_processes=("beat", "worker"),
            kinds=(("celery", "celery .*worker"),),
        )
        return dataclasses.replace(facts, **changes)  # type: ignore[arg-type]

    def live_facts(self, release: str, **changes: object) -> Live:
        facts = Live(
            release=release,
            kept=False,
            retry=None,
            keep=5,
            django="shop.settings",
            release_command=None,
            once=(),
            dump=True,
            secrets=("DATABASE_URL", "REDIS_URL"),
            processes=self.processes,
            kinds=(("celery", "celery .*worker"),),
            health="/health",
            pages=(),
            domain="shop.example",
            scheme="https",
            door="https",
            packages=(),
            timeout=30,
            changes={},
        )
        return dataclasses.replace(facts, **changes)  # type: ignore[arg-type]
