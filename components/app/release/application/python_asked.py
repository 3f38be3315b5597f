"""Berth: what a project says of its Python that does not fit: python_asked.py FOLDER VERSION CHOSEN

Which versions it runs with, and, where the stack names none, which one it is written for. Runs as the owner.
"""

import pathlib
import re
import sys
import tomllib

from pip._vendor.packaging.specifiers import InvalidSpecifier, SpecifierSet

folder, version, chosen = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
try:
    wanted = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["requires-python"]
    if not SpecifierSet(wanted).contains(version, prereleases=True):
        print("pyproject.toml asks for Python", wanted)
        sys.exit()
except (OSError, ValueError, KeyError, TypeError, AttributeError, InvalidSpecifier):
    pass  # There is none, or it is the installer's to complain of.
try:
    first = (folder / ".python-version").read_text().split()[0]
except (OSError, ValueError, IndexError):
    first = ""
named = re.match(r"3\.\d+(?=\.|$)", first)
if named and not chosen and named[0] != ".".join(version.split(".")[:2]):
    print(".python-version asks for Python", named[0])
