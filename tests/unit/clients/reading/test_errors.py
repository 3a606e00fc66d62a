"""Errors survive the way from one process to another, and nothing heavy is imported for them."""

import subprocess
import sys

import pytest
from medley.reading import errors


@pytest.mark.parametrize("kind", errors.DocumentError.__subclasses__())
def test_error_arrives_as_it_was_sent(kind: type[errors.DocumentError]) -> None:
    sent = kind("too much", limit=3, actual=4, page=2)
    got = errors.from_json(errors.as_json(sent))
    assert type(got) is kind
    assert (str(got), got.limit, got.actual, got.page) == ("too much", 3, 4, 2)


def test_codes_are_those_that_are_published() -> None:
    assert {kind.code for kind in errors.DocumentError.__subclasses__()} == {
        "encrypted_document", "corrupt_document", "file_too_large", "too_many_pages",
        "too_many_pixels", "too_much_text",
        "image_too_small", "unsupported_media_type", "invalid_pages",
    }  # fmt: skip


def test_importing_reading_imports_nothing_heavy() -> None:
    heavy = ("PIL", "pypdfium2", "rapidocr", "onnxruntime", "numpy", "cv2", "pydicom")
    script = f"import sys, medley.reading; sys.exit(' '.join(set({heavy}) & set(sys.modules)) or 0)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
