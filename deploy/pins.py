"""Prints the part of requirements.lock that an image needs: the extras named, with all they need in turn.

    python deploy/pins.py tiers simulator cli rocksdb    what these extras run on
    python deploy/pins.py --build                        what building the wheel takes

One lock file pins everything with hashes, development tools too; an image wants the same pins and none of the tools.
The lock says in a comment who asked for each package (`# via`), so its own text is enough, and pip's --require-hashes
fails an install from which one were missing. Standard library only: it runs before anything is installed.
"""  # noqa: INP001 - a script beside the Dockerfile, not a package

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def normal(requirement: str) -> str:
    """The package's name in a requirement, as the lock spells it: `Faust_Streaming==0.15` -> `faust-streaming`."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0]).lower()


def locked(lock: str) -> dict[str, str]:
    """Each package of the lock with its text: the pin, its hashes, and who asked for it."""
    entries = re.findall(r"^[A-Za-z0-9].*\n(?:[ \t]+.*\n?)*", lock, flags=re.MULTILINE)
    return {normal(entry): entry for entry in entries}


def asked_for_by(entry: str) -> set[str]:
    """The packages that need this one, from its `# via` comment (on one line, or one a line below it)."""
    _, _, via = entry.partition("# via")
    return {normal(name) for name in re.findall(r"[A-Za-z0-9][A-Za-z0-9._-]*", via)}


def wanted(entries: dict[str, str], roots: set[str]) -> list[str]:
    """The entries of `roots` and of everything they need, in the order of the lock.

    Raises:
        SystemExit: the lock lacks one of the roots.
    """
    if missing := roots - entries.keys():
        raise SystemExit(f"requirements.lock lacks {', '.join(sorted(missing))}: make it anew")
    needed: set[str] = set()
    found = set(roots)
    while found:
        needed |= found
        found = {name for name, entry in entries.items() if asked_for_by(entry) & found} - needed
    return [entry for name, entry in entries.items() if name in needed]


def main(arguments: list[str]) -> str:
    """The lock's entries for the extras named, or for the build."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = pyproject["project"]
    if arguments == ["--build"]:
        requirements = pyproject["build-system"]["requires"]
    else:
        extras = project["optional-dependencies"]
        requirements = [*project["dependencies"], *(one for extra in arguments for one in extras[extra])]
    entries = locked((ROOT / "requirements.lock").read_text())
    return "".join(wanted(entries, {normal(requirement) for requirement in requirements}))


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1:]))
