"""The import of the release program takes a copy over: what it is told, and the dump that is sent to it."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from copies_plan import Taker
from explain import last_words
from plan import STATE_OF_COPIES, Trouble
from scratch import Scratch
from watch import Watch

UNCHANGED = "Nothing was changed, and the copy is gone."
# As scripts/lib/dump.ts sends it.
_PIECE = 1 << 16
# While it is there, an import of ours is under way, or was cut off.
_IMPORTING = STATE_OF_COPIES / "importing"


@dataclass(frozen=True)
class Take:
    """Sends the dump, and its end once nothing else is left."""

    watch: Watch
    scratch: Scratch | None
    database: str
    child: "subprocess.Popen[bytes]"

    def __call__(self, then: Callable[[], None] | None) -> None:
        stream = self.child.stdin
        assert stream is not None
        if self.scratch is not None:
            self._send(self.scratch, stream)
        if then is not None:
            then()
        stream.write(bytes(4))
        stream.flush()

    def _send(self, scratch: Scratch, stream: IO[bytes]) -> None:
        with tempfile.TemporaryFile() as errors, scratch.dump(self.database, errors.fileno()) as dump:
            assert dump.stdout is not None
            while piece := dump.stdout.read(_PIECE):
                self.watch.look()
                stream.write(len(piece).to_bytes(4) + piece)
            if dump.wait() != 0:
                errors.seek(0)
                said = errors.read(1 << 16).decode(errors="replace")
                raise Trouble(f"the copy cannot be dumped: {last_words(said)}", UNCHANGED)


@contextlib.contextmanager
def importing(taker: Taker, watch: Watch, scratch: Scratch | None, arrived: dict[str, str]) -> Iterator[Take]:
    """The import of the release program, which is told all that it needs before it changes anything."""
    told: dict[str, object] = {**taker.site, "django": taker.django, "releaseCommand": taker.releaseCommand}
    told |= {"uploads": [*arrived], "database": scratch is not None}
    mark(_IMPORTING)
    with subprocess.Popen([_program(taker), "import"], stdin=subprocess.PIPE, stdout=sys.stderr, cwd="/") as child:
        assert child.stdin is not None
        try:
            child.stdin.write(f"{json.dumps(told)}\n".encode())
            yield Take(watch, scratch, taker.names["database"], child)
        except BrokenPipeError:
            # It said why it reads no further.
            pass
        finally:
            with contextlib.suppress(OSError):
                child.stdin.close()
            child.wait()
    if child.returncode != 0:
        raise Trouble("nothing was changed: what is wrong is above", "All is as it was before.")
    _IMPORTING.unlink()


def recover(taker: Taker) -> None:
    """Of an import that was cut off, itself puts right what it had begun."""
    if _IMPORTING.exists():
        subprocess.run([_program(taker), "import-recover"], stdin=subprocess.DEVNULL, check=True, cwd="/")
        _IMPORTING.unlink()


def mark(path: Path) -> None:
    """Also for after a power cut."""
    STATE_OF_COPIES.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("w") as file:
        os.fsync(file.fileno())


def _program(taker: Taker) -> str:
    return f"/usr/local/lib/berth/{taker.application}/berth-release"
