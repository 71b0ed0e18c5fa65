from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.results.keys.tables import KeyRow, KeyTable, TablePlace, read_table, read_table_footer, write_table
from pipelines.results.keys.wrapping import WrappingKey
from pipelines.results.keys.wrapping_aes import AesWrappingKey
from sievert.errors import KeyStoreError, WrappingKeyError

PLACE = TablePlace("a" * 64, 3, "f" * 32)
TABLE = KeyTable([KeyRow("p1", "r1", b"one", [0, 2]), KeyRow("p1", "r2", b"two", [0, 2])], [1])
KEYS = {name: AesWrappingKey(name, bytes([number]) * 32) for number, name in enumerate(("local:1", "local:2"))}


def find(name: str) -> WrappingKey:
    if name not in KEYS:
        raise WrappingKeyError(name)
    return KEYS[name]


def read(file: Path, place: TablePlace = PLACE) -> KeyTable:
    return read_table(file, place, find=find, site="s")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_table(tmp_path / "t.parquet", PLACE, TABLE, wrapping=KEYS["local:1"])
    return tmp_path / "t.parquet"


def test_a_table_comes_back_as_it_was_written(file: Path) -> None:
    assert read(file) == TABLE
    assert b"one" not in b"".join(pq.read_table(file)["wrapped"].to_pylist())
    assert [entry.name for entry in file.parent.iterdir()] == ["t.parquet"]


def test_without_a_wrapping_key_rows_are_as_their_recipients_need_them(tmp_path: Path) -> None:
    write_table(tmp_path / "t", PLACE, TABLE, wrapping=None)
    assert read(tmp_path / "t") == TABLE
    assert pq.read_table(tmp_path / "t")["wrapped"].to_pylist() == [b"one", b"two"]


def test_a_table_opens_in_its_place_only(file: Path) -> None:
    for place in (TablePlace("b" * 64, 3, "f" * 32), TablePlace("a" * 64, 4, "f" * 32), TablePlace("a" * 64, 3, "e")):
        with pytest.raises(KeyStoreError, match="was changed"):
            read(file, place)


@pytest.mark.parametrize("column", ["patient", "recipient", "indices", "wrapped"])
def test_rows_that_were_swapped_or_edited_are_noticed(file: Path, column: str) -> None:
    table = pq.read_table(file)
    values = {"patient": ["p2"], "recipient": ["r2"], "indices": [[0]], "wrapped": table["wrapped"].to_pylist()[1:]}
    place = table.schema.get_field_index(column)
    changed = [*values[column], *table[column].to_pylist()[1:]]
    pq.write_table(table.set_column(place, table.schema.field(place), [changed]), file)
    with pytest.raises(KeyStoreError, match="was changed"):
        read(file)


def test_rows_that_changed_places_are_noticed(file: Path) -> None:
    pq.write_table(pq.read_table(file).take([1, 0]), file)
    with pytest.raises(KeyStoreError, match="was changed"):
        read(file)


def test_another_wrapping_key_opens_nothing(file: Path) -> None:
    with pytest.raises(WrappingKeyError):
        read_table(file, PLACE, find=lambda _: KEYS["local:2"], site="s")


def test_what_is_no_table_of_ours_is_told(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    for content in (b"", whole[:-1], whole[: len(whole) // 2], bytes(len(whole))):
        file.write_bytes(content)
        with pytest.raises(KeyStoreError):
            read(file)
    for footer in (b"", b"{}", b'{"erased": [], "schema": "sievert.keys/9"}', b'{"erased": 1}', b"[]"):
        pq.write_table(pa.table({"patient": ["p"]}).replace_schema_metadata({b"sievert": footer}), tmp_path / "x")
        with pytest.raises(KeyStoreError):
            read(tmp_path / "x")
    with pytest.raises(KeyStoreError):
        read(tmp_path / "none")


def test_a_flipped_byte_anywhere_gives_an_error_or_the_same_table(file: Path) -> None:
    whole, refused = file.read_bytes(), 0
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            table = read(file)
        except KeyStoreError:
            refused += 1
        else:
            assert table == TABLE, place
    assert refused > len(whole) // 4


def test_the_footer_tells_which_wrapping_key_and_keeps_the_rest_secret(file: Path) -> None:
    footer = read_table_footer(file)
    assert footer is not None
    assert (footer.wrapping, footer.erased) == ("local:1", [1])
    assert (footer.key or "x") not in repr(footer)
