"""A process with a port ends before the next one starts, and a release is healthy when the port is answered."""

import dataclasses
import unittest

from fake import FakeHost
from release import live, prepare
from release.listening import listening
from story import A, B, Story

EVERYWHERE, HERE = "00000000:1B58", "0100007F:1B58"
EVERYWHERE_BY_IPV6, HERE_BY_IPV6 = f"{'0' * 32}:1B58", f"{'0' * 24}01000000:1B58"
MAPPED = "0000000000000000FFFF00000100007F:1B58"


class OfProcesses(Story):
    def listen(self, *sockets: str, state: str = "0A", table: str = "tcp") -> None:
        path = self.world.path(f"/proc/net/{table}")
        path.parent.mkdir(exist_ok=True)
        lines = [f"   {number}: {one} 00000000:0000 {state} 00000000:00000000" for number, one in enumerate(sockets)]
        path.write_text("\n".join(["  sl  local_address rem_address   st", *lines, ""]))

    def take_live(self, release: str, ports: tuple[int, ...] = (7000,)) -> str:
        beat, worker = FakeHost.processes
        processes = (beat, dataclasses.replace(worker, kind="command", count=1, alone=bool(ports), ports=ports))

        def work() -> None:
            context = self.host.context("app-release")
            prepare.prepare(context, self.host.prepare_facts(release, processes=processes))
            context = self.host.context("app-live")
            live.go_live(context, self.host.live_facts(release, processes=processes))

        return self._said(self.host.context("look"), work)

    def test_a_port_that_others_cannot_reach_is_none(self) -> None:
        self.assertEqual(listening(self.world), set())
        for table, here, everywhere in (
            ("tcp", [HERE], EVERYWHERE),
            ("tcp6", [HERE_BY_IPV6, MAPPED], EVERYWHERE_BY_IPV6),
        ):
            self.listen(*here, table=table)
            self.assertEqual(listening(self.world), set())
            self.listen(everywhere, state="01", table=table)
            self.assertEqual(listening(self.world), set())
            self.listen(*here, everywhere, table=table)
            self.assertEqual(listening(self.world), {7000})
            self.listen(table=table)

    def test_a_release_whose_process_does_not_listen_is_rolled_back(self) -> None:
        self.listen(EVERYWHERE)
        self.assertEqual(self.take_live(A), "")
        self.listen(HERE)
        said = self.take_live(B)
        self.assertRegex(said, r"'worker' does not listen at port 7000 \(app\.processes\.worker\.ports\)")
        self.assertEqual(self.live().split(".")[0], A)
        running = [unit for unit in self.world.active() if "worker" in unit]
        self.assertEqual(running, [f"shop-worker@{self.live()}.service"])

    def test_the_old_one_ends_first_also_when_it_had_no_port(self) -> None:
        self.listen(EVERYWHERE)
        for release, ports in ((A, ()), (B, (7000,))):
            self.assertEqual(self.take_live(release, ports), "")
            self.assertEqual(self.live().split(".")[0], release)
        stopped, started = (
            next(
                number
                for number, call in enumerate(self.world.calls)
                if call.startswith(f"systemctl {word}") and unit in call
            )
            for word, unit in (("stop", f"worker@{A}"), ("start", f"worker@{B}"))
        )
        self.assertLess(stopped, started)


if __name__ == "__main__":
    unittest.main()
