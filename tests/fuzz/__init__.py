"""Both decoders, and all else that reads bytes from Kafka, under random bytes: `python -m fuzz --help` in tests/."""
