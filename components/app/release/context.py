"""What every command of the program works with."""

import itertools
import json
import traceback
from collections.abc import Sequence

from . import states
from .facts import Application
from .faults import FullDisk, HeldUp, Stop
from .files import Files, is_full
from .inside import Inside
from .instances import Instances
from .place import Place
from .records import Instance, Ledger
from .settings import Settings
from .systemd import Systemd
from .voice import SPACE, Runner, Voice
from .world import World


class Context:
    def __init__(self, world: World, application: Application, step: str, who: str = "root", address: str = "") -> None:
        self.world = world
        # Who asked, and from where: for the history.
        self.who = who
        self.address = address
        self.began = world.time()
        self.place = Place(world, application)
        self.voice = Voice(world, step, world.path(f"/var/log/berth/{step}.log"))
        self.runner = Runner(world, self.voice)
        self.files = Files(world)
        self.ledger = Ledger(world, self.place, self.files)
        self.systemd = Systemd(world, self.voice)
        self.instances = Instances(self.place, self.files, self.ledger)
        self.inside = Inside(world, self.place, self.files, self.systemd, self.voice)

    def settings(self, secret: tuple[str, ...]) -> Settings:
        """From here on nothing that is printed shows a secret one."""
        settings = Settings(self.place.settings, self.place.files)
        logins = self.place.logins.read_text().split() if self.place.logins.exists() else []
        passwords = [word for before, word in itertools.pairwise(logins) if before == "password"]
        of_files = self.place.secrets_of_files
        in_files = json.loads(of_files.read_text()) if of_files.exists() else []
        of_builds = self.place.secrets_of_builds()
        self.voice.needles = settings.needles(secret, [*passwords, *in_files, *of_builds.values()])
        return settings

    def recover(self) -> None:
        """Takes the steps that interruptions have left to take: a kill, a lost lock, a reboot.

        The link to the instance that boots decides: it was led there when that was proven.
        """
        place, live = self.place, self.ledger.live()
        for folder in (place.ledger, place.release_records, place.instance_records, place.environment_records):
            self.files.sweep(folder)
        self.files.sweep(place.units, f"{place.name}-")
        for instance in self.ledger.instances():
            if instance.name == live:
                self._recover_live(instance)
            elif instance.state == states.LIVE:
                self.ledger.move_instance(instance, "replaced")
            elif instance.state in (states.STARTING, states.TRIAL, states.LEAVING):
                rebooted = instance.boot != self.world.boot
                self.ledger.move_instance(instance, "rebooted" if rebooted else "interrupted")
        if live and self.ledger.instance(live).state == states.NONE:
            self.ledger.move_instance(Instance(live), "found")
        for release in self.ledger.releases():
            if release.state == states.PREPARING:
                rebooted = release.boot != self.world.boot
                self.ledger.move_release(release, "rebooted" if rebooted else "interrupted")

    def _recover_live(self, instance: Instance) -> None:
        if instance.state == states.TRIAL:
            self.ledger.move_instance(instance, "proven")
        elif instance.state == states.LIVE and instance.boot != self.world.boot:
            self.ledger.move_instance(instance, "rebooted")

    def as_stop(self, fault: Exception) -> Stop:
        """What ends the step, of whatever went wrong."""
        if isinstance(fault, Stop):
            return fault
        if isinstance(fault, OSError) and is_full(fault):
            return FullDisk(f"the disk is full, or was a moment ago: '{fault}'.", SPACE)
        for line in "".join(traceback.format_exception(fault)).splitlines():
            self.voice.log(line)
        try:
            self.voice.refuse_full_disk()
        except FullDisk as full:
            return full
        what = f"an unexpected fault: {type(fault).__name__}: {fault}."
        return HeldUp(what, f"See {self.voice.log_path} on the host, then run 'pulumi up' again.")

    def note(
        self, before: str, release: str, commit: str, result: str, reason: str = "", notices: Sequence[str] = ()
    ) -> dict[str, object]:
        """Keeps a line of the history; what it says."""
        return self.ledger.note(
            {
                "who": self.who,
                "address": self.address or None,
                "from": before or None,
                "to": release,
                "commit": commit or None,
                "seconds": round(self.world.time() - self.began),
                "result": result,
                "reason": self.voice.mask(reason) or None,
                "notices": [self.voice.mask(one) for one in notices],
            }
        )
