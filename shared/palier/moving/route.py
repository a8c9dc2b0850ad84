"""Where a state goes: onto the same touchpoints, partition by partition, or onto others, by the keys of its contacts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from palier.contracts.contact_state import STATE_VERSION
from palier.engine.meta import Meta
from palier.errors import ConfigurationError, DataError
from palier.kafka.partitioning import partition_at, partition_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from palier.contracts.contact_state import StateHead
    from palier.kafka.extents import Extent
    from palier.moving.contents import PartitionPart
    from palier.moving.standstill import Topics
    from palier.moving.state_file import StateFile
    from palier.settings import Settings

Contacts: TypeAlias = "Mapping[int, Counter[str]]"
"""Partition -> headline tier -> contacts that are not erased."""

FIRST_BATCH: Final = 1


class Route(NamedTuple):
    """How the state of a file fits an application.

    `in_place`: it goes on with the very touchpoints that it was folding; each partition stays what it was. Otherwise it
    begins at the beginning of other ones, and a contact goes where upstream will publish it.
    `with_currents`: tier-current is another topic, so it is filled too.
    """

    in_place: bool
    with_currents: bool
    batch_number: int
    place_contact: Callable[[bytes, int], int]  # key, former partition -> partition
    place_stub: Callable[[StateHead, int], int]


def route_of(file: StateFile, settings: Settings, topics: Topics, cluster: str) -> Route:
    """The way of this file's state into the application of these settings.

    Raises:
        ConfigurationError: there is none: says what stands in the way.
        DataError: a newer version wrote the states.
    """
    header = file.header
    if header.state_version > STATE_VERSION:
        raise DataError(
            f"{file.path}: states of version {header.state_version}, this Palier reads up to {STATE_VERSION}: run the newer one"
        )
    if header.application == settings.application:
        raise ConfigurationError(
            f"{file.path} was exported from {header.application}: import it under another PALIER_APP_ID, so that nothing a "
            "worker of the former one keeps or still does can get into it"
        )
    same_cluster = cluster == header.cluster
    in_place = same_cluster and topics.touchpoints == header.touchpoints
    with_currents = not (same_cluster and topics.tier_current == header.tier_current)
    batch_number = max((part.batch_number for part in file.parts), default=0) + FIRST_BATCH
    if in_place:
        if header.partitions != settings.partitions:
            raise ConfigurationError(
                f"{topics.touchpoints} had {header.partitions} partitions when {file.path} was exported, and now "
                f"{settings.partitions}: contacts would be in two places; a new number of partitions needs a new topic"
            )
        return Route(True, with_currents, batch_number, _stay, _stay)
    if file.unread:
        raise ConfigurationError(
            f"{file.path} was exported before all touchpoints were folded ({_listed(file.unread)}): such a backup can be "
            f"imported only onto {header.touchpoints} of the cluster it comes from"
        )
    return Route(False, with_currents, batch_number, *_placing(file, settings))


def _placing(
    file: StateFile, settings: Settings
) -> tuple[Callable[[bytes, int], int], Callable[[StateHead, int], int]]:
    partitions, partitioner, header = settings.partitions, settings.partitioner, file.header
    if partitioner == "none":
        if (header.partitions, header.partitioner) != (partitions, "none"):
            raise ConfigurationError(
                f"PALIER_PARTITIONER=none: nobody can tell which of {partitions} partitions a contact belongs to; say how "
                "upstream places keys"
            )
        return _stay, _stay
    if elsewhere := {kind: count for kind, count in file.seal.erased.items() if kind != partitioner}:
        raise ConfigurationError(
            f"PALIER_PARTITIONER={partitioner}, but {elsewhere} contacts were erased while it was not: their ids are gone, "
            "so nobody can tell which partition they would belong to"
        )

    def place_contact(key: bytes, _former: int) -> int:
        return partition_of(key, partitions, partitioner)

    def place_stub(stub: StateHead, _former: int) -> int:
        assert stub.placement is not None, "counted in the seal"
        return partition_at(stub.placement, partitions)

    return place_contact, place_stub


def _stay(_what: object, former: int) -> int:
    return former


def starting_positions(file: StateFile, route: Route, topic: str, extents: Sequence[Extent]) -> list[int]:
    """Next offset of touchpoints to fold, by partition.

    Raises:
        DataError: the topic no longer holds the offset that a partition stood at.
    """
    if not route.in_place:
        return [extent.first for extent in extents]
    for part, extent in zip(file.parts, extents, strict=True):
        if not extent.first <= part.position <= extent.end:
            raise DataError(
                f"{topic}, partition {part.number}: the state of {file.path} goes on at offset {part.position}, the topic "
                f"has {extent.first} to {extent.end}: it was shortened or made anew"
            )
    return [part.position for part in file.parts]


def new_metas(
    file: StateFile, route: Route, topic: str, positions: Sequence[int], contacts: Contacts, states: Mapping[int, int]
) -> list[Meta]:
    """META of every partition of the new application. `states`: partition -> records of its changelog."""
    former = [part for part in file.parts if part.batch_number]
    metas = []
    for number, position in enumerate(positions):
        origin = [file.parts[number]] if route.in_place else former
        summary = {
            "contacts": {tier: count for tier, count in contacts.get(number, Counter[str]()).items() if count},
            # No later than what each of them has read: a clock that is behind demotes nobody too early.
            "newest_occurred_at": min((part.newest_occurred_at for part in origin), default=0),
            "newest_timestamp": min((part.newest_timestamp for part in origin), default=0),
            "state_version": file.header.state_version,
            "stub_salt": _stub_salt(file),
        }
        if (pack := _newest_pack(former)) is not None:
            summary["pack"] = list(pack)
        metas.append(Meta(batch_number=route.batch_number, positions={topic: position}, records={"changelog": states.get(number, 0)}, summary=summary))  # fmt: skip
    return metas


def _stub_salt(file: StateFile) -> str:
    salts = {part.stub_salt for part in file.parts if part.stub_salt is not None} or {file.header.application}
    if len(salts) > 1:
        raise DataError(f"{file.path}: partitions of {sorted(salts)} in one file")
    return salts.pop()


def _newest_pack(parts: Sequence[PartitionPart]) -> tuple[str, int, str] | None:
    return max((part.pack for part in parts if part.pack is not None), key=lambda pack: pack[1], default=None)


def _listed(unread: Mapping[int, int]) -> str:
    return ", ".join(f"{count} in partition {number}" for number, count in unread.items())
