"""Takes a prepared release live, or back: it is started next to what serves, led to, and proven."""

import dataclasses
import hashlib
import itertools
import json
import threading

from . import hooks, once, states, symptoms
from .context import Context
from .facts import Live
from .fallback import FallBack
from .faults import HeldUp, LostLock, Stop, Unhealthy
from .files import link_target
from .front import lead_to
from .journal import printed
from .migrate import Migration
from .pages import Pages
from .place import release_of, settings_of
from .processes import ALONE, Processes
from .procfile import Procfile
from .records import Instance
from .retire import prune_beside, retire_others
from .server import Server
from .source import Code
from .static import Statics, forget_kept, recover, take_back
from .tracebacks import cause, exceptions

# For how long a release is watched once it is healthy, in seconds; and how often it is looked at after the switch, ten
# times a second at most. Where the host is busy, a look takes longer, and so does whatever is about to go wrong.
_WATCH = 1.0
_LOOKS = 6
# How many exceptions of a healthy release are shown.
_EXCEPTIONS = 5


def go_live(context: Context, facts: Live) -> None:
    context.ledger.open()
    context.recover()
    recover(context)
    switch = Switch(context, facts)
    if switch.is_live():
        once.run(context, facts, context.ledger.release(facts.release))
        switch.settle_links()
        switch.prove_pages()
    else:
        switch.make()
    with prune_beside(context, facts):
        retire_others(context, facts, switch.instance.name, switch.processes)


class Switch:
    """From the instance that is live to the one that is wanted."""

    def __init__(self, context: Context, facts: Live) -> None:
        self._context = context
        self._facts = facts
        self._settings = context.settings(facts.secrets)
        self._release = context.ledger.release(facts.release)
        if not context.ledger.is_there(self._release):
            raise Stop(f"release {facts.release} is not prepared on this host.", "Run 'pulumi up' again.")
        self._procfile = Procfile(self._release.procfile, facts.kinds)
        name = context.instances.name(self._release, facts.processes)
        units = context.instances.units(name, facts.processes, self._procfile)
        self.instance = context.ledger.instance(name)
        self._units = units
        self.before = context.ledger.live()
        running = context.systemd.instances_of(f"{context.place.name}-web") if context.place.web else set()
        names = context.instances.others(name, running)
        self._others = [context.ledger.instance(other) for other in names]
        self.processes = Processes(
            context, facts.processes, self._procfile, Instance(name, units=units), self._others, facts.secrets
        )
        self.server = Server(context, facts, name)
        self._pages = Pages(context, facts.pages, self._release, self.server.unit)
        # What runs of others of that of which there may be only one.
        self._old = [unit for other in self._others for unit in self.processes.unwanted(other, alone=True)]
        is_known = not facts.processes or settings_of(name) in self._release.proven_with
        # It has been healthy with these processes and settings: then it is started all at once, and asked once.
        self._is_proven = self._release.state == states.PROVEN and is_known
        self._door = 0
        self.is_switched = False
        self._healthy_since = 0.0

    @property
    def came_from(self) -> str:
        return release_of(self.before) if self.before else ""

    def is_live(self) -> bool:
        """Whether nothing is left to do for it."""
        context, name = self._context, self.instance.name
        place = context.place
        if self.before != name or link_target(place.current) != place.told(place.release(self._facts.release)):
            return False
        if place.web:
            led = link_target(place.socket) == f"web-{name}.sock"
            if not led or not context.systemd.all_active([self.server.unit]) or not self.server.is_healthy():
                return False
        return context.systemd.all_active([*self.processes.beside, *self.processes.alone])

    def make(self) -> None:
        """Does it, and says in the history how it ended."""
        context, facts = self._context, self._facts
        self._refuse_failed()
        self._ask_again()
        back = FallBack(context, facts, self._settings, self)
        try:
            context.voice.refuse_full_disk()
            self.instance = context.ledger.move_instance(
                self.instance, "chosen", units=self._units, tried_with=self._tried_with(), reason="", words=""
            )
            Migration(context, facts, self._settings, self._release).run()
            once.run(context, facts, self._release)
            self._start_beside()
            self._switch()
        except LostLock:
            raise
        except Exception as fault:
            stop = back.from_fault(fault)
            self._take_back()
            context.note(self.came_from, facts.release, self._release.commit, "failed", stop.what)
            raise stop from fault
        self.settle_links()
        result = "settings" if self.came_from == facts.release else "rollback" if facts.kept else "release"
        notices = [*self._pages.notices, *self._exceptions()]
        line = context.note(self.came_from, facts.release, self._release.commit, result, notices=notices)
        for notice in notices:
            context.voice.say(notice)
        if context.place.web:
            hooks.start(context, line)

    def _take_back(self) -> None:
        """Static files of settings that have failed."""
        if self.instance.name == self._context.ledger.live():
            return
        try:
            take_back(self._context, self.instance.name)
        except LostLock:
            raise
        except Exception as error:  # noqa: BLE001  # What went wrong first is what is told.
            self._context.as_stop(error)

    def _exceptions(self) -> list[str]:
        """Those in the log: no fault of a release that is healthy, and nothing that should surprise anybody later."""
        server = [self.server.unit] if self._context.place.web else []
        found = exceptions(printed(self._context, [*server, *self.processes.beside, *self.processes.alone]))
        left = [f"its log has {len(found) - _EXCEPTIONS} more exceptions"] if len(found) > _EXCEPTIONS else []
        return [*(f"its log has an exception: {one}" for one in found[:_EXCEPTIONS]), *left]

    def _refuse_failed(self) -> None:
        instance, release = self.instance, self._facts.release
        is_same = instance.tried_with == self._tried_with()
        if instance.state == states.FAILED and is_same and self._facts.retry != release:
            self._context.voice.show(instance.words.splitlines())
            again = f"release {release} has failed before, with the same settings, and is not tried again:"
            todo = f"Deploy another; or set app.retry: {release} to try this one once more."
            raise Stop(f"{again} {instance.reason}", f"{todo} {self.serving(self.server.unit)}")

    def _ask_again(self) -> None:
        """What Django says of the project and which static files it collects depends on the settings.

        Secrets that were made anew are none that decide.
        """
        context, facts, release, settings = self._context, self._facts, self._release, self._settings
        asked = release.asked
        if not context.place.web or asked is None or asked.django is None:
            return
        told = json.dumps([facts.changes.get(name) for name in ("settings", "files")])
        wanted = hashlib.sha256(told.encode()).hexdigest()[:16]
        if release.asked_with == wanted:
            return
        is_new = release.asked_with == "" and release.plan is not None and release.plan.settings == settings.digest
        if not is_new:
            context.voice.refuse_full_disk()
            context.voice.say("collecting the static files again, because the settings have changed")
            # One that is rolled back to has passed them.
            with_checks = dataclasses.replace(asked, check=None) if facts.kept else asked
            statics = Statics(context, release.id, with_checks, Code(context, release.id), release.id)
            try:
                release = statics.again(release, settings, self.instance.name)
            except LostLock:
                raise
            except Exception as fault:
                self._take_back()
                stop = context.as_stop(fault)
                context.note(self.came_from, release.id, release.commit, "failed", stop.what)
                raise stop from fault
            self._pages = Pages(context, facts.pages, release, self.server.unit)
        self._release = dataclasses.replace(release, asked_with=wanted)

    def _tried_with(self) -> str:
        """A digest of what decides whether it goes live, and is no part of an instance."""
        facts = self._facts
        told = [facts.health, facts.domain, facts.scheme, facts.door, facts.release_command, facts.dump, facts.packages]
        told += [*map(dataclasses.astuple, facts.once), *map(dataclasses.astuple, facts.pages)]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]

    def serving(self, unit: str) -> str:
        """What people see now."""
        if self.before:
            return f"It did not go live. The previous release, {self.came_from}, still serves."
        return f"Its log: journalctl -u {unit}"

    def _start_beside(self) -> None:
        context, processes, name = self._context, self.processes, self.instance.name
        self._wait_for_its_end()
        context.instances.put(name, self._release, self._facts.processes, self._procfile)
        # Two of them run for a while. When that is too much, the new one is to end.
        context.systemd.spare(self._serving_units())
        # Of what has never been healthy, that of which there may be only one starts when people are served by it: until
        # then the old one goes on.
        early = list(processes.beside)
        if self._is_proven:
            context.systemd.stop(self._old)
            early += processes.alone
        first = list(processes.beside)
        if context.place.web:
            self.server.open()
            first.append(self.server.unit)
        # The time that it takes to see whether processes stay up is that in which the server starts.
        processes.start(first)
        if self._is_proven:
            self._take_over()
        if context.place.web:
            self.server.wait_until_healthy()
            self._healthy_since = context.world.now()
            # What the processes compute is looked at from here on.
            processes.still_starting(context.systemd.look(early))
            self.server.warm()
            self._ask_pages()
        looks = processes.settle(early)
        if not context.place.web:
            self._healthy_since = context.world.now()
        for look in looks:
            if look.has_fallen:
                raise self._not_up(look.unit)
            if look.is_returning:
                context.voice.say(
                    f"{look.unit}: still finishes its tasks from before; "
                    "it starts again after that, and until then nothing takes its tasks"
                )
        self._refuse_without_queue(early)
        # What has been healthy with these settings had none.
        shell = "" if self._is_proven else processes.shelled(looks)
        if shell:
            raise Unhealthy(
                shell,
                f"the command of its process '{processes.of(shell)}' leaves a shell waiting for it, and the shell "
                "passes no signals on. Write one program, or put 'exec' before the program.",
            )

    def _serving_units(self) -> list[str]:
        """What runs of the instance that is live."""
        if not self.before or self.before == self.instance.name:
            return []
        server = [f"{self._context.place.web_unit(self.before)}.service"] if self._context.place.web else []
        return [*server, *(unit.name for unit in self._context.ledger.instance(self.before).units)]

    def _wait_for_its_end(self) -> None:
        """One that is rolled back to may still finish what it had begun when it was live."""
        context, unit = self._context, self.server.unit
        if not context.place.web or not context.place.instance(self.instance.name).exists():
            return
        end = context.world.now() + self._facts.timeout + 15
        while context.systemd.one(unit).active == "deactivating":
            if context.world.now() > end:
                raise HeldUp(
                    f"{unit} is to start again, but it has not ended since it was last live.",
                    f"See 'systemctl status {unit}' on the host, then run 'pulumi up' again.",
                )
            context.world.sleep(0.1)

    def _switch(self) -> None:
        context, place, name = self._context, self._context.place, self.instance.name
        # It ends while people are led to the new one. What has moved to another host starts there after this step.
        if not self._is_proven:
            context.systemd.stop(self._old)
        if self.before != name:
            self.instance = context.ledger.move_instance(self.instance, "healthy")
        if place.web:
            self._lead()
        self.is_switched = True
        # What the instance consists of must outlast a loss of power, once it is the one that boots.
        saving = threading.Thread(target=self._save)
        saving.start()
        try:
            if not self._is_proven:
                self._take_over()
            self._watch()
        finally:
            saving.join()
        # From here on this is what boots. Its record comes first, the link decides.
        with_these = {settings_of(name), *self._release.proven_with}
        self._release = context.ledger.move_release(
            context.ledger.release(self._release.id),
            "proven",
            proven_with=tuple(sorted(with_these)),
            asked_with=self._release.asked_with,
            samples=self._release.samples,
        )
        context.files.link(place.live, name)
        forget_kept(context, name)

    def _save(self) -> None:
        for place in (self._context.place.instances, self._context.place.units):
            self._context.world.sync(place)

    def _lead(self) -> None:
        context, place, name = self._context, self._context.place, self.instance.name
        # Where the front door does not answer for this name now, it says nothing about the release.
        if self.before and context.systemd.all_active(["nginx.service"]):
            self._door = self.server.ask_front()
            if self._door == 200:
                before = context.ledger.release(self.came_from)
                self._pages.look_before(self._facts.domain, self._facts.door, before)
        # Should the new one crash, nginx asks the one before again where that is safe (site.conf).
        if self.before:
            context.files.link(place.before_socket, f"web-{self.before}.sock")
        # Pages that are open have come from there.
        if self.came_from not in ("", self._facts.release):
            context.files.link(place.static / "before", place.told(place.static / self.came_from))
        lead_to(context, name)

    def _take_over(self) -> None:
        """Of what there may be only one, the new one starts when the old one, which has been told to, has ended."""
        context = self._context
        end = context.world.now() + ALONE
        while not context.systemd.all_gone(self._old):
            if context.world.now() > end:
                told = " ".join(self._old)
                reason = f"{told} of the previous release does not end, and only one may run."
                raise Unhealthy(self._old[0], reason, held_up=True)
            context.world.sleep(0.05)
        self.processes.start(self.processes.alone)

    def _watch(self) -> None:
        """Until it has been healthy for a while, and what was started after the switch has started up."""
        context, processes = self._context, self.processes
        units = [*processes.beside, *processes.alone]
        server = [self.server.unit] if context.place.web else []
        alone = set(processes.alone)
        if self._door == 200:
            self._pages.prove_front(self._facts.domain, self._facts.door)
        for count in itertools.count(1):
            looks = context.systemd.look([*server, *units])
            of_alone = [look for look in looks if look.unit in alone]
            is_long = count >= _LOOKS and context.world.now() >= self._healthy_since + _WATCH
            is_last = self._is_proven or (not processes.still_starting(of_alone) and is_long)
            if server:
                code = self.server.ask_front() if self._door == 200 else self.server.ask(10)
                if code != 200:
                    raise self.server.unhealthy(code)
                if self.server.has_crashed(looks[0]):
                    raise self.server.unhealthy(0)
            for look in looks[len(server) :]:
                if look.has_fallen:
                    raise self._not_up(look.unit)
            if is_last:
                self._refuse_without_queue(processes.alone)
                self._refuse_unheard()
                return
            context.world.sleep(0.1)

    def _refuse_unheard(self) -> None:
        found = self.processes.unheard()
        if found is not None:
            port, unit = found
            process = self.processes.of(unit)
            raise Unhealthy(
                unit,
                f"its process '{process}' does not listen at port {port} (app.processes.{process}.ports), or only at "
                "127.0.0.1, where nobody else reaches it: it must listen at 0.0.0.0 or [::].",
            )

    def prove_pages(self) -> None:
        """Of what is live already: there is nothing to go back from."""
        if not self._context.place.web:
            return
        try:
            self._ask_pages()
        except Unhealthy as fault:
            context = self._context
            context.voice.show(cause(printed(context, [self.server.unit])))
            raise Stop(
                f"release {self._facts.release} is live, and {fault.reason}", f"Its log: journalctl -u {fault.unit}"
            ) from fault

    def _ask_pages(self) -> None:
        self._pages.prove(self.server.socket, self._facts.domain, self._facts.scheme)

    def _refuse_without_queue(self, units: list[str]) -> None:
        """Refuses what stays up and is not let in by its queue: it would try again for ever, and run no task."""
        # What has been healthy with these settings was let in.
        if self._is_proven or not symptoms.is_refused_by_redis(printed(self._context, units)):
            return
        for unit in units:
            if symptoms.is_refused_by_redis(printed(self._context, [unit])):
                process = self.processes.of(unit)
                raise Unhealthy(unit, f"Redis does not let its process '{process}' in, so it would run no task.")

    def _not_up(self, unit: str) -> Unhealthy:
        reason = f"its process '{self.processes.of(unit)}' ended by itself, and it was expected to stay up."
        return Unhealthy(unit, reason)

    def settle_links(self) -> None:
        """What follows the link that decides; an interruption here is made good by the next run."""
        context, place = self._context, self._context.place
        if self.instance.state == states.TRIAL:
            self.instance = context.ledger.move_instance(self.instance, "proven")
        context.files.link(place.current, place.told(place.release(self._facts.release)))
        context.files.remove(place.before_socket)
