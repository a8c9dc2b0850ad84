"""Kafka as everybody here meets it: a local broker, client settings, topic care, where keys go."""
