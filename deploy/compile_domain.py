"""Compile the fold to machine code with mypyc: optional, about a third less CPU per touchpoint.

    python deploy/compile_domain.py                # in place, beside the sources; the next worker uses it
    python deploy/compile_domain.py --into FOLDER  # a copy; put FOLDER first on PYTHONPATH to use it
    python deploy/compile_domain.py --remove       # back to pure Python

Needs a C compiler and the `dev` extra. Pure Python stays the reference: nothing else knows whether this was run, and
tests/integration/test_compiled_domain.py compares the compiled fold with the naive model.
"""  # noqa: INP001 - a script

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

SHARED = Path(__file__).parents[1] / "shared"
# Modules of functions. Those that define values (pack, outcome, state, touchpoint, explain) gain nothing by it.
MODULES = (
    "arrange", "caps", "changes", "consent", "contributions", "demotion", "digests", "distinct", "evidence", "fold",
    "messages", "numbers", "remembered", "renewal", "reversal", "scoring", "strongest", "tiers", "trust", "weightings",
    "words",
)  # fmt: skip


def compile_domain(folder: Path) -> None:
    """Compile `folder`/palier/domain in place; `folder` holds the package `palier`."""
    remove(folder)
    sources = [str(Path("palier", "domain", f"{name}.py")) for name in MODULES]
    ended = subprocess.run(  # noqa: S603 - our own sources
        [sys.executable, "-m", "mypyc", *sources], cwd=folder, capture_output=True, text=True, check=False
    )
    shutil.rmtree(folder / "build", ignore_errors=True)
    if ended.returncode:
        remove(folder)
        sys.exit(f"not compiled; pure Python stays in use:\n{(ended.stdout + ended.stderr)[-2000:]}")


def remove(folder: Path) -> None:
    """Remove what was compiled."""
    for library in [*folder.glob("*__mypyc*.so"), *(folder / "palier" / "domain").glob("*.so")]:
        library.unlink()


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--into", type=Path, help="compile a copy of the package there (in place)")
    parser.add_argument("--remove", action="store_true", help="remove what was compiled in place")
    options = parser.parse_args()
    if options.remove:
        remove(SHARED)
        return
    folder = SHARED
    if options.into is not None:
        folder = options.into.resolve()
        shutil.copytree(
            SHARED / "palier",
            folder / "palier",
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("__pycache__", "*.so"),
        )
    compile_domain(folder)
    print(f"compiled {len(MODULES)} modules of palier.domain in {folder}")  # noqa: T201 - a script


if __name__ == "__main__":
    main()
