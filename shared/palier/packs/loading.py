"""From a TOML file to a frozen `RulePack`, or to one line that says what is wrong with it."""

from __future__ import annotations

import hashlib
import json
import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from palier.domain.limits import DAY_MS, SECOND_MS
from palier.domain.pack import Axis, ClickBurst, Distinct, Flood, ManyLinks, Rule, RulePack, Tier, Trust
from palier.errors import ConfigurationError
from palier.packs.model import PackFile, TierTable, TouchpointTable, TrustTable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic_core import ErrorDetails

LARGEST_PACK_BYTES: Final = 1_000_000
_NAMED: Final[dict[str | int, str]] = {
    "axes": "axis",
    "tiers": "tier",
    "touchpoints": "touchpoint",
    "sources": "source",
}


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
        said = tomllib.loads(source)
        file = PackFile.model_validate(said)
        pack = _rule_pack(file)
        _ = pack.compiled  # what only the fold knows it cannot use
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{where}: not TOML: {error}") from error
    except ValidationError as error:
        faults = (_readable(fault, said) for fault in error.errors(include_url=False, include_input=False))
        raise ConfigurationError("\n".join(f"{where}: {fault}" for fault in faults)) from error
    except ValueError as error:
        raise ConfigurationError(f"{where}: {error}") from error
    return pack


def _rule_pack(file: PackFile) -> RulePack:
    return RulePack(
        name=file.name,
        version=file.version,
        digest=digest_of(file),
        axes=tuple(Axis(name, _milliseconds(axis.half_life_days)) for name, axis in file.axes.items()),
        tiers=tuple(map(_tier, file.tiers)),
        rules={type_: _rule(type_, rule) for type_, rule in file.touchpoints.items()},
        permission_channels=frozenset(file.permission.channels),
        trust=_trust(file.trust),
        sources=file.sources,
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
        message=rule.message,
        revokes=rule.revokes,
    )


def _trust(trust: TrustTable | None) -> Trust:
    if trust is None:
        return Trust()
    soon, burst, links, flood = trust.too_soon, trust.click_burst, trust.many_links, trust.flood
    return Trust(
        flag=trust.flag,
        honeypot=trust.honeypot,
        crawler=trust.crawler,
        head_request=trust.head_request,
        too_soon_ms=_of_seconds(soon.within_seconds) if soon else 0,
        click_burst=ClickBurst(burst.clicks, _of_seconds(burst.within_seconds), burst.reverses) if burst else None,
        many_links=ManyLinks(links.links, _of_seconds(links.within_seconds), links.reverses) if links else None,
        flood=Flood(flood.touchpoints, _of_seconds(flood.within_seconds)) if flood else None,
        suspect=trust.suspect,
        kinds_for_bot=trust.kinds_for_bot,
        reversal_ms=_of_seconds(trust.reversal_seconds),
    )


def _milliseconds(days: float) -> int:
    return round(days * DAY_MS)


def _of_seconds(seconds: float) -> int:
    return round(seconds * SECOND_MS)


def _readable(fault: ErrorDetails, said: Mapping[str, Any]) -> str:
    """`member: reason`, an axis, tier or touchpoint by its name; the reason alone where that names the member."""
    path, reason = list(fault["loc"]), fault["msg"].removeprefix("Value error, ")
    where = ""
    if len(path) > 1 and path[0] in _NAMED:
        kind, name = path[0], path[1]
        if isinstance(name, int):
            tier = said[str(kind)][name]
            name = tier.get("name", name + 1) if isinstance(tier, dict) else name + 1
        where, path = f"{_NAMED[kind]} {name!r}: ", path[2:]
    member = ".".join(map(str, path))
    return f"{where}{member}: {reason}" if member else f"{where}{reason}"
