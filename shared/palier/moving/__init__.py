"""State on the move: from one application's changelog into a file, and from there into the changelog of another.

The way to another number of partitions, to another cluster, and back from a backup. Read in this order: `contents` (what
is in a file), `state_file` (how it lies there), `changelog` and `exporting` (the way out), `route` and `importing` (the way
in). Above the engine: it knows META and envelopes, and no Faust.
"""
