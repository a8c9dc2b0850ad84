"""What the tests of the worker share: processes, touchpoint logs, the truth of an offline fold, and the judge."""
