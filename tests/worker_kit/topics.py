"""Changing topics as an operator might, with librdkafka's admin client."""

from __future__ import annotations

from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType


def set_on_topic(settings, topic, name, value):
    """Change one setting of a topic."""
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": settings.brokers})
    admin.incremental_alter_configs([resource])[resource].result()


def delete_topic(settings, topic):
    """Delete a topic with all it holds."""
    admin = AdminClient({"bootstrap.servers": settings.brokers})
    admin.delete_topics([topic])[topic].result()
