"""Berth: what a project of Poetry's says of its Python that does not fit: poetry_asked.py PYPROJECT VERSION

Runs as the owner, by the Python that has Poetry.
"""

import pathlib
import sys
import tomllib

from poetry.core.constraints.version import Version, parse_constraint

try:
    wanted = tomllib.loads(pathlib.Path(sys.argv[1]).read_text())["tool"]["poetry"]["dependencies"]["python"]
    if not parse_constraint(wanted).allows(Version.parse(sys.argv[2])):
        print("pyproject.toml asks for Python", wanted)
except (OSError, ValueError, KeyError, TypeError, AttributeError):
    pass
