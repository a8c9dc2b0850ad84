"""Rule packs as TOML: the default one, and how one is read and checked."""

from palier.packs.loading import load_pack, pack_source, parse_pack

__all__ = ["load_pack", "pack_source", "parse_pack"]
