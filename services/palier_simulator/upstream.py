"""The upstream applications at work: what happened becomes a JSON record that arrives now, later, or twice."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from palier_simulator.arrival import Arrival
from palier_simulator.encoding import TouchpointJson, encode, rfc3339, uuid4
from palier_simulator.rhythm import HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    from random import Random

    from palier_simulator.contacts import Contact
    from palier_simulator.sources import Source

REDELIVERED_WITHIN_MS = 6 * HOUR_MS
MAIL_PROXY = "SampleMailProxy/1.0"


class Upstream:
    """Records under way, by the minute of their arrival."""

    def __init__(self, random: Random) -> None:
        self._random = random.random
        self._bits = random.getrandbits
        self._under_way: defaultdict[int, list[Arrival]] = defaultdict(list)
        self._serial = 0

    def report(
        self,
        contact: Contact,
        source: Source,
        type_: str,
        at: int,
        *,
        channel: str | None = None,
        object_id: str | None = None,
        campaign_id: str | None = None,
        rating: int | None = None,
        value: dict[str, str] | None = None,
        proxy: bool = False,
    ) -> None:
        """A touchpoint happened at `at` (ms): `source` tells us about it. `proxy`: a machine acted for the contact."""
        zone = contact.zone
        record = TouchpointJson(
            uuid4(self._bits(128)),
            source.name,
            type_,
            channel or source.channel,
            contact.id,
            rfc3339(at, zone.utc_offset_ms if source.local_time else 0),
            object_id,
            campaign_id,
            rating,
            value,
            proxy or contact.persona.bot,
            zone.name if source.device else None,
            MAIL_PROXY if proxy else contact.user_agent if source.device else None,
        )
        line = encode(record)
        arrives = source.arrival(at, zone.utc_offset_ms, self._random())
        self._put(arrives, contact.key, line)
        if self._random() < source.redelivered:
            self._put(arrives + 1_000 + int(self._random() ** 3 * REDELIVERED_WITHIN_MS), contact.key, line)

    def _put(self, at: int, key: bytes, line: bytes) -> None:
        self._serial += 1
        self._under_way[at // MINUTE_MS].append(Arrival(at, self._serial, key, line))

    def arriving(self, minute: int) -> list[Arrival]:
        """Takes out what arrives in this minute (since the epoch), in order of arrival."""
        return sorted(self._under_way.pop(minute, ()))

    def put_back(self, minute: int, arrivals: list[Arrival]) -> None:
        """Records of that minute which were taken out too early."""
        self._under_way[minute].extend(arrivals)
