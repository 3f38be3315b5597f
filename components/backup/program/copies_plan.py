"""What takes another stack's data, as components/backup/copies.ts writes it; and what arrives for it."""

import contextlib
import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plan import Database, Django, Files, Plan, Trouble, plan_of

SETTINGS_OF_COPIES = Path("/etc/berth/copy")
# In memory, and the unit's own: systemd removes it when the unit ends, however it ends.
ARRIVED = Path("/run/berth-copy")


@dataclass(frozen=True)
class Taker:
    application: str
    stack: str
    # Whether Django migrates it; otherwise what does, where there is anything.
    django: bool
    releaseCommand: str | None  # noqa: N815  # As the release program is told of it.
    # How code of the application runs in its live release.
    release: Django
    # As 'berth-release import' is told of it.
    site: dict[str, str]
    database: Database | None
    # The names of its database and of the role that owns it.
    names: dict[str, str]
    uploads: Files
    # What makes the data less personal: a command, and SQL.
    scrub: str | None
    sql: str | None


def read_taker(path: Path = SETTINGS_OF_COPIES / "plan.json") -> Taker:
    told: dict[str, Any] = json.loads(path.read_text())
    uploads, release, database = told["uploads"], told["release"], told["database"]
    return Taker(
        **{
            **told,
            "release": Django(**{**release, "properties": tuple(release["properties"])}),
            "database": None if database is None else Database(**database),
            "uploads": Files(**{**uploads, "directories": tuple(uploads["directories"])}),
        }
    )


@dataclass(frozen=True)
class Asked:
    """What 'npm run restore -- --to' sends, in a line: the point in time, and how the other stack's place is read."""

    at: float | None
    backup: str | None
    only: str | None
    # Personal data is meant to come as it is.
    as_it_is: bool
    plan: Plan
    # The name of the database there.
    name: str

    @property
    def parts(self) -> tuple[str, ...] | None:
        return tuple(self.only.split(",")) if self.only else None


_OF_POSTGRES = ("pgbackrest.conf", "pgbackrest.d/secret.conf", "sftp-key-of-postgres", "known-hosts")
_FILES = {*_OF_POSTGRES, "passphrase", "s3-key", "sftp-key", "ca.pem"}
_OPTION = re.compile(r"--option=s3\.[a-z-]+=[A-Za-z0-9._-]+\Z|--cacert=/run/berth-copy/ca\.pem\Z")
_REPOSITORY = re.compile(r"/|s3:https://|sftp://[A-Za-z0-9_][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9.-]*:\d+//")


def receive(line: str, place: Path = ARRIVED) -> Asked:
    """Keeps the secrets for root, and for postgres what the database's tool needs."""
    told: dict[str, Any] = json.loads(line)
    read = told.pop("read")
    settings: dict[str, str] = read["files"]
    text: dict[str, Any] = json.loads(read["plan"])
    # It comes from the other stack's state, which may not say what else root does here.
    if unknown := [
        *(set(settings) - _FILES),
        *(one for one in text["options"] if not _OPTION.match(one)),
        *(one for one in [text["repository"]] if not _REPOSITORY.match(one)),
    ]:
        raise Trouble(
            f"the other stack tells of '{unknown[0]}', which is not known here", "Deploy both by one version."
        )
    for name, content in settings.items():
        path = place / name
        path.parent.mkdir(mode=0o750, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w") as file:
            file.write(content)
        if name in _OF_POSTGRES:
            # A host without PostgreSQL has no such account, and reads no database.
            with contextlib.suppress(LookupError):
                for one in {path, path.parent} - {place}:
                    shutil.chown(one, "root", "postgres")
                path.chmod(0o640)
        elif name == "ca.pem":
            path.chmod(0o644)
    plan = plan_of({**text, "settings": place, "reading": True})
    return Asked(**told, plan=plan, name=read["database"])


def refuse_other(taker: Taker, asked: Asked) -> None:
    """What cannot become this stack's data."""
    plan, parts = asked.plan, asked.parts or ("database", "media")
    # What takes the data over is the release program's import, for uploads too.
    if taker.database is None:
        raise Trouble(
            f"stack '{taker.stack}' has no PostgreSQL on its host, which this needs",
            "Set postgres.enabled and deploy it.",
        )
    if plan.stack == taker.stack:
        raise Trouble(f"'{plan.stack}' is this stack", "Leave --to out: it restores a stack's own backups.")
    if plan.application != taker.application:
        raise Trouble(
            f"stack '{plan.stack}' runs the application '{plan.application}', and stack '{taker.stack}' runs "
            f"'{taker.application}'",
            "Only the data of the same application (app.name) fits.",
        )
    if "database" in parts and plan.database is not None:
        _refuse_database(taker, taker.database, plan, plan.database, asked)
    if plan.directory is not None and not Path(plan.directory, "berth-backups").exists():
        raise Trouble(
            f"the backups of stack '{plan.stack}' are in the directory {plan.place} of its host, which this host does "
            "not have",
            "Mount it here at the same path, for reading. A bucket can be reached from everywhere.",
        )


def _refuse_database(taker: Taker, own: Database, plan: Plan, database: Database, asked: Asked) -> None:
    if database.version != own.version:
        raise Trouble(
            f"the backups of stack '{plan.stack}' are of PostgreSQL {database.version}, and stack '{taker.stack}' has "
            f"{own.version}",
            "Give both the same postgres.version.",
        )
    if taker.scrub is None and taker.sql is None and not asked.as_it_is:
        raise Trouble(
            f"stack '{taker.stack}' has nothing that makes personal data less personal (copy.scrub or copy.sql)",
            "Write one into the stack's file and deploy it. To have all data as it is, add --as-it-is.",
        )
