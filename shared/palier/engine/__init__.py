"""Palier."""
