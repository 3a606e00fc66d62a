"""Streams that unpack to too much are found without unpacking them whole."""

import tracemalloc
import zlib

import pytest
from medley.reading import FileTooLarge
from medley.reading.streams import check_streams

from tests.fuzz.document_files import page_pdf, stream

MIB = 1 << 20
FLATE = b"/Filter/FlateDecode"


def test_bomb_is_refused_cheaply() -> None:
    content = page_pdf(stream(zlib.compress(bytes(100 * MIB)), FLATE))
    tracemalloc.start()
    with pytest.raises(FileTooLarge) as caught:
        check_streams(content, 10 * MIB)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.limit == 10 * MIB
    assert peak < 2 * MIB


def test_bomb_in_a_bomb_is_refused() -> None:
    twice = zlib.compress(zlib.compress(bytes(100 * MIB)))
    with pytest.raises(FileTooLarge):
        check_streams(page_pdf(stream(twice, b"/Filter[/FlateDecode/FlateDecode]")), 10 * MIB)


def test_bomb_cut_off_is_refused() -> None:
    content = page_pdf(stream(zlib.compress(bytes(100 * MIB)), b"/Filter [ /Fl ]"))
    with pytest.raises(FileTooLarge):
        check_streams(content[:-200], 10 * MIB)


@pytest.mark.parametrize(
    "content",
    [
        page_pdf(stream(zlib.compress(bytes(9 * MIB)), FLATE)),
        page_pdf(stream(b"no deflated data " * 5000, FLATE)),
        page_pdf(stream(bytes(11 * MIB))),
        b"stream\nendstream" * 100,
        b"",
    ],
)
def test_others_pass(content: bytes) -> None:
    check_streams(content, 10 * MIB)
