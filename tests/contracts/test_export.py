"""The files made of the contracts are fresh, whole and true to what the code does."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from palier.contracts.dead_letter import DeadLetter
from palier.contracts.decoding import decode_line
from palier.contracts.examples import story
from palier.contracts.export import GENERATED, contract_files, write_contracts
from palier.contracts.json_schemas import MODELS, json_schema
from palier.contracts.record_examples import KAFKA_TIMESTAMP_MS, refused_records, taken_records
from palier.contracts.refusal import RefusalReason
from palier.contracts.tier_change import TierChange
from palier.contracts.tier_current import TierCurrent
from palier.contracts.topics import topic_contracts
from palier.domain.touchpoint import Touchpoint
from palier.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

# What JSON Schema cannot say: that a day exists, that a moment lies in 1970 to 2100, that 75.0 is no integer.
BEYOND_SCHEMA = {"no such day", "before 1970", "a rating with a fraction"}


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return contract_files()


@pytest.fixture(scope="module")
def asyncapi(files: dict[str, bytes]) -> dict[str, Any]:
    return json.loads(files["asyncapi.json"])


def lines(content: bytes) -> list[bytes]:
    return content.splitlines()


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json_schema(name))


def test_committed_files_are_fresh(files: dict[str, bytes]) -> None:
    """What is committed is what the code would write; `palier contracts` mends it."""
    committed = {path.relative_to(GENERATED).as_posix(): path.read_bytes() for path in GENERATED.rglob("*.json*")}
    assert committed.keys() == files.keys()
    stale = [name for name in files if committed[name] != files[name]]
    assert not stale, f"stale: {stale}; run `palier contracts`"


def test_write(tmp_path: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is written and named, the same whatever the environment holds."""
    monkeypatch.setenv("PALIER_TOUCHPOINTS_TOPIC", "elsewhere")
    written = write_contracts(tmp_path / "new")
    assert {path.relative_to(tmp_path / "new").as_posix(): path.read_bytes() for path in written} == files


@pytest.mark.parametrize("name", MODELS)
def test_schemas(name: str) -> None:
    """Each is a schema of 2020-12, and every member of every object in it is described."""
    schema = json_schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("2020-12/schema")
    for part in (schema, *schema.get("$defs", {}).values()):
        assert all(member.get("description") for member in part.get("properties", {}).values())


@pytest.mark.parametrize("example", taken_records(), ids=lambda example: example.name)
def test_schema_takes_what_is_taken(example) -> None:
    """Bare records that pass the decoder pass the schema."""
    if not example.headers:
        assert not list(validator("touchpoint").iter_errors(json.loads(example.value)))


@pytest.mark.parametrize(
    "example",
    [example for example in refused_records() if example.reason in {RefusalReason.INVALID, RefusalReason.NO_OFFSET}],
    ids=lambda example: example.name,
)
def test_schema_refuses_what_is_invalid(example) -> None:
    """Bare records the decoder calls invalid fail the schema too, but for the few things schemas cannot say."""
    if (
        example.headers or "1e400" in example.value.decode()
    ):  # about headers; a number that Python's json takes for infinity
        return
    fails = bool(list(validator("touchpoint").iter_errors(json.loads(example.value))))
    assert fails == (example.name not in BEYOND_SCHEMA)


def test_outputs_fit_their_models_and_schemas(files: dict[str, bytes]) -> None:
    """The examples of what Palier writes pass the models and the schemas readers use."""
    for name, model, file in (
        ("tier-change", TierChange, "examples/tier-changes.jsonl"),
        ("tier-current", TierCurrent, "examples/tier-current.jsonl"),
        ("dead-letter", DeadLetter, "examples/dead-letters.jsonl"),
    ):
        assert lines(files[file])
        for line in lines(files[file]):
            model.model_validate_json(line)
            assert not list(validator(name).iter_errors(json.loads(line)))


@pytest.mark.parametrize(
    "wrong", [{"sequence": 0}, {"sequence": None}, {"direction": "sideways"}, {"gained": "engaged"}, {"from": 1}]
)
def test_wrong_outputs_fail(files: dict[str, bytes], wrong: dict[str, object]) -> None:
    """A tier change that is none fails model and schema alike."""
    change = json.loads(lines(files["examples/tier-changes.jsonl"])[0]) | wrong
    assert list(validator("tier-change").iter_errors(change))
    with pytest.raises(ValueError, match=next(iter(wrong))):
        TierChange.model_validate_json(json.dumps(change))


def test_the_story_is_a_chain(files: dict[str, bytes]) -> None:
    """The story's touchpoints are all taken; its changes are numbered without gaps and show every usual cause."""
    touchpoints = [decode_line(line, KAFKA_TIMESTAMP_MS) for line in lines(files["examples/touchpoints.jsonl"])]
    assert len(touchpoints) == len(story())
    assert all(isinstance(touchpoint, Touchpoint) for touchpoint in touchpoints)
    changes = [TierChange.model_validate_json(line) for line in lines(files["examples/tier-changes.jsonl"])]
    assert [change.sequence for change in changes] == list(range(1, len(changes) + 1))
    assert [change.from_tier for change in changes] == ["unengaged", *(change.to_tier for change in changes[:-1])]
    assert {change.cause for change in changes} == {"touchpoint", "conversion", "inactivity", "erasure"}


def test_refused_examples_name_their_reason(files: dict[str, bytes]) -> None:
    """Each published refused record carries its reason and its very bytes, also where these are no text."""
    published = json.loads(files["examples/records-refused.json"])
    for record, example in zip(published, refused_records(), strict=True):
        value = base64.b64decode(record["value_base64"]) if "value_base64" in record else record["value"].encode()
        assert (record["reason"], value) == (example.reason, example.value)
    told_elsewhere = {RefusalReason.TOO_LARGE, RefusalReason.WRONG_PARTITION, RefusalReason.INTERNAL}
    assert {record["reason"] for record in published} == set(RefusalReason) - told_elsewhere


def references(part: Any) -> list[str]:
    """Every $ref below."""
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for member in part.values() for found in references(member)]
    return [found for item in part for found in references(item)] if isinstance(part, list) else []


def test_asyncapi_references_resolve(asyncapi: dict[str, Any]) -> None:
    """No reference of the document dangles."""
    found = references(asyncapi)
    assert len(found) > 20
    for reference in found:
        target: Any = asyncapi
        assert reference.startswith("#/")
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
        assert isinstance(target, dict)


def test_asyncapi_has_every_topic(asyncapi: dict[str, Any]) -> None:
    """Each topic is a channel with its partitions and settings, and each message is used."""
    topics = {topic.name: topic for topic in topic_contracts(Settings())}
    channels = {channel["address"]: channel for channel in asyncapi["channels"].values()}
    assert channels.keys() == topics.keys()
    for name, channel in channels.items():
        binding = channel["bindings"]["kafka"]
        assert (binding["topic"], binding["partitions"]) == (name, topics[name].partitions)
        configuration = {
            key: value[0] if isinstance(value, list) else str(value)
            for key, value in binding["topicConfiguration"].items()
        }
        assert configuration == topics[name].settings
    used = {message for channel in channels.values() for message in channel["messages"]}
    assert used == asyncapi["components"]["messages"].keys()


def test_asyncapi_says_who_sends(asyncapi: dict[str, Any]) -> None:
    """From Palier's side: touchpoints are received, everything else is sent, and an operation's message is its channel's."""
    assert {name: operation["action"] for name, operation in asyncapi["operations"].items()} == {
        "receiveTouchpoints": "receive",
        "sendTierChanges": "send",
        "sendTierCurrent": "send",
        "sendDeadLetters": "send",
    }
    for operation in asyncapi["operations"].values():
        assert operation["messages"][0]["$ref"].startswith(f"{operation['channel']['$ref']}/messages/")


def test_nothing_names_a_host(files: dict[str, bytes]) -> None:
    """Identifiers are URNs: no link of ours leads to a host that is not there."""
    for name, content in files.items():
        links = {word for word in content.decode().split('"') if word.startswith(("http:", "https:"))}
        assert links <= {"https://json-schema.org/draft/2020-12/schema"}, name
