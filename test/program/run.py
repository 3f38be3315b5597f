"""Runs the program's tests, and tells of each in a line of JSON: run.py [NAME…]"""

import json
import sys
import traceback
import types
import unittest
from pathlib import Path

HERE = Path(__file__).parent
Fault = tuple[type[BaseException], BaseException, types.TracebackType] | tuple[None, None, None]


class Teller(unittest.TestResult):
    """A test of which a part fails is told once, with all that failed."""

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802  # unittest's own name.
        super().startTest(test)
        self._faults: list[str] = []

    def stopTest(self, test: unittest.TestCase) -> None:  # noqa: N802
        super().stopTest(test)
        name = test.id().split(".")[-1].removeprefix("test_").replace("_", " ")
        skipped = any(one is test for one, _ in self.skipped)
        outcome = "failed" if self._faults else "skipped" if skipped else "passed"
        line = {"name": f"{type(test).__name__}: {name}", "outcome": outcome, "reason": "\n".join(self._faults)}
        print(json.dumps(line), flush=True)

    def addFailure(self, test: unittest.TestCase, err: Fault) -> None:  # noqa: N802
        super().addFailure(test, err)
        self._add(err)

    def addError(self, test: unittest.TestCase, err: Fault) -> None:  # noqa: N802
        super().addError(test, err)
        self._add(err)

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Fault | None) -> None:  # noqa: N802
        super().addSubTest(test, subtest, err)
        if err is not None and len(self._faults) < 3:
            self._faults.append(str(subtest))
            self._add(err)

    def _add(self, err: Fault) -> None:
        self._faults += traceback.format_exception(*err)


def main() -> int:
    components = HERE.parent.parent / "components"
    places = (
        components / "app",
        components / "app/release/application",
        components / "backup/program",
        components / "host/drift",
        components / "nginx/certificate/program",
        components / "reboots",
        components / "system",
        components / "status/program",
    )
    sys.path[:0] = [str(HERE), *(str(place) for place in places)]
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromNames(sys.argv[1:]) if sys.argv[1:] else loader.discover(str(HERE))
    for error in loader.errors:
        print(json.dumps({"name": "loading", "outcome": "failed", "reason": error}))
    result = Teller()
    suite.run(result)
    return 0 if result.wasSuccessful() and not loader.errors else 1


if __name__ == "__main__":
    sys.exit(main())
