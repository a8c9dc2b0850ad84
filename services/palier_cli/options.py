"""Arguments that several commands share, and how their text becomes a value."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from palier.errors import ConfigurationError

PackOption = Annotated[
    Path | None,
    typer.Option("--pack", metavar="FILE", help="Rule pack (TOML). Unset: PALIER_PACK, else the default pack."),
]
LogArgument = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", help="Touchpoints as JSON lines, plain or gzip. Unset or -: standard input."),
]


def chosen_pack(option: Path | None) -> Path | None:
    """The rule pack to load: the option, else `PALIER_PACK`, else None for the default pack."""
    if option is not None:
        return option
    from palier.settings import load_settings

    return load_settings().pack


def moment(text: str, option: str) -> int:
    """Milliseconds since the epoch of an RFC 3339 timestamp with offset.

    Raises:
        ConfigurationError: `text` is none; the message names `option` and the trouble.
    """
    from palier.contracts.moments import moment_trouble, parse_moment

    milliseconds = parse_moment(text)
    if milliseconds is None:
        raise ConfigurationError(f"{option}: {text!r} {moment_trouble(text)}")
    return milliseconds


def now_ms() -> int:
    """The wall clock, in milliseconds since the epoch: read at a command's edge only, handed inwards as an argument."""
    import time

    return time.time_ns() // 1_000_000
