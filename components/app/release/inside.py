"""Runs code of the application outside of its server and processes: checks, migrations, collectstatic, the dump.

It runs as the application's account, the only one that code of the application runs as (docs/security.md), with the
settings, which systemd alone reads, and the environment of the server (environment.conf.liquid).
"""

from collections.abc import Sequence
from pathlib import Path

from .faults import HeldUp
from .files import Files
from .instances import put_files, release_environment
from .place import Place
from .records import Release
from .settings import Settings
from .systemd import Systemd
from .voice import Voice
from .world import Command, Listener, World

_PATIENCE = 600


class Inside:
    def __init__(self, world: World, place: Place, files: Files, systemd: Systemd, voice: Voice) -> None:
        self._world = world
        self._place = place
        self._files = files
        self._systemd = systemd
        self._voice = voice
        self._unit = f"berth-{place.name}-release.service"
        # In memory, and gone with the next boot.
        self._environment = world.path(f"/run/berth-{place.name}-release.env")
        # Files beside the code, where one of them refers to the release.
        self._told_filled = f"/run/berth-{place.name}-release.files"

    def run(
        self,
        release: Release,
        argv: Sequence[str],
        listen: Listener,
        *,
        more: Sequence[str] = (),
        stdin: Path | None = None,
        stdout: Path | None = None,
    ) -> int:
        """Runs a program in the release; its status. Its errors are told apart."""
        # Of a step that was killed it may still be at work.
        end = self._world.now() + _PATIENCE
        transient = self._world.path(f"/run/systemd/transient/{self._unit}")
        while transient.exists() and not self._systemd.one(self._unit).is_gone:
            if self._world.now() > end:
                raise HeldUp(
                    f"{self._unit} of an earlier run has been at work for 10 minutes.",
                    f"See 'systemctl status {self._unit}' on the host.",
                )
            self._world.sleep(0.1)
        own = self._fill(release)
        options = [f"--property={one}" for one in [*self._properties(release), *own, *more]]
        # What looks like a variable in a command is the command's own.
        fixed = ["--quiet", "--wait", "--pipe", "--collect", "--expand-environment=no", f"--unit={self._unit}"]
        command = Command(["systemd-run", *fixed, *options, "--", *argv])
        return self._world.run(command, listen, stdin=stdin, stdout=stdout, apart=True)

    def stop(self) -> None:
        """What a run that was killed has left at work."""
        self._systemd.stop_and_wait([self._unit])

    def _fill(self, release: Release) -> list[str]:
        """Gives it the settings and files that refer to the release, as its instances have them."""
        place, files = self._place, self._files
        wanted = Settings(place.settings, place.files)
        filled = Settings(place.settings, place.files, release.id)
        # What comes later wins over the settings as they are wanted.
        own = "".join(f"{line}\n" for line in filled.lines if line not in wanted.lines)
        files.put(self._environment, own + release_environment(place, release, filled))
        folder, group = self._world.path(self._told_filled), f"root:{place.name}"
        files.remove(folder)
        if filled.files == wanted.files:
            return []
        files.directory(folder, group, 0o750)
        put_files(files, folder, filled, group)
        return [f"BindReadOnlyPaths={self._told_filled}:{place.told_root}/config/files"]

    def _properties(self, release: Release) -> list[str]:
        place = self._place
        home = f"/var/cache/berth-{place.name}"
        code = f"{place.told_root}/releases/{release.id}"
        return [
            f"User={place.name}",
            f"Group={place.name}",
            f"WorkingDirectory={code}",
            f"Environment=PATH={code}/.venv/bin:/usr/local/bin:/usr/bin:/bin",
            f"Environment=HOME={home} XDG_CACHE_HOME={home}/.cache TMPDIR=/var/tmp",
            f"EnvironmentFile={place.told_root}/config/env",
            f"EnvironmentFile=/run/berth-{place.name}-release.env",
            f"CacheDirectory=berth-{place.name}",
            "CacheDirectoryMode=0750",
            "UMask=0027",
            "NoNewPrivileges=yes",
            "PrivateTmp=yes",
        ]
