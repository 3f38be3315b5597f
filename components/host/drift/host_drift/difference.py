"""What a difference is."""

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Difference:
    # 'file', 'link', 'directory', 'drop-in', 'unit', 'package', 'account', 'image', 'firewall', 'change' or 'step'.
    kind: str
    # A path, or the name of a unit, a package, an account, an image or a step.
    name: str
    # The step that made it.
    step: str
    # What is wrong, in the words that follow the name.
    what: str
    # Whether the step puts it right when it runs again.
    mended: bool = True
    # What to do, where it does not.
    next: str | None = None
    # A unified diff, where every account may read both texts.
    diff: Sequence[str] | None = None
