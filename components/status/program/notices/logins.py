"""Who has logged in by SSH, by what sshd itself says in the journal.

Any account may write a line that looks like one of sshd's; only what a process of root's named so has said is read, and
journald, not the line, says who that was (systemd.journal-fields(7)).
"""

import dataclasses
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence

from host_status.limits import HOUR

# Its listener, and what serves a connection since OpenSSH 9.8.
_OF_SSHD = ("_UID=0", "_COMM=sshd", "+", "_UID=0", "_COMM=sshd-session")
# Behind the fingerprint of a certificate: its name and number, and the key that signed it.
_ACCEPTED = re.compile(
    r"Accepted (\S+) for (\S+) from (\S+) port \d+ ssh2(?:: (\S+ \S+)(?: ID .* \(serial \d+\) CA \S+ \S+)?)?"
)
# How many lines are read at most: whoever knocks at the door writes one each time.
_MOST = 5000


@dataclasses.dataclass(frozen=True)
class Login:
    account: str
    address: str
    # By what: a method, and the key where it was one.
    how: str
    # In seconds since 1970.
    at: float

    @property
    def key(self) -> str:
        return f"{self.account} {self.address}"


def read(run: Callable[[Sequence[str]], str], cursor: str, now: float) -> tuple[str, list[Login]]:
    """Logins since a place in the journal, and the place to go on from. Without one, from now on."""
    fixed = ["journalctl", "--quiet", "--no-pager", "--output=json", "--output-fields=MESSAGE", "--show-cursor"]
    if cursor == "":
        # The last one is there for its place.
        return _cursor(run([*fixed, "--lines=1"])) or "", []
    said = run([*fixed, f"--lines={_MOST}", f"--after-cursor={cursor}", *_OF_SSHD])
    found = [login for line in said.splitlines() if (login := _login(line)) is not None]
    # Of a time to come nothing is known; a clock that was put back must not hide who came.
    return _cursor(said) or cursor, [
        login if login.at <= now else dataclasses.replace(login, at=now) for login in found
    ]


def worth_telling_of_logins(
    found: Sequence[Login], accounts: Collection[str], told: Mapping[str, float], now: float
) -> tuple[list[Login], dict[str, float]]:
    """Those of these accounts, one of an account from an address within an hour; and what was told within it."""
    lately = {key: at for key, at in told.items() if 0 <= now - at < HOUR}
    news: list[Login] = []
    for login in found:
        if login.account in accounts and login.key not in lately:
            news.append(login)
            lately[login.key] = now
    return news, lately


def _cursor(said: str) -> str | None:
    return next(
        (line.removeprefix("-- cursor: ") for line in said.splitlines() if line.startswith("-- cursor: ")), None
    )


def _login(line: str) -> Login | None:
    """A line of the journal as JSON; nothing where it is about anything else."""
    if not line.startswith("{"):
        return None
    entry = json.loads(line)
    # What is no text is in bytes, and none of sshd's.
    accepted = _ACCEPTED.fullmatch(entry["MESSAGE"]) if isinstance(entry.get("MESSAGE"), str) else None
    if accepted is None:
        return None
    method, account, address, key = accepted.groups()
    at = int(entry["__REALTIME_TIMESTAMP"]) / 1e6
    return Login(account, address, method if key is None else f"{method}, {key}", at)
