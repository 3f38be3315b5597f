"""What the program is told: the application, by a file next to it; the wanted release, as JSON on standard input."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

Kind = TypeVar("Kind")


@dataclasses.dataclass(frozen=True)
class Application:
    """What stays the same from release to release."""

    name: str
    # The account that owns code and static files.
    owner: str
    root: str
    # Where uploaded files lie.
    media: str
    # Whether the web server runs on this host, and with it what a release does once.
    web: bool


@dataclasses.dataclass(frozen=True)
class Process:
    """A process next to the web server that runs on this host."""

    name: str
    kind: str
    count: int
    # Only one of it may ever run, as of Celery's beat.
    alone: bool
    # Whether a release leaves it on the release that it runs.
    keep: bool
    # At which it listens for others.
    ports: tuple[int, ...]
    # None: the line of the release's Procfile.
    command: str | None


@dataclasses.dataclass(frozen=True)
class Git:
    url: str
    commit: str
    path: str


@dataclasses.dataclass(frozen=True)
class Archive:
    """In the home of the account that the engine logs in with."""

    name: str
    sha256: str


@dataclasses.dataclass(frozen=True)
class Build:
    """What is built beside the dependencies; commands of the stack's own are in their order."""

    # Where its package.json is, from the release's directory; None: no front end is built.
    front_end: str | None
    commands: tuple[str, ...]
    # Those that come after Django's collectstatic.
    after_collectstatic: tuple[str, ...]
    env: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a Django project is asked for a release, and how its static files are collected."""

    # Its settings module.
    django: str | None
    # The tags of Django's checks that run, all of them where there is none; None: no check.
    check: tuple[str, ...] | None
    # The directory of static files that are copied; None: Django collects them.
    static: str | None
    # Further files that nginx serves, by where they are put: where they are in the release, and what must be in there.
    served: Mapping[str, Sequence[str]]
    # Commands of the stack's own after that.
    after_collectstatic: tuple[str, ...]
    # Whether nginx serves uploads to everyone; None: the stack does not say.
    media_public: bool | None

    def check_questions(self) -> list[str]:
        """The check, as django_release.py takes it; nothing where none runs."""
        return [] if self.check is None else [":".join(["check", *self.check])]


@dataclasses.dataclass(frozen=True)
class Once:
    """A command that runs once in the stack's life."""

    name: str
    command: str
    # In seconds.
    timeout: int


@dataclasses.dataclass(frozen=True)
class Page:
    """A page that must answer with this status."""

    path: str
    status: int


@dataclasses.dataclass(frozen=True)
class Prepare:
    """A release to prepare."""

    release: str
    # Whether it must be one that the host has kept.
    kept: bool
    archive: Archive | None
    git: Git | None
    # The version that the application needs, such as 3.12; None: the host's own.
    python: str | None
    # Where uv gets Pythons: a mirror, or a list of them that ends in .json.
    python_mirror: str | None
    # The package index in place of PyPI.
    index: str | None
    requirements: str | None
    # Groups and extras of the project's dependencies that are installed as well.
    groups: tuple[str, ...]
    extras: tuple[str, ...]
    build: Build
    # Files beside the code, by their path in the release; whether they take the place of the source's own.
    files: Mapping[str, bool]
    server: str
    # The module of the WSGI or ASGI application.
    module: str
    # The class of gunicorn's workers; None: gunicorn's own.
    worker_class: str | None
    # The settings module of a Django application.
    django: str | None
    # The tags of Django's checks that run, all of them where there is none; None: no check.
    check: tuple[str, ...] | None
    static: str | None
    served: Mapping[str, Sequence[str]]
    # Directories in the release, each with the one below ROOT/data that it leads to.
    shared: Mapping[str, str]
    # Whether nginx serves uploads to everyone; None: the stack does not say.
    media_public: bool | None
    # The names of the settings that are secret.
    secrets: tuple[str, ...]
    processes: tuple[Process, ...]
    # The names of all processes of the stack, those on other hosts included.
    all_processes: tuple[str, ...]
    # Kinds of processes and the patterns of their commands; the first that fits counts.
    kinds: tuple[tuple[str, str], ...]

    @property
    def asked(self) -> Asked:
        after = self.build.after_collectstatic
        return Asked(self.django, self.check, self.static, self.served, after, self.media_public)


@dataclasses.dataclass(frozen=True)
class Front:
    """What visitors are expected to get, once the front door is configured."""

    pages: tuple[Page, ...]
    domain: str
    # How this host answers: TLS may end in front of it.
    door: str


@dataclasses.dataclass(frozen=True)
class Live:
    """A release to take live."""

    release: str
    kept: bool
    # A release that is tried again though it has failed.
    retry: str | None
    # How many proven releases are kept.
    keep: int
    django: str | None
    # What migrates, in place of Django's own command or the Procfile's line.
    release_command: str | None
    once: tuple[Once, ...]
    dump: bool
    secrets: tuple[str, ...]
    processes: tuple[Process, ...]
    kinds: tuple[tuple[str, str], ...]
    health: str
    pages: tuple[Page, ...]
    domain: str
    scheme: str
    # How this host answers: TLS may end in front of it.
    door: str
    # What the stack wants of Debian beside what Berth needs.
    packages: Sequence[str]
    # How long a request may take, in seconds.
    timeout: int
    # Digests of all that decides how an instance runs: a change of them is another run of the step.
    changes: Mapping[str, str]


def entry_key(server: str) -> str:
    """What names the callable that a server runs."""
    return "app.asgi" if server == "uvicorn" else "app.wsgi"


def application(told: object) -> Application:
    return _read(Application, told)


def prepare(told: object) -> Prepare:
    fields = dict(_mapping(told))
    fields["archive"] = None if fields["archive"] is None else _read(Archive, fields["archive"])
    fields["git"] = None if fields["git"] is None else _read(Git, fields["git"])
    fields["groups"], fields["extras"] = tuple(fields["groups"]), tuple(fields["extras"])
    fields["check"] = None if fields["check"] is None else tuple(fields["check"])
    build = _mapping(fields["build"])
    lists = {name: tuple(build[name]) for name in ("commands", "after_collectstatic")}
    fields["build"] = _read(Build, {**build, **lists})
    return _read(Prepare, _with_lists(fields))


def live(told: object) -> Live:
    fields = dict(_mapping(told))
    fields["once"] = tuple(_read(Once, one) for one in fields["once"])
    fields["pages"] = _pages(fields)
    return _read(Live, _with_lists(fields))


def front(told: object) -> Front:
    fields = _mapping(told)
    return _read(Front, {**fields, "pages": _pages(fields)})


def _pages(fields: Mapping[str, Any]) -> tuple[Page, ...]:
    return tuple(_read(Page, one) for one in fields["pages"])


def _with_lists(fields: dict[str, Any]) -> dict[str, Any]:
    fields["processes"] = tuple(_read(Process, {**one, "ports": tuple(one["ports"])}) for one in fields["processes"])
    fields["kinds"] = tuple((kind, pattern) for kind, pattern in fields["kinds"])
    fields["secrets"] = tuple(fields["secrets"])
    if "all_processes" in fields:
        fields["all_processes"] = tuple(fields["all_processes"])
    return fields


def _mapping(told: object) -> Mapping[str, Any]:
    if not isinstance(told, dict):
        raise ValueError(f"expected a JSON object; found {type(told).__name__}")
    return told


def _read(kind: type[Kind], told: object) -> Kind:
    fields = _mapping(told)
    wanted = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if wanted != set(fields):
        raise ValueError(f"{kind.__name__}: expected {sorted(wanted)}; found {sorted(fields)}")
    return kind(**fields)
