import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_registry import Digest, InvalidReference
from medley_registry.digest import digest_stream


@given(st.binary())
def test_a_digest_reads_back_from_its_text(data: bytes) -> None:
    digest = Digest.of(data)

    assert str(digest) == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert Digest.parse(str(digest)) == digest


@pytest.mark.parametrize(
    "text", ["", "sha256:", "sha256:" + "a" * 63, "sha256:" + "A" * 64, "md5:" + "a" * 64, "a" * 64]
)
def test_other_text_is_no_digest(text: str) -> None:
    with pytest.raises(InvalidReference):
        Digest.parse(text)


@given(st.binary(max_size=100))
def test_a_stream_is_hashed_and_handed_on_in_one_reading(data: bytes) -> None:
    copy = io.BytesIO()

    digest, size_bytes = digest_stream(io.BytesIO(data), each=copy.write)

    assert (digest, size_bytes, copy.getvalue()) == (Digest.of(data), len(data), data)
