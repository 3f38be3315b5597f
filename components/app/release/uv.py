"""uv, which brings Pythons, makes environments and installs into them; and other programs from PyPI, pinned by hash."""

import os
import re

from .context import Context
from .facts import Prepare
from .faults import Stop
from .source import Source
from .world import Command

HOST_PYTHON = "/usr/bin/python3"
_PINNED = ["--require-hashes", "--only-binary", ":all:", "--no-deps"]
# What uv may keep for the next release, in MiB.
_DOWNLOADS_AT_MOST = 2000


class Uv:
    def __init__(self, context: Context, facts: Prepare, source: Source) -> None:
        self._context = context
        self._facts = facts
        self._source = source
        place = context.place
        self._told_pins = f"{place.library}/program/release/pins"
        self.pins = context.world.path(self._told_pins)
        # The owner's, and readable to the service, for what an environment holds are further names of these files.
        self._downloads = f"/var/cache/berth/uv/{place.name}-{context.world.user_id(place.owner)}"
        # The host's own authorities, as pip and git take them; one of a company's among them.
        self._settings = {
            "UV_SYSTEM_CERTS": "true",
            "UV_NO_PROGRESS": "true",
            "UV_PYTHON_INSTALL_DIR": "/opt/berth/python",
            "UV_CACHE_DIR": "/var/cache/berth/uv/root",
        }
        mirror = facts.python_mirror
        if mirror is not None:
            kind = "UV_PYTHON_DOWNLOADS_JSON_URL" if mirror.endswith(".json") else "UV_PYTHON_INSTALL_MIRROR"
            self._settings[kind] = mirror
        if facts.index is not None:
            self._settings["UV_DEFAULT_INDEX"] = facts.index
        if place.logins.exists():
            self._settings["NETRC"] = f"/etc/berth/{place.name}/netrc"
        self._program = ""
        self._builds: dict[str, str] = {}

    def open(self) -> None:
        """Brings uv itself, where it is not there."""
        files, place = self._context.files, self._context.place
        at = self._context.world.path
        files.directory(at("/var/cache/berth/uv"), mode=0o755)
        files.directory(at("/var/cache/berth/uv/root"))
        files.directory(at(self._downloads), f"{place.owner}:{place.name}", 0o2750)
        self._program = f"{self.tool('uv')}/bin/uv"

    def tool(self, name: str) -> str:
        """The directory with a program, kept for the next release."""
        pins = (self.pins / f"{name}.txt").read_text()
        first = re.match(r"# (\S+) ([^ ,\n]+)", pins)
        if first is None:
            raise Stop(f"{self.pins}/{name}.txt does not begin with its name and version.", "Run 'npm run pins'.")
        told = f"/opt/berth/tools/{first[1]}-{first[2]}"
        place = self._context.world.path(told)
        if (place / ".complete").exists() and (place / ".complete").read_text() == pins:
            return told
        files, run = self._context.files, self._context.runner.run
        files.remove(place)
        files.directory(place.parent.parent, mode=0o755)
        files.directory(place.parent, mode=0o755)
        files.directory(place, mode=0o755)
        file = f"{self._told_pins}/{name}.txt"
        if name == "uv":
            pip = [HOST_PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
            argv = [*pip, "--root-user-action=ignore", "--target", told, *_PINNED, "--requirement", file]
            if run(Command(argv)) != 0:
                raise Stop("pip could not install uv.")
        else:
            venv = ["venv", "--no-project", "--quiet", "--allow-existing", "--no-python-downloads"]
            made = run(self._as_root(*venv, "--python", HOST_PYTHON, told))
            install = ["pip", "install", "--quiet", "--python", f"{told}/bin/python"]
            if made != 0 or run(self._as_root(*install, *_PINNED, "--requirement", file)) != 0:
                raise Stop(f"uv could not install {name}.")
        files.put(place / ".complete", pins, mode=0o644)
        return told

    def _as_root(self, *arguments: str, **more: str) -> Command:
        return Command([self._program, *arguments], environment={**self._settings, **more})

    def as_owner(self, venv: str, *arguments: str) -> Command:
        """As the owner, whose code the builds of packages are."""
        own = {"UV_CACHE_DIR": self._downloads, "UV_PYTHON_DOWNLOADS": "never", "UV_PROJECT_ENVIRONMENT": venv}
        return self._source.as_builder(self._program, *arguments, environment={**self._settings, **own})

    def keep_within_bounds(self, venv: str) -> None:
        """What has been downloaded goes where it has become much."""
        lines = self._context.runner.lines_of(self._source.as_owner("du", "-sm", self._downloads))
        if int(lines[0].split()[0]) > _DOWNLOADS_AT_MOST:
            self._context.runner.run(self.as_owner(venv, "cache", "clean", "--quiet"))

    def interpreter(self) -> tuple[str, str]:
        """The Python of the release and its version, the host's own where it is the one that is asked for."""
        wanted = self._facts.python
        version = self._version(HOST_PYTHON)
        if wanted is None or version.split(".")[:2] == wanted.split("."):
            return HOST_PYTHON, version
        own = f"/usr/bin/python{wanted}"
        if os.access(self._context.world.path(own), os.X_OK):
            return own, self._version(own)
        found = self._find(wanted)
        if not found:
            found = self._bring(wanted)
        return found, self._version(found)

    def _bring(self, wanted: str) -> str:
        self._context.voice.say(f"bringing Python {wanted}")
        install = self._as_root("python", "install", "--no-bin", wanted)
        if self._context.runner.run(install) != 0:
            where = self._facts.python_mirror or "github.com"
            raise Stop(
                f"uv could not bring Python {wanted} (app.python).",
                f"Its last lines are above. The host itself must reach {where}; app.pythonMirror names another place.",
            )
        found = self._find(wanted)
        if not found:
            raise Stop(f"uv has brought no Python {wanted} (app.python) that it finds.")
        return found

    def _find(self, wanted: str) -> str:
        lines: list[str] = []
        find = self._as_root(
            "python", "find", "--managed-python", "--no-python-downloads", wanted, UV_NO_PROJECT="true"
        )
        status = self._context.world.run(find, lambda line, error: None if error else lines.append(line), apart=True)
        return lines[0] if status == 0 and lines else ""

    def _version(self, python: str) -> str:
        found = re.match(r"[0-9.]+", self._build(python))
        return found[0] if found else ""

    def _build(self, python: str) -> str:
        """What a Python says of itself: its version, and how it was built."""
        if python not in self._builds:
            ask = Command([python, "-I", "-S", "-c", "import sys; print(sys.version)"])
            self._builds[python] = "\n".join(self._context.runner.lines_of(ask))
        return self._builds[python]

    def digest_parts(self, interpreter: str) -> list[str]:
        """What decides an environment beside what it is asked to hold."""
        return [
            (self.pins / f"{self._facts.server}.txt").read_text(),
            self._build(interpreter),
            interpreter,
            self._facts.index or "",
        ]
