"""What a touchpoint, a score and a tier mean: a pure fold over the state of one contact. SEMANTICS.md is its contract.

Standard library only; no clock, no I/O, no logging. Every time is UTC in integer milliseconds since the epoch.
"""
