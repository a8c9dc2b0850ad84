"""Every setting as a table for the terminal, from the declaration in `palier.settings`."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from palier.errors import EXIT_MEANINGS
from palier.settings import Settings


def print_settings() -> None:
    """Settings with default and meaning, then the exit codes a supervisor may branch on."""
    console = Console()
    console.print(Text(" Settings (environment)", style="bold"))
    settings = Table(box=box.SIMPLE, show_header=False, padding=(0, 1), pad_edge=False)
    settings.add_column(style="bold cyan", no_wrap=True)
    settings.add_column()
    for name, field in Settings.model_fields.items():
        meaning = Text(field.description or "")
        if field.default not in (None, ""):
            meaning.append(f" ({field.default})", style="dim")
        settings.add_row(f"PALIER_{name.upper()}", meaning)
    console.print(settings)
    console.print(Text(" Exit codes", style="bold"))
    codes = Table(box=box.SIMPLE, show_header=False, padding=(0, 1), pad_edge=False)
    codes.add_column(style="bold cyan", justify="right")
    codes.add_column()
    for code, meaning_of_code in EXIT_MEANINGS.items():
        codes.add_row(str(int(code)), meaning_of_code)
    console.print(codes)
