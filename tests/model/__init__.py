"""A second, deliberately naive implementation of the contract, to compare the domain with.

`tables` transcribes the packs, `naive` the steps, `histories` makes nasty logs, `compare` holds two chains of tier changes
side by side. Nothing in here imports `palier` but `compare`, and that only through its public names.
"""
