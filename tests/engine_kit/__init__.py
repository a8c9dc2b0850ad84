"""A small job for the engine whose every mistake shows, a process that runs it, and the judge of what it wrote."""
