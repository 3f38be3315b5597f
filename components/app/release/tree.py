"""Looks at a release's directory for the program, as the account that owns it: tree.py QUESTIONS

Root itself reads nothing there, where the owner may put a link or a FIFO in the place of anything at any time.
"""

import json
import os
import sys

# In the release it leads to the environment, which releases share.
_ENVIRONMENT = "./.venv"
_POINTER = b"version https://git-lfs.github.com/spec/v1\n"


def main() -> None:
    questions = json.loads(sys.argv[1])
    answers: dict[str, object] = {"special": "", "leads_out": "", "pointer": "", "texts": {}, "there": {}}
    if questions["whole"]:
        answers["special"], answers["leads_out"], answers["pointer"] = look()
    if not answers["special"]:
        answers["texts"] = {path: text(path) for path in questions["texts"]}
        answers["there"] = {path: os.path.exists(path) for path in questions["there"]}
    json.dump(answers, sys.stdout)


def look() -> tuple[str, str, str]:
    """The first that is neither file, directory nor link; where a link leads that leads out; a pointer of Git LFS."""
    top = os.path.realpath(".")
    leads_out = pointer = ""
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
                return path, leads_out, pointer
            elif not pointer and is_pointer(entry):
                pointer = path
    return "", leads_out, pointer


def is_pointer(entry: os.DirEntry[str]) -> bool:
    """Of Git LFS, whose pointers are small: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md"""
    try:
        if not len(_POINTER) < entry.stat().st_size < 1024:
            return False
        with open(entry.path, "rb") as file:
            return file.read(len(_POINTER)) == _POINTER
    except OSError:
        return False


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
