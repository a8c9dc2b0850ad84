"""The state file: what goes in comes out, and no cut, flipped byte or moved block goes unnoticed."""

from __future__ import annotations

import stat
import zlib
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palier.errors import ConfigurationError, DataError
from palier.moving.contents import Header, Kind, PartitionPart, Seal
from palier.moving.state_file import CHECK_BYTES, MAGIC, new_state_file, open_state_file

KEY = st.binary(max_size=40)
CONTACTS = st.lists(st.tuples(KEY, st.integers(0, 2**32 - 1), st.binary(max_size=300)), min_size=1, max_size=5)
CURRENTS = st.lists(
    st.tuples(KEY, st.binary(max_size=300), st.lists(st.tuples(st.text(max_size=9), KEY), max_size=2)), max_size=5
)
HEADER = Header(
    written_at="2026-01-01T00:00:00.000Z",
    application="palier-tiers",
    cluster="c1",
    touchpoints="touchpoints",
    tier_current="tier-current",
    partitions=2,
    partitioner="murmur2",
)
SEAL = Seal(contacts=3, erased={"murmur2": 1}, digest="0" * 32, currents=2, currents_digest="f" * 32)


def part(number, **members):
    return PartitionPart(number=number, **({"batch_number": 1, "position": 7, "unread": 0} | members))


def contents(contacts=((b"ada", 5, b"state"),), currents=((b"ada", b"{}", [("content-type", b"json")]),)):
    return [
        (Kind.HEADER, HEADER),
        (Kind.PARTITION, part(0)),
        (Kind.CONTACTS, list(contacts)),
        (Kind.CURRENTS, list(currents)),
        (Kind.PARTITION, part(1, pack=("default", 1, "abc"), stub_salt="palier-tiers")),
        (Kind.CONTACTS, [(b"bob", 0, b"\0" * 1_000)]),
        (Kind.SEAL, SEAL),
    ]


def written(path, blocks):
    path.unlink(missing_ok=True)
    with new_state_file(path) as file:
        for block in blocks:
            file.write(*block)
    return path.read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Hypothesis runs many examples in one test."""
    return tmp_path_factory.mktemp("state")


def refuse(path, data, *parts):
    path.write_bytes(data)
    with pytest.raises(DataError) as refused:
        open_state_file(path)
    text = str(refused.value)
    assert text.startswith(f"{path}: ")
    assert [one for one in parts if one not in text] == [], text


@given(CONTACTS, CURRENTS)
@settings(max_examples=50)
def test_what_goes_in_comes_out(folder, contacts, currents):
    """Header, parts, every record, and the seal."""
    path, blocks = folder / "in-and-out", contents(contacts, currents)
    written(path, blocks)
    file = open_state_file(path)
    assert (file.header, file.seal) == (HEADER, SEAL)
    assert file.parts == (blocks[1][1], blocks[4][1])
    assert [(block.kind, block.content) for block in file.blocks()] == blocks
    assert [block.end for block in file.blocks()][-1] == file.size == path.stat().st_size


@given(st.data())
@settings(max_examples=300)
def test_any_cut_is_noticed(folder, data):
    """A file that ends anywhere before its end is refused, and the byte is named."""
    path = folder / "cut"
    whole = written(path, contents())
    length = data.draw(st.integers(0, len(whole) - 1))
    refuse(path, whole[:length], f"byte {length}" if length >= len(MAGIC) else "no state file")


@given(st.data())
@settings(max_examples=300)
def test_any_flipped_byte_is_noticed(folder, data):
    """Wherever it is, and whatever it became: in a length, a check, the content, the first bytes."""
    path = folder / "flipped"
    whole = bytearray(written(path, contents()))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    refuse(path, bytes(whole))


def test_any_lost_doubled_or_moved_block_is_noticed(folder):
    """Each is whole by itself; but its check contains that of the one before."""
    path, blocks = folder / "blocks", contents()
    whole, ends = written(path, blocks), [len(MAGIC)]
    for count in range(1, len(blocks)):
        written(path, blocks[:count])
        ends.append(path.stat().st_size)
    pieces = [whole[start:end] for start, end in pairwise([*ends, len(whole)])]
    assert b"".join([MAGIC, *pieces]) == whole
    for index in range(1, len(pieces)):
        for other in (pieces[:index] + pieces[index + 1 :], pieces[:index] + pieces[index - 1 :]):
            refuse(path, b"".join([MAGIC, *other]))
        swapped = [*pieces]
        swapped[index - 1 : index + 1] = swapped[index], swapped[index - 1]
        refuse(path, b"".join([MAGIC, *swapped]))


def test_what_follows_the_end_is_noticed(folder):
    """Two files in one, or a download that went on."""
    whole = written(folder / "more", contents())
    refuse(folder / "more", whole + b"\0", f"something follows its end at byte {len(whole)}")


def test_a_file_that_is_damaged_after_it_was_opened_is_noticed(folder):
    """Each block is checked again when it is read."""
    path = folder / "later"
    whole = written(path, contents())
    file = open_state_file(path)
    path.write_bytes(whole[:-40] + b"\0" + whole[-39:])
    with pytest.raises(DataError, match="damaged between byte"):
        list(file.blocks())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no state file"),
        (b'{"id": "t1"}\n', "no state file"),
        (MAGIC[:-1] + b"2" + b"\0" * 99, "a state file of version b'2'; this Palier reads b'1'"),
    ],
)
def test_what_is_no_state_file_is_refused(folder, data, said):
    """By its first bytes, with the version if it is one of a newer Palier."""
    refuse(folder / "none", data, said)


@pytest.mark.parametrize(
    "blocks",
    [
        [(Kind.SEAL, SEAL)],
        [(Kind.HEADER, HEADER), (Kind.SEAL, SEAL)],
        [(Kind.HEADER, HEADER), (Kind.PARTITION, part(1)), (Kind.PARTITION, part(0)), (Kind.SEAL, SEAL)],
        [(Kind.HEADER, HEADER), (Kind.HEADER, HEADER), (Kind.SEAL, SEAL)],
        [(Kind.HEADER, SEAL), (Kind.SEAL, HEADER)],
    ],
)
def test_a_whole_file_of_another_build_is_refused(folder, blocks):
    """No header, partitions that are missing or out of order, two headers, kinds that do not tell the truth."""
    refuse(folder / "other", written(folder / "other", blocks))


def test_no_file_is_written_over_and_no_half_one_left(tmp_path):
    """The name appears when the file is whole; only its owner may read it."""
    path = tmp_path / "file"

    def break_off():
        yield Kind.HEADER, HEADER
        assert not path.exists()
        raise RuntimeError("on the way")

    with pytest.raises(RuntimeError, match="on the way"):
        written(path, break_off())
    assert list(tmp_path.iterdir()) == []
    written(path, contents())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(ConfigurationError, match="is there already"), new_state_file(path):
        pass
    assert open_state_file(path).seal == SEAL


def test_a_missing_file_is_wrong_use(tmp_path):
    """One line with its name."""
    with pytest.raises(ConfigurationError, match="nowhere: No such file"):
        open_state_file(tmp_path / "nowhere")


def test_the_layout_can_be_read_with_the_standard_library_alone(folder):
    """As its description says: kind, length, check, zlib of MessagePack."""
    data, place, kinds = written(folder / "plain", contents()), len(MAGIC), []
    while place < len(data):
        length = int.from_bytes(data[place + 1 : place + 5], "big")
        start = place + 5 + CHECK_BYTES
        kinds.append((data[place], msgspec.msgpack.decode(zlib.decompress(data[start : start + length]))))
        place = start + length
    assert [kind for kind, _ in kinds] == [1, 2, 3, 4, 2, 3, 5]
    assert kinds[2][1] == [[b"ada", 5, b"state"]]
    assert kinds[0][1]["application"] == "palier-tiers"
