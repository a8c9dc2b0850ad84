"""From a TOML file to a frozen `RulePack`, or to one line that says what is wrong with it."""

from __future__ import annotations

import hashlib
import json
import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from palier.domain.limits import DAY_MS
from palier.domain.pack import Axis, Distinct, Rule, RulePack, Tier
from palier.errors import ConfigurationError
from palier.packs.model import PackFile, TierTable, TouchpointTable

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails

LARGEST_PACK_BYTES: Final = 1_000_000


def pack_source(path: Path | None) -> str:
    """The TOML text in force: of the file, or of the default pack.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    if path is None:
        return files("palier.packs").joinpath("default.toml").read_text(encoding="utf-8")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"rule pack {path}: {error.strerror or error}") from error
    if len(data) > LARGEST_PACK_BYTES:
        raise ConfigurationError(f"rule pack {path}: larger than {LARGEST_PACK_BYTES} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"rule pack {path}: line {line} is not UTF-8") from error


def load_pack(path: Path | None) -> RulePack:
    """The rule pack of a file; without one, the default pack.

    Raises:
        ConfigurationError: one line for each thing that is wrong, naming member and reason.
    """
    return parse_pack(pack_source(path), "the default rule pack" if path is None else f"rule pack {path}")


def parse_pack(source: str, where: str) -> RulePack:
    """The rule pack that a TOML text says; `where` begins every error.

    Raises:
        ConfigurationError: as `load_pack`.
    """
    try:
        pack = PackFile.model_validate(tomllib.loads(source))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{where}: not TOML: {error}") from error
    except ValidationError as error:
        faults = (_readable(fault) for fault in error.errors(include_url=False, include_input=False))
        raise ConfigurationError("\n".join(f"{where}: {fault}" for fault in faults)) from error
    return RulePack(
        name=pack.name,
        version=pack.version,
        digest=digest_of(pack),
        axes=tuple(Axis(name, _milliseconds(axis.half_life_days)) for name, axis in pack.axes.items()),
        tiers=tuple(map(_tier, pack.tiers)),
        rules={type_: _rule(type_, rule) for type_, rule in pack.touchpoints.items()},
        permission_channels=frozenset(pack.permission.channels),
    )


def digest_of(pack: PackFile) -> str:
    """SHA-256 of what the pack says: comments, layout and the order of members without meaning do not change it."""
    said = pack.model_dump(mode="json", exclude_defaults=True)
    said["axes"] = list(said["axes"].items())  # their order is that of the outputs
    said["permission"]["channels"] = sorted(set(said["permission"]["channels"]))
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _tier(tier: TierTable) -> Tier:
    counted = tier.distinct
    distinct = None
    if counted is not None:
        distinct = Distinct(counted.of, counted.axis, counted.at_least, _milliseconds(counted.within_days))
    return Tier(tier.name, tier.enter, tier.leave, distinct, tier.meaning)


def _rule(type_: str, rule: TouchpointTable) -> Rule:
    return Rule(
        type=type_,
        weights=rule.weights,
        critical_weights=rule.critical.weights if rule.critical else {},
        critical_below=rule.critical.below if rule.critical else None,
        per_day=rule.per_day,
        per_object=rule.per_object,
        grants=tuple(rule.grants),
        withdraws=tuple(rule.withdraws),
        resets=tuple(rule.resets),
        zero=rule.zero,
        erases=rule.erases,
    )


def _milliseconds(days: float) -> int:
    return round(days * DAY_MS)


def _readable(fault: ErrorDetails) -> str:
    """`member.member: reason`, or the reason alone where it names the member itself."""
    path = ".".join(str(step) for step in fault["loc"])
    reason = fault["msg"].removeprefix("Value error, ")
    return f"{path}: {reason}" if path else reason
