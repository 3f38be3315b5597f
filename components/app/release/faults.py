"""What ends a command of the program: each says what is wrong, and what to do."""


class Stop(Exception):
    """The step fails, with one line."""

    def __init__(self, what: str, todo: str = "") -> None:
        super().__init__(f"{what} {todo}".rstrip())
        self.what = what
        self.todo = todo


class FullDisk(Stop):
    """Nobody's fault: what could not be written is written another time."""


class HeldUp(Stop):
    """Nobody's fault: something of another release, or of another program, does not end or let go."""


class LostLock(Stop):
    """Another run may be at work on this host, so nothing more is touched."""


class Unhealthy(Exception):
    """An instance is not healthy: the unit whose log says why, and the reason.

    :param path: the path of the application that answers with an error
    """

    def __init__(self, unit: str, reason: str, held_up: bool = False, path: str = "") -> None:
        super().__init__(reason)
        self.path = path
        self.unit = unit
        self.reason = reason
        self.held_up = held_up
