"""Golden timelines: the whole fold, told line by line in files that README shows too."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain_kit.golden import replayed

TIMELINES = sorted((Path(__file__).parents[1] / "golden").glob("*.txt"))


@pytest.mark.parametrize("path", TIMELINES, ids=lambda path: path.stem)
def test_the_timeline_comes_out_as_it_is_written(path):
    """Each line's scores, and each tier with its cause, are those in the file.

    To write what the fold says now:  cd tests && python -m domain_kit.write_golden
    """
    text = path.read_text(encoding="utf-8")
    assert replayed(text) == text


def test_there_are_timelines():
    """An empty folder would pass every test above."""
    assert len(TIMELINES) >= 10
