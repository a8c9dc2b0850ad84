"""Writes the golden timelines anew:  cd tests && python -m domain_kit.write_golden  (then read the difference)."""

from __future__ import annotations

from pathlib import Path

from domain_kit.golden import replayed

if __name__ == "__main__":
    for path in sorted((Path(__file__).parents[1] / "golden").glob("*.txt")):
        path.write_text(replayed(path.read_text(encoding="utf-8")), encoding="utf-8")
