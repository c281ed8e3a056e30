"""A form with files is read within bounds, and what is no such form is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placet.interfaces.web.uploads import Upload, parse
from placet.kernel.errors import BadInput

EDGE = b"----edge7"


def body(*parts: tuple[str, bytes], closed: bool = True) -> bytes:
    """*parts* as a browser sends them: the header's rest, and the data."""
    sent = b"".join(
        b"--" + EDGE + f"\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + data + b"\r\n"
        for head, data in parts
    )
    return sent + b"--" + EDGE + (b"--\r\n" if closed else b"")


@given(st.binary(max_size=300).filter(lambda data: EDGE not in data), st.text(max_size=20))
def test_files_come_back_byte_for_byte(data: bytes, text: str) -> None:
    text = text.replace("\0", "").encode("utf-8", "ignore").decode()
    sent = parse(body(('name="why"', text.encode()), ('name="files"; filename="a.zip"', data)), EDGE)
    assert sent.fields == {"why": text}
    assert sent.files == {"files": (Upload("a.zip", data),)}


def test_several_files_of_one_field_keep_their_order_and_lose_their_folders() -> None:
    sent = parse(
        body(
            ('name="files"; filename="C:\\\\texts\\\\b.yaml"', b"1"),
            ('name="files"; filename="../../a.yaml"', b"2"),
            ('name="files"; filename="%22q%22.yaml"', b"3"),
            ('name="files"; filename=""', b""),
        ),
        EDGE,
    )
    assert [upload.name for upload in sent.files["files"]] == ["b.yaml", "a.yaml", '"q".yaml']


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"nothing of a form",
        body(('name="a"', b"1"), closed=False),
        body(("", b"1")),
        b"--" + EDGE + b"\r\nno blank line--" + EDGE + b"--",
        body(*[('name="a"', b"1")] * 201),
        body(('name="a"', b"\xff\xfe")),
        body(('name="a"', b"x\0y")),
        body(('name="a"', b"x" * 70_000)),
    ],
)
def test_what_is_no_such_form_is_refused(wrong: bytes) -> None:
    with pytest.raises(BadInput):
        parse(wrong, EDGE)
