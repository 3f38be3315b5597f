"""Packages, accounts, images of Docker's and the rules of the firewall."""

import grp
import pwd
from collections.abc import Iterable

from host_drift.difference import Difference
from host_drift.files import lines_of
from host_drift.reading import Root
from host_drift.record import Record, Thing

_RULES = ("/etc/berth/firewall.nft", "/etc/berth/listeners.nft")
_TABLES = ("berth", "berth_listeners")


def packages(root: Root, record: Record) -> list[Difference]:
    things = record.of("package")
    if not things:
        return []
    told = root.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\\n"])
    installed = {line[3:].strip() for line in told.splitlines() if line.startswith("ii")}
    return [
        Difference("package", one.name, one.step, "is not installed any more")
        for one in things
        if one.name not in installed
    ]


def accounts(_: Root, record: Record) -> list[Difference]:
    return [found for one in record.of("account") for found in _account(one)]


def _account(thing: Thing) -> Iterable[Difference]:
    shell, given, *_ = [*thing.how, "", ""]
    try:
        account = pwd.getpwnam(thing.name)
    except KeyError:
        yield Difference("account", thing.name, thing.step, "was deleted")
        return
    if shell and account.pw_shell != shell:
        what = f"has the shell {account.pw_shell}; Berth gave it {shell}"
        yield Difference("account", thing.name, thing.step, what)
    groups = {one.gr_name for one in grp.getgrall() if thing.name in one.gr_mem or one.gr_gid == account.pw_gid}
    wanted = set(given.removeprefix("+").split(","))
    for group in sorted(wanted - groups):
        yield Difference("account", thing.name, thing.step, f"is no member of the group {group}")
    # Others had an account before, with groups of their own.
    for group in sorted(groups - wanted) if not given.startswith("+") else []:
        yield Difference(
            "account",
            thing.name,
            thing.step,
            f"is a member of the group {group}, which Berth did not give it",
            mended=False,
            next=f"sudo gpasswd --delete {thing.name} {group}",
        )


_MISSING = """docker version >/dev/null 2>&1 || exit 0
for one; do docker image inspect "$one" >/dev/null 2>&1 || printf '%s\\n' "$one"; done"""


def images(root: Root, record: Record) -> list[Difference]:
    """Docker alone knows by which digests it has an image. Where it does not run, its unit is told."""
    things = record.of("image")
    if not things:
        return []
    missing = root.run(["sh", "-c", _MISSING, "sh", *(one.name for one in things)]).splitlines()
    return [Difference("image", one.name, one.step, "was removed") for one in things if one.name in missing]


def firewall(root: Root, record: Record) -> list[Difference]:
    """What is loaded, against what its files make of a network of their own: both in the words of the same nft."""
    lists = [f"nft -s list table inet {table}" for table in _TABLES]
    loads = [f"nft -f {path}" for path in _RULES]
    found: list[Difference] = []
    for one in record.of("firewall"):
        made = root.run(["unshare", "--net", "sh", "-ec", "\n".join([*loads, *lists])])
        # Where a table is gone, the other one is there.
        there = root.run(["sh", "-c", "\n".join(f"{line} 2>/dev/null || true" for line in lists)])
        if there != made:
            what = "has other rules than Berth loaded" if there else "is not loaded"
            diff = lines_of(made, there, "what Berth made", "what is loaded")
            found.append(Difference("firewall", one.name, one.step, what, diff=diff))
    return found
