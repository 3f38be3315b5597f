"""The states of a release and of an instance, and what leads from one to the next.

This table is the only place that says so: the program can make no other step, and docs/releases.md is made from it.
"""

from typing import NamedTuple

NONE = "none"

# Of a release: code, dependencies and static files, made once.
PREPARING = "preparing"
PREPARED = "prepared"
PROVEN = "proven"

# Of an instance: a release with the settings, limits and commands that it runs with.
STARTING = "starting"
TRIAL = "trial"
LIVE = "live"
LEAVING = "leaving"
FAILED = "failed"


class Step(NamedTuple):
    state: str
    event: str
    then: str
    what: str


RELEASE: tuple[Step, ...] = (
    Step(NONE, "wanted", PREPARING, "Its code is fetched, its dependencies installed, its static files collected."),
    Step(PREPARING, "complete", PREPARED, "Everything is on the disk. Nothing is made again."),
    Step(PREPARING, "wanted", PREPARING, "Berth deletes what an earlier run left, and makes the release again."),
    Step(PREPARING, "fault", PREPARING, "What runs was not touched."),
    Step(PREPARING, "disk full", PREPARING, "What runs was not touched."),
    Step(PREPARING, "interrupted", PREPARING, "What runs was not touched."),
    Step(PREPARING, "rebooted", PREPARING, "What runs was not touched."),
    Step(PREPARING, "surplus", NONE, "It is deleted when the next release is prepared."),
    Step(PREPARED, "proven", PROVEN, "It has been live and healthy. You can roll back to it."),
    Step(PREPARED, "surplus", NONE, "It was never live, and is deleted when the next release is prepared."),
    Step(PROVEN, "proven", PROVEN, "It has been live once more."),
    Step(PROVEN, "surplus", NONE, "`app.keep` newer releases were healthy, and none of its processes runs any more."),
    Step(PREPARED, "lost", NONE, "Somebody removed its directory."),
    Step(PROVEN, "lost", NONE, "Somebody removed its directory."),
)

INSTANCE: tuple[Step, ...] = (
    Step(NONE, "chosen", STARTING, "It starts next to the live instance, with its own settings and units."),
    Step(STARTING, "healthy", TRIAL, "One rename leads visitors to it. The previous instance keeps running."),
    Step(TRIAL, "proven", LIVE, "It is the instance that boots."),
    Step(LIVE, "replaced", LEAVING, "It finishes its requests and tasks, and stops."),
    Step(LEAVING, "ended", NONE, "Its settings and units are removed."),
    Step(STARTING, "own fault", FAILED, "It stops. Berth tries it again when something that decides has changed."),
    Step(TRIAL, "own fault", FAILED, "Visitors and waiting connections go back to the previous instance. It stops."),
    Step(STARTING, "service away", LEAVING, "It stops. The next `pulumi up` tries it again."),
    Step(TRIAL, "service away", LEAVING, "Visitors go back to the previous one. The next `pulumi up` tries it again."),
    Step(STARTING, "held up", LEAVING, "A process of another release does not end. The next `pulumi up` tries again."),
    Step(TRIAL, "held up", LEAVING, "Visitors go back to the previous one. The next `pulumi up` tries again."),
    Step(STARTING, "disk full", LEAVING, "It stops. The next `pulumi up` tries it again."),
    Step(TRIAL, "disk full", LEAVING, "Visitors go back to the previous one. The next `pulumi up` tries it again."),
    Step(STARTING, "short of memory", LEAVING, "It stops. The next `pulumi up` tries it again."),
    Step(
        TRIAL, "short of memory", LEAVING, "Visitors go back to the previous one. The next `pulumi up` tries it again."
    ),
    Step(STARTING, "interrupted", STARTING, "Nothing changes for visitors. The next `pulumi up` continues."),
    Step(TRIAL, "interrupted", STARTING, "It keeps serving next to the live one. The next `pulumi up` tries it again."),
    Step(STARTING, "rebooted", LEAVING, "The live instance boots."),
    Step(TRIAL, "rebooted", LEAVING, "The live instance boots."),
    Step(STARTING, "chosen", STARTING, "Berth tries it from the beginning."),
    Step(STARTING, "replaced", LEAVING, "Another instance has gone live."),
    Step(LIVE, "rebooted", LIVE, "It starts when the host boots."),
    Step(LIVE, "chosen", LIVE, "Some of its processes have stopped. Berth starts them again."),
    Step(LIVE, "unhealthy", LIVE, "There is nothing to roll back to. The next `pulumi up` starts it again."),
    Step(NONE, "found", LIVE, "Its record was lost. The link to what boots shows that it is live."),
    Step(LEAVING, "chosen", STARTING, "A rollback: it starts again when its server has ended."),
    Step(LEAVING, "replaced", LEAVING, "Berth tells it to end once more."),
    Step(LEAVING, "interrupted", LEAVING, "It finishes its requests and tasks. The rest is removed later."),
    Step(LEAVING, "rebooted", LEAVING, "None of it runs. The rest is removed later."),
    Step(FAILED, "chosen", STARTING, "`app.retry` names its release."),
    Step(FAILED, "surplus", NONE, "Twenty more have failed since."),
)

NEXT_OF_RELEASE = {(step.state, step.event): step.then for step in RELEASE}
NEXT_OF_INSTANCE = {(step.state, step.event): step.then for step in INSTANCE}


class NoSuchStep(Exception):
    """The program asked for a step that the table does not have: a fault of the program."""


def next_of_release(state: str, event: str) -> str:
    return _next(NEXT_OF_RELEASE, state, event)


def next_of_instance(state: str, event: str) -> str:
    return _next(NEXT_OF_INSTANCE, state, event)


def _next(table: dict[tuple[str, str], str], state: str, event: str) -> str:
    if (state, event) not in table:
        raise NoSuchStep(f"nothing leads from '{state}' by '{event}'")
    return table[state, event]


def as_document() -> str:
    """The tables and their drawings in Markdown, as docs/releases.md has them."""
    parts = [_drawing(RELEASE), _rows(RELEASE), _drawing(INSTANCE), _rows(INSTANCE)]
    return "\n\n".join(parts) + "\n"


def _drawing(table: tuple[Step, ...]) -> str:
    lines = ["```mermaid", "stateDiagram-v2"]
    arrows: dict[tuple[str, str], list[str]] = {}
    for step in table:
        if step.state != step.then:
            arrows.setdefault((step.state, step.then), []).append(step.event)
    for (state, then), events in arrows.items():
        ends = ["[*]" if one == NONE else one for one in (state, then)]
        lines.append(f"    {ends[0]} --> {ends[1]}: {', '.join(events)}")
    return "\n".join([*lines, "```"])


def _rows(table: tuple[Step, ...]) -> str:
    head = ["| from | when | to | what happens |", "|---|---|---|---|"]
    return "\n".join([*head, *(f"| {one.state} | {one.event} | {one.then} | {one.what} |" for one in table)])


if __name__ == "__main__":
    print(as_document(), end="")
