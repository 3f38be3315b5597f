"""The code of a release: from an archive that the engine has copied, or from git; and what is found in it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .context import Context
from .facts import Archive, Git, Prepare
from .faults import Stop
from .world import Command

_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class Tree:
    """What the owner of a release finds in its directory."""

    texts: dict[str, str | None]
    there: dict[str, bool]


class Code:
    """The code of a release, in its directory."""

    def __init__(self, context: Context, release: str) -> None:
        self._context = context
        self.directory = context.place.release(release)

    def as_owner(self, *argv: str, environment: dict[str, str] | None = None) -> Command:
        """A program as the account that owns the files, in the release."""
        path = {"PATH": f"{self.directory}/.venv/bin:{_PATH}"}
        return Command(argv, self._context.place.owner, self.directory, {**path, **(environment or {})})

    def look(self, texts: Sequence[str] = (), there: Sequence[str] = (), *, whole: bool = False) -> Tree:
        """Looks for what is asked; the whole of it also for what no release may hold."""
        questions = json.dumps({"texts": [*texts], "there": [*there], "whole": whole})
        program = f"{self._context.place.library}/program/release/tree.py"
        lines = self._context.runner.lines_of(self.as_owner("/usr/bin/python3", "-IS", program, questions))
        found = json.loads("\n".join(lines))
        todo = "Take it out of the source, or out of what its build makes."
        if found["special"]:
            raise Stop(f"the release has {found['special']}, which is neither a file, a directory nor a link.", todo)
        if found["leads_out"]:
            raise Stop(f"the release has a link that leads out of it, to {found['leads_out']}.", todo)
        if found["pointer"]:
            raise Stop(
                f"{found['pointer']} is what Git LFS keeps in place of a file, and not the file itself.",
                "In a directory, 'git lfs pull' brings the file. A git source is fetched without LFS: "
                "deploy from a directory, or keep the file in git itself.",
            )
        return Tree(found["texts"], found["there"])


class Source(Code):
    """The same while it is made."""

    def __init__(self, context: Context, facts: Prepare) -> None:
        super().__init__(context, facts.release)
        self._facts = facts

    def as_builder(self, *argv: str, environment: dict[str, str] | None = None) -> Command:
        """The same with what the stack gives a build, and the application never gets."""
        of_build = {**self._facts.build.env, **self._context.place.secrets_of_builds()}
        return self.as_owner(*argv, environment={**of_build, **(environment or {})})

    def fetch(self) -> None:
        self._context.voice.say(f"fetching the code of release {self._facts.release}")
        if self._facts.git is not None:
            self._fetch_git(self._facts.git)
        elif self._facts.archive is not None:
            self._fetch_archive(self._facts.archive)

    def archive_path(self, archive: Archive) -> Path:
        """Where the engine copies an archive to: the home of the account that it logs in with."""
        return self._context.world.path(self._context.world.home(self._context.who)) / archive.name

    def _fetch_archive(self, archive: Archive) -> None:
        path = self.archive_path(archive)
        if not path.is_file():
            raise Stop(
                f"the archive of this release, {path}, is not on the host.",
                "Run 'pulumi up' with --replace for the step that copies it.",
            )
        with open(path, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != archive.sha256:
                raise Stop("the archive of this release did not arrive whole.", "Run 'pulumi up' again.")
        # With the times of now: by those in it, always the same, a browser takes a changed file for the one it has.
        unpack = self.as_owner("tar", "--extract", "--touch", "--no-same-permissions", "--file", "-")
        if self._context.runner.run(unpack, stdin=path) != 0:
            raise Stop(
                "the archive of this release cannot be unpacked.",
                f"What tar printed is in {self._context.voice.log_path} on the host.",
            )

    def _fetch_git(self, git: Git) -> None:
        name, run = self._context.place.name, self._context.runner.run
        ssh = (
            f"ssh -F none -i /etc/berth/{name}/deploy-key -o IdentitiesOnly=yes -o BatchMode=yes -o ConnectTimeout=15"
            f" -o UserKnownHostsFile=/etc/berth/{name}/known_hosts -o StrictHostKeyChecking=yes"
        )
        quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": ssh}
        # Addresses of submodules may be relative to that of 'origin'.
        fetch = 'git init -q . && git remote add origin "$1" && exec git fetch -q --depth 1 origin "$2"'
        if run(self.as_owner("sh", "-c", fetch, "sh", git.url, git.commit, environment=quiet)) != 0:
            raise Stop(
                f"the host could not fetch {git.commit} from {git.url}.",
                "Its last lines are above. The host itself must reach the git server, "
                "and a repository that is reached by SSH must know the stack's deploy key.",
            )
        take = "git -c advice.detachedHead=false checkout -q FETCH_HEAD"
        if run(self.as_owner("sh", "-c", take)) != 0:
            raise Stop(f"the commit {git.commit} cannot be checked out.", "Its last lines are above.")
        # Not every server hands out a single commit that no branch leads to.
        modules = (
            '[ -e .gitmodules ] || exit 0; update() { git submodule update -q --init --recursive "$@"; }; '
            'update --depth 1 -- "$1" || update -- "$1"'
        )
        if run(self.as_owner("sh", "-c", modules, "sh", git.path, environment=quiet)) != 0:
            raise Stop(
                f"the host could not fetch the submodules of {git.commit}.",
                "Its last lines are above. Their servers must let in the stack's deploy key as well, and only the "
                "server of app.source.git is known by its host key.",
            )
        run(self.as_owner("find", ".", "-name", ".git", "-prune", "-exec", "rm", "-rf", "{}", "+"))
        if git.path != ".":
            self._take_part(git)

    def _take_part(self, git: Git) -> None:
        """The application's directory in the repository becomes the release."""
        part = (
            '[ -d "$1" ] || exit 3; mkdir .berth-part && mv -- "$1" .berth-part/app && '
            "find . -mindepth 1 -maxdepth 1 ! -name .berth-part -exec rm -rf {} + && "
            "find .berth-part/app -mindepth 1 -maxdepth 1 -exec mv -t . {} + && rm -rf .berth-part"
        )
        status = self._context.runner.run(self.as_owner("sh", "-c", part, "sh", git.path))
        if status == 3:
            raise Stop(f"{git.url} has no directory '{git.path}' (app.source.path) at {git.commit}.")
        if status != 0:
            raise Stop(f"the directory '{git.path}' of {git.url} cannot be taken.", "Its last lines are above.")
