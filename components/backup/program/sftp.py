"""An account of SFTP as the place of backups: how restic gets there, and what the account must let in."""

import contextlib
from pathlib import Path

from commands import Failed, run


def options(repository: str, settings: Path) -> list[str]:
    """What restic tells ssh: this key alone, these host keys alone, no questions, and no settings of the host's own."""
    if not repository.startswith("sftp:"):
        return []
    told = {
        "UserKnownHostsFile": settings / "known-hosts",
        "GlobalKnownHostsFile": "none",
        "StrictHostKeyChecking": "yes",
        "IdentityFile": settings / "sftp-key",
        "IdentitiesOnly": "yes",
        "BatchMode": "yes",
        "ConnectTimeout": 20,
        "ServerAliveInterval": 20,
    }
    words = ["-F none", *(f"-o {name}={value}" for name, value in told.items())]
    return [f"--option=sftp.args={' '.join(words)}"]


def public_key(settings: Path) -> str:
    with contextlib.suppress(Failed):
        return run(["ssh-keygen", "-y", "-f", f"{settings / 'sftp-key'}"]).strip()
    return "the public half of backup.place.privateKey"
