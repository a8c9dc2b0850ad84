"""Topics, messages and who sends what, as an AsyncAPI 3 document made from `topics` and the models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import models_json_schema

from palier.contracts import dead_letter
from palier.contracts.cloud_events import MEMBERS, STRUCTURED_CONTENT_TYPE
from palier.contracts.json_schemas import MODELS
from palier.contracts.records import BATCH_HEADER, BATCH_MEANING
from palier.contracts.refusal import REASON_MEANINGS
from palier.contracts.tier_change import EVENT_TYPE
from palier.contracts.topics import topic_contracts

if TYPE_CHECKING:
    from palier.contracts.topics import TopicContract
    from palier.settings import Settings

SPECIFICATION: Final = "3.0.0"
KAFKA_BINDING: Final = "0.5.0"
CONTRACT_VERSION: Final = "1.0.0"
"""Minor: members were added. Major: anything else, with a new `ce_type`."""

_TEXT: Final = {"type": "string"}
_CONTACT_KEY: Final = {"type": "string", "description": "contact_id in UTF-8", "minLength": 1, "maxLength": 200}
_VERSION: Final = {"bindingVersion": KAFKA_BINDING}

_CHANNELS: Final = {
    "touchpoints": "touchpoint",
    "tierChanges": "tierChange",
    "tierCurrent": "tierCurrent",
    "deadLetters": "deadLetter",
    "changelog": "internal",
    "transfers": "internal",
}
"""Channel -> its message, in the order of `topic_contracts`."""

_TIER_CHANGE_HEADERS: Final = {
    "ce_specversion": "1.0",
    "ce_id": "UUID (version 5) of contact_id and sequence: the same on any replay",
    "ce_source": "palier/ and the application's name",
    "ce_type": EVENT_TYPE,
    "ce_subject": "contact_id",
    "ce_time": "occurred_at",
    "ce_partitionkey": "contact_id",
    "ce_sequence": "sequence in ten digits, counted per contact (ce_subject)",
    "content-type": "application/json",
    BATCH_HEADER: BATCH_MEANING,
}


def asyncapi_document(settings: Settings) -> dict[str, Any]:
    """The document for the topics that `settings` name."""
    topics = dict(zip(_CHANNELS, topic_contracts(settings), strict=True))
    return {
        "asyncapi": SPECIFICATION,
        "info": {
            "title": "Palier",
            "version": CONTRACT_VERSION,
            "description": "Touchpoints of contacts in; changes of their engagement tiers out, each exactly once for "
            "readers with isolation.level=read_committed.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {channel: _channel(channel, topic) for channel, topic in topics.items()},
        "operations": {
            "receiveTouchpoints": _operation("receive", "touchpoints", "What upstream apps publish")
            | {"bindings": {"kafka": {"groupId": _TEXT | {"const": settings.application}} | _VERSION}},
            "sendTierChanges": _operation("send", "tierChanges", "What downstream automation subscribes to"),
            "sendTierCurrent": _operation("send", "tierCurrent", "The same as a table"),
            "sendDeadLetters": _operation("send", "deadLetters", "What was refused, for operators"),
        },
        "components": {"messages": _messages(), "schemas": _schemas()},
    }


def _channel(channel: str, topic: TopicContract) -> dict[str, Any]:
    message = _CHANNELS[channel]
    return {
        "address": topic.name,
        "description": f"{topic.description} Written by {' and '.join(topic.producers)}; "
        f"read by {' and '.join(topic.consumers)}.",
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {name: _typed(name, value) for name, value in topic.settings.items()},
            }
            | _VERSION
        },
    }


def _typed(name: str, value: str) -> object:
    """A topic setting as the binding wants it: policies in a list, numbers as numbers."""
    return [value] if name == "cleanup.policy" else int(value)


def _operation(action: str, channel: str, summary: str) -> dict[str, Any]:
    message = _CHANNELS[channel]
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{message}"}],
    }


def _messages() -> dict[str, Any]:
    return {
        "touchpoint": {
            "name": "Touchpoint",
            "title": "Touchpoint",
            "summary": "A bare JSON object, or a CloudEvent 1.0 in binary mode (ce_ headers) or structured mode "
            f"({STRUCTURED_CONTENT_TYPE}) whose data is that object. Members missing from data are taken from the "
            "attributes; different ones are refused.",
            "headers": _headers(
                {f"ce_{attribute}": f"stands for {member}" for attribute, member in MEMBERS.items()}, required=()
            ),
            "payload": {"$ref": "#/components/schemas/Touchpoint"},
            "bindings": {"kafka": {"key": _CONTACT_KEY} | _VERSION},
        },
        "tierChange": {
            "name": "TierChange",
            "title": "Tier change",
            "summary": f"A CloudEvent 1.0 in binary mode of type {EVENT_TYPE}.",
            "headers": _headers(_TIER_CHANGE_HEADERS, required=tuple(_TIER_CHANGE_HEADERS)),
            "payload": {"$ref": "#/components/schemas/TierChange"},
            "bindings": {"kafka": {"key": _CONTACT_KEY} | _VERSION},
        },
        "tierCurrent": {
            "name": "TierCurrent",
            "title": "Current tiers of a contact",
            "summary": "The newest record per key counts; one without a value removes the contact, who was erased.",
            "headers": _headers({BATCH_HEADER: BATCH_MEANING}, required=(BATCH_HEADER,)),
            "payload": {"anyOf": [{"$ref": "#/components/schemas/TierCurrent"}, {"type": "null"}]},
            "bindings": {"kafka": {"key": _CONTACT_KEY} | _VERSION},
        },
        "deadLetter": {
            "name": "DeadLetter",
            "title": "Dead letter",
            "summary": "The refused record's own bytes as value and key, its headers, and why it was refused in "
            "headers beside them. schemas/DeadLetter is the decoded form.",
            "contentType": "application/octet-stream",
            "headers": _headers(dead_letter.HEADER_MEANINGS, required=dead_letter.REQUIRED_HEADERS),
            "payload": {"description": "The original value, untouched; of one longer than 1 MiB the first 64 KiB"},
            "bindings": {"kafka": {"key": {"description": "The original key, if there was one"}} | _VERSION},
        },
        "internal": {
            "name": "Internal",
            "title": "Internal record",
            "summary": "Palier's own binary form, which may change with any release: not to be read by others.",
            "contentType": "application/octet-stream",
            "payload": {"description": "Bytes"},
        },
    }


def _headers(meanings: dict[str, str], required: tuple[str, ...]) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: _TEXT | {"description": meaning} for name, meaning in meanings.items()},
    }
    return schema | {"required": list(required)} if required else schema


def _schemas() -> dict[str, Any]:
    """Every model and what it refers to, each under its own name."""
    _, definitions = models_json_schema(
        [(model, "validation") for model in MODELS.values()],
        by_alias=True,
        ref_template="#/components/schemas/{model}",
    )
    schemas: dict[str, Any] = definitions["$defs"]
    schemas["RefusalReason"]["description"] = "\n".join(
        f"- `{reason}`: {meaning}" for reason, meaning in REASON_MEANINGS.items()
    )
    return schemas
