"""Which release of Kafka a broker is. It does not say; but each release speaks a newer version of some request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PRODUCE, FETCH, ADD_PARTITIONS_TO_TRANSACTION = 0, 1, 24

# Release, request, the version of it that came with the release; newest first.
CAME_WITH: Final = (
    ("4.1", FETCH, 18),
    ("4.0", PRODUCE, 12),
    ("3.9", FETCH, 17),
    ("3.8", PRODUCE, 11),
    ("3.7", FETCH, 16),
    ("3.6", ADD_PARTITIONS_TO_TRANSACTION, 4),
    ("3.5", FETCH, 15),
)


def release_of(versions: Mapping[int, int]) -> str:
    """The newest release that a broker is known to be, e.g. `4.0`; `older` if it is before all that are known here.

    Args:
        versions: newest version that the broker speaks of each request, by the request's key.
    """
    for release, request, version in CAME_WITH:
        if versions.get(request, -1) >= version:
            return release
    return "older"


def is_before(release: str, other: str) -> bool:
    """Whether a release of `release_of` came before another."""
    return release == "older" or _number(release) < _number(other)


def _number(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))
