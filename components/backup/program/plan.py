"""What is backed up on this host, where to, and for how long: as components/backup/backup.ts writes it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bucket import BucketFacts

SETTINGS = Path("/etc/berth/backup")
STATE = Path("/var/lib/berth/backup")
# What is kept while another stack's data is taken over; gone with its end.
STATE_OF_COPIES = Path("/var/lib/berth/copy")


class Trouble(Exception):
    """What went wrong, in one line, and what to do."""

    def __init__(self, what: str, further: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.further = further


class Full(Trouble):
    """There is no space left in the place."""


class Unreadable(Trouble):
    """The place holds what this passphrase does not open."""


@dataclass(frozen=True)
class Database:
    """A PostgreSQL cluster."""

    version: int
    unit: str

    @property
    def data(self) -> Path:
        return Path(f"/var/lib/postgresql/{self.version}/main")

    @property
    def before(self) -> Path:
        """Where the cluster of before a restore is kept."""
        return self.data.with_name("main.before-restore")

    @property
    def drill(self) -> Path:
        """Where a drill restores it into: postgres' own, as all of it."""
        return self.data.with_name("main.drill")

    @property
    def copy(self) -> Path:
        """Where another stack's database is restored into, before this stack takes it over: postgres' own as well."""
        return self.data.with_name("main.copy")

    @property
    def programs(self) -> Path:
        return Path(f"/usr/lib/postgresql/{self.version}/bin")


@dataclass(frozen=True)
class Files:
    """Directories whose files belong to one account, which alone puts them back."""

    name: str
    account: str
    directories: tuple[str, ...]
    # Where what a backup has of another directory is put, by that directory.
    formerly: Mapping[str, str] = field(default_factory=dict)
    # What must stand still while they are put back, which is done as a whole. None: they are put back file by file.
    unit: str | None = None
    # Where this file is another one after a copy than before, the copy is made again.
    steady: str | None = None
    # Whether a restore that names no part has it, where there is a backup of that time; uploads it always has.
    usual: bool = False


@dataclass(frozen=True)
class Keep:
    """For how long: points in time and daily ones in days, monthly ones in months."""

    points: int
    daily: int
    monthly: int


@dataclass(frozen=True)
class Site:
    scheme: str
    domain: str
    health: str


@dataclass(frozen=True)
class Django:
    """How code of the application runs in its live release."""

    program: str
    # The link that leads to what is live.
    live: str
    # Of its unit.
    properties: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    application: str
    # As people name it in commands.
    stack: str
    # Whose backups these are: the stack and the application.
    stanza: str
    # The place, as people know it.
    place: str
    # A directory on this host; None where the place is a bucket.
    directory: str | None
    # The repository of the files, as restic names it, and how it gets there.
    repository: str
    options: tuple[str, ...]
    keep: Keep
    # In bytes: what of the database's log may wait for the place.
    limit: int
    site: Site
    database: Database | None
    files: tuple[Files, ...]
    # Whether there is a drill each week.
    drills: bool = False
    # None where the application has no migrations of Django's.
    django: Django | None = None
    # Where the tools' own settings lie, secrets among them.
    settings: Path = SETTINGS
    # Whether the place is another stack's: it is read, and nothing else.
    reading: bool = False
    # Where the bucket is asked; None where the place is a directory.
    bucket: BucketFacts | None = None


def read_plan(path: Path = SETTINGS / "plan.json") -> Plan:
    return plan_of(json.loads(path.read_text()))


def plan_of(told: dict[str, Any]) -> Plan:
    told = dict(told)
    database = told.pop("database")
    files = told.pop("files")
    django = told.pop("django", None)
    bucket = told.pop("bucket", None)
    return Plan(
        **{
            **told,
            "options": tuple(told["options"]),
            "keep": Keep(**told["keep"]),
            "site": Site(**told["site"]),
        },
        database=None if database is None else Database(**database),
        files=tuple(Files(**{**one, "directories": tuple(one["directories"])}) for one in files),
        django=None if django is None else Django(**{**django, "properties": tuple(django["properties"])}),
        bucket=None if bucket is None else BucketFacts(**bucket),
    )
