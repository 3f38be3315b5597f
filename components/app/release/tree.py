"""Looks at a release's directory for the program, as the account that owns it: tree.py QUESTIONS

Root itself reads nothing there, where the owner may put a link or a FIFO in the place of anything at any time.
"""

import json
import os
import sys

# In the release it leads to the environment, which releases share.
_ENVIRONMENT = "./.venv"


def main() -> None:
    questions = json.loads(sys.argv[1])
    answers: dict[str, object] = {"special": "", "leads_out": "", "texts": {}, "there": {}}
    if questions["whole"]:
        answers["special"], answers["leads_out"] = look()
    if not answers["special"]:
        answers["texts"] = {path: text(path) for path in questions["texts"]}
        answers["there"] = {path: os.path.exists(path) for path in questions["there"]}
    json.dump(answers, sys.stdout)


def look() -> tuple[str, str]:
    """The first that is neither a file, a directory nor a link, and where the first link leads that leads out."""
    top = os.path.realpath(".")
    leads_out = ""
    folders = ["."]
    while folders:
        folder = folders.pop()
        for entry in entries_of(folder):
            path = os.path.join(folder, entry.name)
            if entry.is_symlink():
                target = os.path.realpath(path)
                inside = target == top or target.startswith(f"{top}/")
                if not inside and path != _ENVIRONMENT and not leads_out:
                    leads_out = target
            elif entry.is_dir():
                folders.append(path)
            elif not entry.is_file():
                return path, leads_out
    return "", leads_out


def entries_of(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except FileNotFoundError:
        # It went while the tree was walked.
        return []


def text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return None


if __name__ == "__main__":
    main()
