"""Where everything of an application lies on its host."""

import json
from pathlib import Path

from .facts import Application
from .world import World


class Place:
    def __init__(self, world: World, application: Application) -> None:
        name = application.name
        at = world.path
        self.name = name
        self.owner = application.owner
        self.web = application.web
        # The path as programs on the host know it, and the same path as this program reaches it.
        self.told_root = application.root
        self.told_media = application.media
        self.root = at(application.root)
        self.releases = self.root / "releases"
        self.venvs = self.root / "venvs"
        self.static = self.root / "static"
        self.gone = self.root / ".gone"
        self.current = self.root / "current"
        self.settings = self.root / "config/env"
        # Files beside the code, as they are wanted now.
        self.files = self.root / "config/files"
        self.instances = self.root / "config/web"
        # The one link that says which instance boots. The other links that lead to it are made to follow it.
        self.live = self.instances / "current"
        self.run = at(f"/run/{name}")
        self.socket = self.run / "web.sock"
        self.before_socket = self.run / "before.sock"
        # Root's own: no other account reaches anything below.
        self.ledger = at(f"/var/lib/berth/app-{name}")
        self.release_records = self.ledger / "releases"
        self.instance_records = self.ledger / "instances"
        self.environment_records = self.ledger / "environments"
        self.history = self.ledger / "releases.jsonl"
        self.collected = self.ledger / "collected"
        # Of each command that runs once and is done, by its name: kept as long as the data that it has made.
        self.once_records = at(f"/var/lib/berth/once-{name}")
        self.dumps = at(f"/var/backups/berth/{name}")
        # Where a dump lies while it is loaded: see import_data.py.
        self.arrivals = at(f"/var/lib/berth/import-{name}")
        # While an import has stopped the site: what ran, and whether visitors could see it.
        self.stopped = at(f"/var/lib/berth/import-{name}.stopped")
        # What the last import has brought, for its undo.
        self.kept = at(f"/var/lib/berth/import-{name}.kept")
        # Of each run of a hook how it went, and what it is told.
        self.hooks = self.ledger / "hooks"
        self.units = at("/etc/systemd/system")
        self.config = at(f"/etc/berth/{name}")
        # While it is there, visitors see the maintenance page.
        self.maintenance = self.config / "maintenance"
        # Logins of package indexes, as curl and uv read them.
        self.logins = self.config / "netrc"
        # What is secret in the environment of builds, as JSON.
        self.build_secrets = self.config / "build-secrets"
        # What is secret in files beside the code, as a list in JSON.
        self.secrets_of_files = self.config / "files-secrets"
        # The stack's hooks by their events, as JSON: a URL may be secret.
        self.wanted_hooks = self.config / "hooks"
        self.library = f"/usr/local/lib/berth/{name}"

    def told(self, path: Path) -> str:
        """A path below the application's directory, as programs on the host know it."""
        return f"{self.told_root}/{path.relative_to(self.root)}"

    def release(self, release: str) -> Path:
        return self.releases / release

    def instance(self, instance: str) -> Path:
        return self.instances / instance

    def instance_socket(self, instance: str) -> Path:
        return self.run / f"web-{instance}.sock"

    def web_unit(self, instance: str) -> str:
        return f"{self.name}-web@{instance}"

    def secrets_of_builds(self) -> dict[str, str]:
        """Environment variables by their names."""
        if not self.build_secrets.exists():
            return {}
        told: dict[str, str] = json.loads(self.build_secrets.read_text())
        return told

    def dump(self, release: str, database: str | None = None) -> Path:
        """:param database: Django's name of another database than the default one"""
        return self.dumps / (f"{release}.dump" if database is None else f"{release}.{database}.dump")


def release_of(instance: str) -> str:
    """An instance is named after its release and a digest of all else that decides how it runs."""
    return instance.rsplit(".", 1)[0]


def settings_of(instance: str) -> str:
    return instance.rsplit(".", 1)[-1]
