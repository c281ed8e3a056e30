"""Files as they come: every way in which a CSV can be broken, and Parquet with other types than expected."""

from __future__ import annotations

import resource
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from import_office import YES, Office, office, row, table

from placet.consents.import_files import LONGEST_LINE, open_table
from placet.consents.import_rows import COLUMNS, Defaults, Layout, Reader, Said
from placet.consents.model import Refused
from placet.kernel.errors import BadInput
from placet.store.database import Database
from placet.subjects.actions import Subjects

TWO = table([row(), row(subject="crm:C-2")])
HEADER, FIRST, SECOND = TWO.splitlines()


def read(path: Path, content: bytes | str) -> dict[int, str]:
    """What each line says, without a database: whose decision it is, or the code of its refusal."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with path.open("rb") as file:
        opened = open_table(path, file)
        reader = Reader(Layout.of(opened.header), Defaults(), datetime(2026, 3, 12, tzinfo=UTC))
        said: dict[int, str] = {}
        for sheet in opened.sheets:
            rows, refused = reader.read(sheet.numbers, sheet.columns)
            said |= {line.number: line.broken.code for line in sheet.odd if line.broken is not None}
            said |= {number: why.code for number, why in refused.items()}
            said |= {number: str(rows.names[who]) for number, who in zip(rows.numbers, rows.who, strict=True)}
    return dict(sorted(said.items()))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "decisions.csv"


@pytest.fixture
def desk(database: Database, subjects: Subjects, tmp_path: Path, now: datetime) -> Office:
    return office(database, subjects, tmp_path, now)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + TWO.encode(),
        TWO.replace("\n", "\r\n").encode(),
        TWO.replace("\n", "\r").encode(),
        f"{HEADER}\r\n{FIRST}\r\r\n\n{SECOND}".encode(),
        f"\n\n{HEADER}\n{FIRST}\n,,,,,,,,,,\n{SECOND}\n".encode(),
        table([row(), row(subject="crm:C-2")], sign=";").encode(),
        table([row(), row(subject="crm:C-2")], sign="\t").encode(),
        TWO.replace("crm-2019", '"crm-2019"').encode(),
        TWO.replace("lv", '"lv"', 1).encode(),
        TWO.replace("purpose", " Purpose ").replace("given", "Given ").encode(),
    ],
    ids=["bom", "crlf", "cr", "mixed-ends", "blank-lines", "semicolons", "tabs", "quotes", "one-quoted", "cases"],
)
def test_usual_spellings_of_a_csv_are_read(file: Path, content: bytes) -> None:
    assert list(read(file, content).values()) == ["crm:C-1", "crm:C-2"]


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (FIRST.encode() + b"\x00", "nul"),
        (FIRST.encode().replace(b"crm-2019", b"r\xefga"), "not-utf8"),
        (b'"' + FIRST.encode(), "broken-quotes"),
        (FIRST.encode().replace(b"crm-2019", b'"crm"2019'), "broken-quotes"),
        (FIRST.encode() + b",more", "columns"),
        (b"crm:C-1,offers", "columns"),
        (b"," * 1_000_000, "too-long"),
        (b"a," * 30_000, "columns"),
        (b"x" * (3 * LONGEST_LINE), "too-long"),
        (b"x" * (20 * LONGEST_LINE), "too-long"),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_broken_line_is_refused_alone(file: Path, broken: bytes, code: str, end: bytes) -> None:
    content = end.join([HEADER.encode(), FIRST.encode(), broken, SECOND.encode(), b""])
    assert read(file, content) == {2: "crm:C-1", 3: code, 4: "crm:C-2"}


words = st.sampled_from(
    ["", " ", "crm:C-1", "offers", "given", "GIVEN ", "2026-01-10T09:00:00+02:00", " 2026-01-10T09:00:00Z", "x",
     "0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-02:00", "2026-01-10", "2027-01-01T00:00:00Z", "1.0", "B", "=1"]
)  # fmt: skip


@given(st.lists(st.lists(words, min_size=12, max_size=12).map(lambda cells: dict(zip(COLUMNS, cells, strict=True)))))
def test_rows_that_are_read_together_say_what_each_says_alone(odd: list[dict[str, str]]) -> None:
    said = [row(), *odd, row(subject="crm:C-2"), *({**row(), name: each[name]} for each in odd for name in COLUMNS)]
    reader = Reader(Layout.of(COLUMNS), Defaults(), datetime(2026, 3, 12, tzinfo=UTC))

    def read_some(some: list[dict[str, str]]) -> tuple[list[Said], list[Refused]]:
        rows, refused = reader.read(range(len(some)), [[each.get(name, "") for each in some] for name in COLUMNS])
        return [rows.said(at) for at in range(len(rows))], [refused[at] for at in sorted(refused)]

    together = read_some(said)
    alone = [read_some([each]) for each in said]
    assert together == ([one for found, _ in alone for one in found], [one for _, found in alone for one in found])


def test_an_open_quote_swallows_nobodys_no(desk: Office) -> None:
    no = SECOND.replace("given", "withdrawn")
    report = desk.run("\n".join([HEADER, '"' + FIRST, no, FIRST + '"', no.replace("C-2", "C-3"), ""]))
    assert (report.recorded, report.refused) == (2, 2)
    assert desk.states() == [(2, "offers", "", "withdrawn"), (3, "offers", "", "withdrawn")]
    assert [each["refused_line"] for each in desk.refusals()] == ["2", "4"]


def test_a_broken_line_comes_back_as_far_as_it_can_be_shown(desk: Office) -> None:
    desk.run(HEADER.encode() + b"\nabc\xff\x00def\n" + b"y" * LONGEST_LINE + b"yy\n")
    assert [each["refused_text"] for each in desk.refusals()] == ["abc\\xff\\x00def", "y" * 1000]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty-file"),
        (b"\n\r\n  \n", "empty-file"),
        (b"\xef\xbb\xbf", "empty-file"),
        (FIRST.encode(), "bad-header"),
        (HEADER.replace("grade", "graed").encode(), "bad-header"),
        (HEADER.replace("grade", "source").encode(), "bad-header"),
        (HEADER.replace("subject,", "").encode(), "bad-header"),
        (b"," * 1_000_000, "bad-header"),
        (b"a\x00b", "bad-header"),
        (b"\xff\xfeh\x00i\x00", "not-utf8"),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00\xff\xff", "bad-header"),
    ],
)
def test_what_is_no_table_of_decisions_is_refused_whole(file: Path, content: bytes, code: str) -> None:
    with pytest.raises(BadInput) as refusal:
        read(file, content)
    assert refusal.value.code == code


def test_a_misspelt_column_is_named_with_its_likely_spelling(file: Path) -> None:
    with pytest.raises(BadInput, match=r"'graed'; did you mean grade\?"):
        read(file, HEADER.replace("grade", "graed"))


def test_a_line_of_a_gigabyte_is_read_past_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.write(f"{HEADER}\n{FIRST}\n".encode())
        file.seek(1024 * 1024 * 1024, 1)  # a hole: nothing but NUL
        file.write(f"\n{SECOND}\n".encode())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with path.open("rb") as file:
        sheets = list(open_table(path, file).sheets)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024
    assert [number for sheet in sheets for number in sheet.numbers] == [2, 4]
    assert [(line.number, line.broken and line.broken.code) for sheet in sheets for line in sheet.odd] == [
        (3, "too-long")
    ]


def parquet(path: Path, **columns: pa.Array) -> Path:
    count = len(next(iter(columns.values())))
    texts = {name: pa.array([value] * count) for name, value in YES.items()}
    pq.write_table(pa.table({**texts, **columns}), path)
    return path


def test_parquet_is_read_with_timestamps_dictionaries_and_nulls(desk: Office) -> None:
    moment = datetime(2026, 1, 10, 7, 0, 0, 5, tzinfo=UTC)
    path = parquet(
        desk.folder / "a.parquet",
        subject=pa.array(["crm:C-1", "crm:C-2"]).dictionary_encode(),
        occurred_at=pa.array([moment, moment], pa.timestamp("ns", "Europe/Riga")),
        channel=pa.array([None, "sms"]),
        evidence=pa.nulls(2),
        collected_at=pa.array(["2026-02-01T00:00:00Z"] * 2, pa.large_string()),
    )
    assert desk.run(path).recorded == 2, desk.refusals()
    assert desk.rows("SELECT DISTINCT occurred_at FROM ledger.entered") == [(moment,)]


@pytest.mark.parametrize(
    ("name", "values", "code"),
    [
        ("purpose", pa.array([1, 2]), "bad-type"),
        ("occurred_at", pa.array([1, 2]), "bad-type"),
        ("occurred_at", pa.array([datetime(2026, 1, 1)] * 2), "naive-time"),  # noqa: DTZ001 - that is what is tested
        ("evidence", pa.array([["a"], ["b"]]), "bad-type"),
        ("colour", pa.array(["red", "blue"]), "bad-header"),
    ],
)
def test_parquet_with_other_types_is_refused_whole(tmp_path: Path, name: str, values: pa.Array, code: str) -> None:
    path = parquet(tmp_path / "a.parquet", **{name: values})
    with pytest.raises(BadInput) as refusal:
        read(path, path.read_bytes())
    assert refusal.value.code == code


def test_parquet_rows_with_bytes_that_are_no_text_are_refused_alone(desk: Office) -> None:
    odd = pa.array([b"crm-1", b"r\xefga", b"a\x00b", b"c" * 70_000], pa.binary())
    source = pa.Array.from_buffers(pa.string(), 4, odd.buffers())
    report = desk.run(parquet(desk.folder / "a.parquet", source=source))
    assert report.recorded == 1
    assert desk.codes() == {2: "not-utf8", 3: "nul", 4: "too-long"}


@pytest.mark.parametrize("cut", [0, 10, -100])
def test_damaged_parquet_is_refused_whole(tmp_path: Path, cut: int) -> None:
    path = parquet(tmp_path / "a.parquet", subject=pa.array(["crm:C-1"] * 5))
    with pytest.raises(BadInput, match="not a Parquet file"):
        read(path, path.read_bytes()[:cut])
