"""The `palier` command: everything a person does with Palier from a terminal."""
