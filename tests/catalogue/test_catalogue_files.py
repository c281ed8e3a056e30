from __future__ import annotations

from pathlib import Path

import pytest
from catalogue_tables import ACME, Edit, table

from placet.catalogue.document import frozen
from placet.catalogue.files import MAX_BYTES, BadCatalogue, load
from placet.catalogue.model import Catalogue, Version
from placet.kernel.errors import BadInput


def problems(folder: Path | str) -> list[str]:
    with pytest.raises(BadCatalogue) as caught:
        load(folder)
    return caught.value.problems


def test_a_shipped_catalogue_is_found_by_its_name(amigo: Catalogue) -> None:
    assert (amigo.id, amigo.version) == ("amigo", Version(1, 0))


def test_the_same_files_give_the_same_digest_and_an_equal_value(acme: Catalogue) -> None:
    again = load(ACME)
    assert again == acme
    assert hash(again) == hash(acme)
    assert again.digest == acme.digest


def test_a_catalogue_read_from_its_document_is_equal_in_every_part(amigo: Catalogue) -> None:
    again = frozen(amigo.document)
    assert again == amigo
    assert again.digest == amigo.digest
    for part in ("controller", "channels", "data", "recipients", "purposes", "activities", "wording", "variables"):
        assert getattr(again, part) == getattr(amigo, part)


def test_comments_and_layout_do_not_change_the_digest(acme: Catalogue, edit: Edit) -> None:
    folder = edit([{"file": "purposes/news.yaml", "find": "id: news", "put": "# ours\n\nid:   'news'"}])
    assert load(folder).digest == acme.digest


def test_purposes_keep_the_order_of_the_head_file(edit: Edit) -> None:
    folder = edit([{"file": "catalogue.yaml", "find": "purposes: [news, advice]", "put": "purposes: [advice, news]"}])
    assert list(load(folder).purposes) == ["advice", "news"]


def test_a_catalogue_cannot_be_changed_in_place(acme: Catalogue) -> None:
    with pytest.raises(TypeError):
        acme.purposes["more"] = acme.purposes["news"]  # type: ignore[index]
    with pytest.raises(AttributeError):
        acme.purposes["news"].automated = True  # type: ignore[index,misc]


@pytest.mark.parametrize("case", table("faults.yaml"), ids=lambda case: case["problem"][:60])
def test_a_fault_is_named_by_file_line_and_key(case: dict[str, str], edit: Edit) -> None:
    assert case["problem"] in problems(edit([case]))


def test_all_faults_are_named_at_once(edit: Edit) -> None:
    folder = edit(
        [
            {"file": "purposes/news.yaml", "find": "line_tied: false", "put": "line_tied: 7"},
            {"file": "purposes/advice.yaml", "find": "automated: false", "put": "automated: 7"},
            {"file": "activities.yaml", "find": "needs: [news]", "put": "needs: news"},
        ]
    )
    assert [problem.split(":")[0] for problem in problems(folder)] == [
        "activities.yaml",
        "purposes/news.yaml",
        "purposes/advice.yaml",
    ]


def test_yaml_aliases_and_tags_are_refused(edit: Edit) -> None:
    folder = edit([{"file": "purposes/news.yaml", "find": "data: [contact]", "put": "data: &d [contact]\nmore: *d"}])
    assert problems(folder) == ["purposes/news.yaml: not valid YAML: an alias (*name) stands here; write the text out"]


def test_text_that_looks_like_a_date_or_a_no_stays_text(edit: Edit) -> None:
    folder = edit(
        [{"file": "purposes/news.yaml", "find": "summary: We write", "put": "summary: 2026-01-01\n    x: We write"}]
    )
    assert problems(folder) == ["purposes/news.yaml:15: notices.en.x: Extra inputs are not permitted"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xff\xfe", "not UTF-8; save the file in that encoding"),
        (b"a: b\0", "not valid YAML"),
        (b"a: [", "not valid YAML"),
        (b"[" * 100_000, "nested too deeply to be a catalogue"),
        (b"#" * (MAX_BYTES + 1), f"larger than {MAX_BYTES} bytes"),
        (b"", "Input should be"),
        (b"!!python/object/apply:os.system [ls]", "Input should be"),
    ],
    ids=["not utf-8", "NUL", "unclosed", "deep", "large", "empty", "a tag"],
)
def test_a_file_that_is_no_catalogue_is_refused(content: bytes, expected: str, edit: Edit) -> None:
    folder = edit([])
    (folder / "wording.yaml").write_bytes(content)
    (problem,) = problems(folder)
    assert problem.startswith("wording.yaml:")
    assert expected in problem


def test_a_byte_order_mark_and_windows_line_ends_are_read(acme: Catalogue, edit: Edit) -> None:
    folder = edit([])
    file = folder / "purposes" / "news.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert load(folder).digest == acme.digest


@pytest.mark.parametrize("name", ["nobody", "../amigo", "amigo/purposes", "/etc", ""])
def test_a_folder_without_a_catalogue_is_refused(name: str) -> None:
    assert problems(name)


@pytest.mark.parametrize("text", ["1", "1.0.0", "01.0", "0.1", "1.-1", "1.x", "", "１.0", "1.0\n"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        Version.parse(text)


def test_versions_compare_by_number() -> None:
    assert Version.parse("2.0") > Version.parse("1.10") > Version.parse("1.9")
