"""Good JSON damaged with knowledge of its structure: by tokens, not by bytes, so that most of it still makes sense."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from contracts.traps import BARE
from fuzz import nasties

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzz.script import Script

MEMBERS = (*BARE, "object_id", "campaign_id", "rating", "value", "bot", "timezone", "user_agent", "properties")
ENVELOPE = ("specversion", "data", "data_base64", "time", "subject")
MOST_BYTES = 1 << 20
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"?|-?[0-9][0-9.eE+-]*|[a-zA-Z]+|\s+|.', re.DOTALL)
_TIMES = (2, 3, 10, 10, 10, 10, 30, 30, 100, 100, 100, 300, 1_000, 1_000, 5_000, 20_000)
_WRAPS = ((b"[", b"]"), (b'{"a":', b"}"), (b"[0,", b"]"), (b'{"data":', b"}"))
_ESCAPES = (b"\\u%04x", b"\\u%04X", b"\\u00%02X", b"\\x%02x")

Tokens = list[bytes]


class JsonDamager:
    """Makes damaged JSON of seeds."""

    def __init__(self, seeds: Sequence[bytes]) -> None:
        self._seeds = [_TOKEN.findall(seed) for seed in seeds]

    def damaged(self, script: Script) -> bytes:
        """A seed with a few of its tokens replaced, removed, doubled, spelled otherwise, or some of another's put in."""
        tokens = list(script.choice(self._seeds))
        for _ in range(1 + script.below(5)):
            script.choice(_CHANGES)(self, script, tokens)
        return b"".join(tokens)[:MOST_BYTES]

    def replace(self, script: Script, tokens: Tokens) -> None:
        """A token or a few become a fragment."""
        tokens[script.piece(len(tokens), 3)] = [fragment(script)]

    def insert(self, script: Script, tokens: Tokens) -> None:
        """A fragment between two tokens."""
        tokens[script.piece(len(tokens), 0)] = [fragment(script)]

    def remove(self, script: Script, tokens: Tokens) -> None:
        """Some tokens go."""
        del tokens[script.piece(len(tokens), 6)]

    def double(self, script: Script, tokens: Tokens) -> None:
        """Some tokens come again elsewhere."""
        again = tokens[script.piece(len(tokens), 8)]
        tokens[script.piece(len(tokens), 0)] = [*again, *script.choice(([], [b","]))]

    def set_member(self, script: Script, tokens: Tokens) -> None:
        """The value of a member becomes a fragment."""
        colons = [place for place, token in enumerate(tokens) if token == b":"]
        if colons:
            place = script.choice(colons) + 1
            place += tokens[place : place + 1] == [b" "]
            tokens[place : place + 1] = [fragment(script)]

    def name_again(self, script: Script, tokens: Tokens) -> None:
        """One member more at an object's beginning, of a name that is there already or may be."""
        opened = [place for place, token in enumerate(tokens) if token == b"{"]
        if opened:
            name = script.choice((*MEMBERS, *ENVELOPE)).encode()
            place = script.choice(opened) + 1
            tokens[place:place] = [b'"%s"' % name, b":", fragment(script), b","]

    def splice(self, script: Script, tokens: Tokens) -> None:
        """Some tokens become some of another seed's."""
        other = script.choice(self._seeds)
        tokens[script.piece(len(tokens), 3)] = other[script.piece(len(other), 12)]

    def respell(self, script: Script, tokens: Tokens) -> None:
        """A character of a string, of a member's name perhaps, written as an escape."""
        strings = [place for place, token in enumerate(tokens) if len(token) > 2 and token[:1] == b'"']
        if strings:
            place = script.choice(strings)
            token = tokens[place]
            character = 1 + script.below(len(token) - 2)
            tokens[place] = token[:character] + script.choice(_ESCAPES) % token[character] + token[character + 1 :]

    def wrap(self, script: Script, tokens: Tokens) -> None:
        """Some tokens deep inside lists or objects, up to and beyond what is allowed."""
        inside = script.piece(len(tokens), 3)
        opening, closing = script.choice(_WRAPS)
        depth = script.choice((1, 2, 61, 62, 63, 64, 65))
        tokens[inside] = [opening * depth, *tokens[inside], closing * depth]

    def flip(self, script: Script, tokens: Tokens) -> None:
        """One byte becomes any other."""
        if tokens:
            place = script.below(len(tokens))
            token = bytearray(tokens[place] or b"\0")
            token[script.below(len(token))] = script.below(256)
            tokens[place] = bytes(token)

    def repeat(self, script: Script, tokens: Tokens) -> None:
        """Some tokens many times over."""
        repeated = script.piece(len(tokens), 8)
        run = b"".join(tokens[repeated])
        tokens[repeated] = [run * min(script.choice(_TIMES), 1 + MOST_BYTES // (len(run) + 1))]


_CHANGES = (
    JsonDamager.replace, JsonDamager.replace, JsonDamager.insert, JsonDamager.remove, JsonDamager.double,
    JsonDamager.set_member, JsonDamager.set_member, JsonDamager.set_member, JsonDamager.name_again,
    JsonDamager.name_again, JsonDamager.splice, JsonDamager.splice, JsonDamager.respell, JsonDamager.wrap,
    JsonDamager.flip, JsonDamager.repeat,
)  # fmt: skip


def fragment(script: Script) -> bytes:
    """A piece of JSON, often an odd one, sometimes none."""
    kind = script.below(12)
    if kind < 6:
        return script.choice(nasties.FRAGMENTS)
    if kind == 6:
        return msgspec.json.encode(script.choice(nasties.MOMENTS))
    if kind == 7:
        return b'"%s"' % script.choice((*MEMBERS, *ENVELOPE)).encode()
    if kind == 8:
        return msgspec.json.encode(script.text(4))
    if kind == 9:
        return b"%d" % script.integer()
    if kind == 10:
        return repr(script.decimal()).encode()
    return script.take(script.below(5))
