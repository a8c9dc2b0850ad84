"""What touchpoints are about: invented products, articles, stores; ids only, no names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

# How many there are of each kind. Other kinds (orders, quotes, posts, ...) are one-offs with an id of their own.
SIZES = {
    "page": 300,
    "article": 400,
    "video": 80,
    "game": 6,
    "poll": 60,
    "webinar": 24,
    "product": 900,
    "store": 25,
    "thread": 500,
    "form": 12,
}
CATALOGUE: dict[str, tuple[str, ...]] = {
    kind: tuple(f"{kind}-{number:04d}" for number in range(1, size + 1)) for kind, size in SIZES.items()
}


def choose(kind: str, random: Random) -> str:
    """The id of an object of this kind; a few of each catalogue are popular."""
    catalogue = CATALOGUE.get(kind)
    if catalogue is None:
        return f"{kind}-{random.getrandbits(40):010x}"
    u = random.random()
    return catalogue[int(u * u * len(catalogue))]
