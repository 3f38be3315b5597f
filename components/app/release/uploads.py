"""Uploads of another stack, which come with its database: they take the place of those that are there, which are kept.

All of it lies in the directory itself, in .berth-copy, where nobody but the application's account comes: so each move
is within one file system. Where that stands is told by what is there, at any moment at which it may be cut off:

    arrived    the new ones, whole
    aside.new  the old ones, while they are moved there: all that is left outside is old as well
    aside      the old ones: all that is outside is new
    before     the old ones, once the new ones are proven
"""

from collections.abc import Sequence

from .context import Context
from .faults import Stop
from .world import Command

_OWN = ".berth-copy"
# The file system's own, in the top directory of a volume: nobody but root moves it.
_OF_VOLUME = "lost+found"

_BEGIN = f"""
own={_OWN}
cd -- "$1"
outside() {{ find . -mindepth 1 -maxdepth 1 ! -name "$own" ! -name {_OF_VOLUME} "$@"; }}
inside() {{ find "$own/$1" -mindepth 1 -maxdepth 1 -exec mv -t . -- {{}} +; rmdir "$own/$1"; }}
"""
_TAKE = """
mkdir -p -m 700 "$own/aside.new"
outside -exec mv -t "$own/aside.new" -- {} +
mv -T "$own/aside.new" "$own/aside"
inside arrived
"""
_BACK = """
if [ -d "$own/aside" ]; then
  outside -exec rm -rf -- {} +
  mv -T "$own/aside" "$own/aside.new"
fi
if [ -d "$own/aside.new" ]; then inside aside.new; fi
rm -rf "$own/arrived" "$own/arriving"
"""
_KEEP = """
[ -d "$own/aside" ] || exit 0
rm -rf "$own/before"
mv -T "$own/aside" "$own/before"
"""
# Cut off, it goes on with going back.
_UNDO = """
[ ! -d "$own/before" ] || mv -T "$own/before" "$own/aside"
"""


class Uploads:
    """:param directories: of which there are uploads that have arrived; each is the application's own"""

    def __init__(self, context: Context, directories: Sequence[str]) -> None:
        self._context = context
        self._directories = directories

    def take(self) -> None:
        """Those that have arrived come in the place of those that are there."""
        self._each(_TAKE)

    def back(self) -> None:
        """What was there is there again, however much of the taking was done."""
        self._each(_BACK)

    def keep(self) -> None:
        """What was there is kept for an undo, and what was kept before goes."""
        self._each(_KEEP)

    def forget(self) -> None:
        """What was kept before goes."""
        self._each('rm -rf "$own/before"\n')

    def undo(self) -> None:
        self._each(_UNDO)
        self.back()

    def are_kept(self) -> bool:
        return any(self._has(one, "before") for one in self._directories)

    def _has(self, directory: str, state: str) -> bool:
        return self._run(["test", "-d", f"{directory}/{_OWN}/{state}"]) == 0

    def _each(self, script: str) -> None:
        for directory in self._directories:
            if self._run(["sh", "-euc", _BEGIN + script, "sh", directory]) != 0:
                self._context.voice.refuse_full_disk()
                raise Stop(
                    f"the uploads in {directory} could not be moved.",
                    f"What is in the way is in {self._context.voice.log_path} on the host.",
                )

    def _run(self, argv: list[str]) -> int:
        def listen(line: str, _: bool) -> None:
            self._context.voice.log(line)

        # What belongs to the application's account, that account moves: root would follow its links.
        return self._context.world.run(Command(argv, account=self._context.place.name), listen)
