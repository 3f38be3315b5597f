"""What arrives over a connection that may be cut: a line of JSON, then a file in pieces, whose end is said."""

import json
import os
from pathlib import Path
from typing import IO, Any

from .faults import Stop

_LENGTH = 4
# In bytes: more is no piece that 'npm run import' sends.
_LARGEST = 1 << 20
# In bytes: what a disk has left when no more of it is taken.
_SPARE = 512 << 20


class Arrival:
    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.told: dict[str, Any] = json.loads(stream.readline() or b"{}")

    def keep(self, path: Path) -> int:
        """Keeps the file, for root alone; its size in bytes."""
        size = 0
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            while piece := self._piece():
                disk = os.statvfs(path.parent)
                if disk.f_bavail * disk.f_frsize < _SPARE + len(piece):
                    raise Stop(
                        f"the disk has too little room for the file: {size >> 20} MiB of it have arrived.",
                        "Free some space on the host or give it a larger disk. Nothing was changed.",
                    )
                file.write(piece)
                size += len(piece)
        return size

    def _piece(self) -> bytes:
        """Nothing at the end."""
        head = self._stream.read(_LENGTH)
        length = int.from_bytes(head)
        piece = self._stream.read(length) if length <= _LARGEST else b""
        if len(head) < _LENGTH or len(piece) < length:
            raise Stop("the connection ended before the whole file had arrived.", "Nothing was changed. Try again.")
        return piece
