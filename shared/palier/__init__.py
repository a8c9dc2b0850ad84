"""Palier: every contact's touchpoints become engagement tiers, in real time and exactly once."""
