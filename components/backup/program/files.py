"""The files' part: uploads, and what services keep in files, by restic."""

import contextlib
import grp
import itertools
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

import disks
import sftp
from commands import ENVIRONMENT, Failed, as_account, read_as, run, without_links
from database import refuse_foreign
from explain import explain
from plan import STATE_OF_COPIES, Files, Plan, Trouble

_CACHE = "--cache-dir=/var/cache/berth-backup"
_PATIENT = "--retry-lock=10m"
_NO_REPOSITORY, _PROOF = "repository does not exist", "berth-proof"
# What is written of the database's lives; and how many files tell whether a host has those of a backup.
_ERAS, _SAMPLE = "berth-eras", 200
# A snapshot of what was there before a restore, for the undo. It goes by itself a week later.
BEFORE = "before-restore"
# A part that takes longer is given up; what was sent by then stays, and the next backup goes on from there.
_LONGEST = "12h"
# Where what is replaced as a whole is kept, in its own directory.
ASIDE = ".berth-before-restore"
# Where another stack's uploads arrive, and what was there before them is kept: see components/app/release/uploads.py.
COPY = ".berth-copy"
# The file system's own, in the top directory of a volume: nobody but root moves it.
_OF_VOLUME = "lost+found"


@dataclass(frozen=True)
class Snapshot:
    id: str
    part: str
    at: float
    size: int
    directories: tuple[str, ...]


class OutOfTime(Failed):
    """A command that was given up."""


class FileBackups:
    """What is done with the backups of files."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def set_up(self) -> None:
        """Makes the repository where there is none, and proves that it can be written and read."""
        if not self.is_there():
            self._restic("init")
        told = json.loads(self._restic("snapshots", "--json"))
        refuse_foreign([one["hostname"] for one in told], self._plan)
        self._prove()

    def is_there(self) -> bool:
        """Whether there is a repository."""
        try:
            self._restic("cat", "config")
        except Trouble as trouble:
            said = f"{trouble.__cause__}"
            if _NO_REPOSITORY not in said or "bucket does not exist" in said:
                raise
            return False
        return True

    def _prove(self) -> None:
        wanted = f"{time.time()}"
        source = ["backup", "--stdin", "--stdin-filename", "proof", "--json", *self._marks(_PROOF)]
        made = self._restic(*source, stdin=wanted).strip().split("\n")[-1]
        snapshot = json.loads(made)["snapshot_id"]
        if self._restic("dump", snapshot, "/proof") != wanted:
            raise Trouble(f"{self._plan.place} does not give back what was written")
        self._restic("forget", snapshot)

    def back_up(self, part: Files, tag: str | None = None) -> dict[str, object]:
        """A snapshot of a part; of what changes meanwhile, another until it stands still."""
        directories = [one for one in part.directories if Path(one).is_dir()]
        if tag is None:
            self._refuse_lost(part, directories)
        for _ in range(5):
            before = self._steady(part)
            self.unlock()
            of_volume = [f"--exclude={one}/{_OF_VOLUME}" for one in directories]
            left_out = ["--exclude", ASIDE, "--exclude", COPY, *of_volume]
            words = ["backup", "--json", *left_out, *self._marks(tag or part.name)]
            made = self._restic(*words, *directories, closed=directories).split("\n")
            messages = map(json.loads, filter(None, reversed(made)))
            told = next(one for one in messages if one["message_type"] == "summary")
            if self._steady(part) == before:
                if tag is None:
                    disks.note(directories)
                return {
                    "id": told["snapshot_id"][:8],
                    "size": told["total_bytes_processed"],
                    "stored": told["data_added_packed"],
                    "seconds": round(told["total_duration"], 1),
                }
            self._restic("forget", told["snapshot_id"])
        raise Trouble(f"the files of {part.name} did not stand still long enough to be copied", "Try again later.")

    def _refuse_lost(self, part: Files, directories: Sequence[str]) -> None:
        """What the last backup has must be there: its disk may be away, and an empty directory below."""
        missing, moved = set(part.directories) - set(directories), disks.moved(directories)
        last = [one for one in self.snapshots() if one.part == part.name][-1:] if missing or moved else []
        for one in last:
            for directory in sorted(missing.intersection(one.directories)):
                raise Trouble(f"{directory} is not there, and was at the last backup", disks.LOOK)
            for directory in moved:
                sample = self.sample(one, directory)
                if sample and not self.holds(part, sample):
                    raise Trouble(
                        f"{directory} is on another disk than at the last backup, without the files that were there",
                        disks.LOOK,
                    )

    def unlock(self) -> None:
        """Removes the locks that a killed run has left, and nobody else's."""
        self._restic("unlock", "--quiet")

    def _steady(self, part: Files) -> bytes:
        if part.steady is None:
            return b""
        with contextlib.suppress(Failed):
            return read_as(part.account, ["head", "-c", "65536", part.steady]).encode()
        return b""

    def _marks(self, tag: str) -> list[str]:
        return ["--host", self._plan.stanza, "--tag", tag]

    def snapshots(self) -> list[Snapshot]:
        """Those of the parts, the oldest first."""
        names = {part.name for part in self._plan.files}
        told = json.loads(self._restic("snapshots", "--json", "--host", self._plan.stanza))
        found = [
            Snapshot(
                one["short_id"],
                one["tags"][0],
                float(_seconds(one["time"])),
                one.get("summary", {}).get("total_bytes_processed", 0),
                tuple(one["paths"]),
            )
            for one in told
            if names & set(one.get("tags") or [])
        ]
        return sorted(found, key=lambda one: one.at)

    def forget(self, parts: Sequence[Files], *, tight: bool = False) -> None:
        """Those of these parts go that are not to be kept any longer, and with them what no other needs.

        :param tight: whether there is no room to write anew what is needed in part
        """
        if not parts:
            return
        keep = self._plan.keep
        wanted = [f"--keep-within={keep.points}d", f"--keep-daily={keep.daily}", f"--keep-monthly={keep.monthly}"]
        for part in parts:
            self._restic("forget", "--quiet", "--group-by", "host,tags", *self._marks(part.name), *wanted)
        self._restic("forget", "--quiet", "--group-by", "host", *self._marks(BEFORE), "--keep-within=7d")
        self._restic("prune", "--quiet", *(["--max-repack-size=0"] if tight else []))

    def listing(self, snapshot: str, directory: str) -> set[str]:
        """The files of a snapshot below a directory: no directories, which may hold new ones."""
        # A name may hold what Python counts as the end of a line as well.
        told = self._restic("ls", "--json", f"{snapshot}:{directory}").split("\n")
        nodes = (json.loads(line) for line in told if line)
        return {
            node["path"].lstrip("/") for node in nodes if node.get("struct_type") == "node" and node["type"] != "dir"
        }

    def sample(self, snapshot: Snapshot, directory: str = "/") -> dict[str, str]:
        """Some files of a snapshot below a directory: their paths, and size and time of each."""
        told = self._restic("ls", "--json", "--recursive", snapshot.id, directory).split("\n")
        nodes = (json.loads(line) for line in told if line)
        files = (one for one in nodes if one.get("struct_type") == "node" and one["type"] == "file")
        return {one["path"]: f"{one['size']} {_seconds(one['mtime'])}" for one in itertools.islice(files, _SAMPLE)}

    def holds(self, part: Files, sample: Mapping[str, str]) -> bool:
        """Whether one of these files is on this host, as it was."""
        names = "".join(f"{name}\0" for name in sample)
        # A line for each; it may go at any moment, and its name may hold the end of a line.
        each = ["timeout", "15", "sh", "-c", 'stat --format "%s %Y" -- "$1" 2>/dev/null || echo', "each"]
        words = ["xargs", "--null", "--no-run-if-empty", "--max-args=1", *each]
        told = run(as_account(part.account, words), stdin=names).splitlines()
        return any(found == was for found, was in zip(told, sample.values(), strict=False))

    # The eras

    def note_eras(self, told: str) -> None:
        """Writes into the place which lives the database has had: a new server cannot know them otherwise."""
        words = ["backup", "--quiet", "--stdin", "--stdin-filename", "eras.json", *self._marks(_ERAS)]
        self._restic(*words, stdin=told)
        self._restic("forget", "--quiet", "--group-by", "host", "--keep-last", "1", *self._marks(_ERAS))

    def noted_eras(self) -> str | None:
        told = json.loads(self._restic("snapshots", "--json", *self._marks(_ERAS)))
        if not told:
            return None
        newest = max(told, key=lambda one: str(one["time"]))
        return self._restic("dump", newest["id"], "/eras.json")

    def put_back(self, part: Files, snapshot: str, directory: str, into: str | None = None) -> None:
        """Writes the files of a snapshot into a directory, as the account that they belong to.

        @param into: the directory, where it is another one than that of the backup
        """
        source = subprocess.Popen(
            self._words("dump", "--archive", "tar", f"{snapshot}:{directory}", "/"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environment(),
            cwd="/",
        )
        unpack = "tar --extract --no-same-owner --preserve-permissions --no-overwrite-dir --file=-"
        # It reads no further than to the end of the archive, and who writes it goes on to the end of its block.
        words = ["sh", "-c", f'{unpack} --directory "$1"; status=$?; cat >/dev/null; exit $status', "unpack"]
        words.append(into or directory)
        # nginx reads uploads by their directory's group. tar sets modes, of directories that are there as well, and the
        # kernel takes the group's bit from those, unless it is done by somebody in the group (chmod(2)).
        number = os.stat(into or directory).st_gid
        group = grp.getgrgid(number).gr_name if number != 0 else None
        done = subprocess.run(
            as_account(part.account, words, group),
            stdin=source.stdout,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd="/",
            env=ENVIRONMENT,
        )
        assert source.stdout is not None and source.stderr is not None
        source.stdout.close()
        said = source.stderr.read().decode(errors="replace")
        if source.wait() != 0:
            raise explain(said, self._plan)
        if done.returncode != 0:
            raise Trouble(
                f"the files of {into or directory} could not be put back: {done.stderr.strip().splitlines()[-1]}"
            )

    @contextlib.contextmanager
    def reading(self, *words: str, seconds: float = 3600) -> Iterator[IO[bytes]]:
        """What restic prints, as it comes; no lock is left in the place, whenever this ends."""
        with (
            tempfile.TemporaryFile() as errors,
            subprocess.Popen(
                ["timeout", "--kill-after=60", f"{seconds}", *self._words("--no-lock", *words)],
                stdout=subprocess.PIPE,
                stderr=errors,
                env=self._environment(),
                cwd="/",
                start_new_session=True,
            ) as source,
        ):
            assert source.stdout is not None
            try:
                yield source.stdout
            except BaseException:
                os.killpg(source.pid, signal.SIGKILL)
                raise
            source.stdout.close()
            status = source.wait()
            # See timeout(1).
            if status == 124:
                raise OutOfTime(f"restic did not end within {seconds:g} s")
            if status != 0:
                errors.seek(0)
                raise Failed(errors.read(65536).decode(errors="replace").strip() or f"restic ended with {status}")

    def put_aside(self, part: Files, directory: str) -> None:
        """Keeps what is in a directory, and leaves it empty."""
        aside = f"{directory}/{ASIDE}"
        run(as_account(part.account, ["rm", "-rf", "--", aside]))
        run(as_account(part.account, ["mkdir", "-m", "0700", "--", aside]))
        run(as_account(part.account, [*_all_in(directory), "-exec", "mv", "-t", aside, "--", "{}", "+"]))

    def forget_aside(self, part: Files, directory: str) -> None:
        run(as_account(part.account, ["rm", "-rf", "--", f"{directory}/{ASIDE}"]))

    def take_from_aside(self, part: Files, directory: str) -> None:
        """Puts it back in the place of what is there now."""
        aside = f"{directory}/{ASIDE}"
        run(as_account(part.account, [*_all_in(directory), "-exec", "rm", "-rf", "--", "{}", "+"]))
        run(
            as_account(
                part.account,
                ["find", aside, "-mindepth", "1", "-maxdepth", "1", "-exec", "mv", "-t", directory, "--", "{}", "+"],
            )
        )
        run(as_account(part.account, ["rmdir", "--", aside]))

    def take_away(self, part: Files, directory: str, names: set[str]) -> None:
        """Removes files, as the account that they belong to."""
        command = as_account(part.account, ["xargs", "--null", "--no-run-if-empty", "rm", "--force", "--"])
        run(command, stdin="".join(f"{directory}/{name}\0" for name in sorted(names)))

    def _words(self, *words: str) -> list[str]:
        # A lock is a file in the place. What is at work there, such as retention, ends.
        own = ["--no-lock", f"--cache-dir={STATE_OF_COPIES}/cache"] if self._plan.reading else [_CACHE, _PATIENT]
        plan = self._plan
        there = [*plan.options, *sftp.options(plan.repository, plan.settings)]
        return ["restic", "--repo", plan.repository, *own, *there, *words]

    def _environment(self) -> dict[str, str]:
        return {
            **ENVIRONMENT,
            "RESTIC_PASSWORD_FILE": f"{self._plan.settings}/passphrase",
            "AWS_SHARED_CREDENTIALS_FILE": f"{self._plan.settings}/s3-key",
            "HOME": "/root",
        }

    def _restic(self, *words: str, stdin: str = "", closed: Sequence[str] = ()) -> str:
        """@param closed: directories of other accounts that it reads"""
        command = ["timeout", "--kill-after=60", _LONGEST, *self._words(*words)]
        try:
            return run(
                without_links(closed, command) if closed else command, stdin=stdin, environment=self._environment()
            )
        except Failed as fault:
            # One line for each file that could not be read, with its name.
            lines = [line for line in f"{fault}".split("\n") if '"message_type":"error"' not in line]
            raise explain("\n".join(lines) or f"{fault}", self._plan) from fault


def _all_in(directory: str) -> list[str]:
    """find(1): all in a directory but what is kept aside."""
    return ["find", directory, "-mindepth", "1", "-maxdepth", "1", "!", "-name", ASIDE, "!", "-name", _OF_VOLUME]


def _seconds(time_of_restic: str) -> int:
    """Of a time in UTC, as restic is told to write it."""
    return int(datetime.fromisoformat(time_of_restic[:19] + "+00:00").timestamp())
