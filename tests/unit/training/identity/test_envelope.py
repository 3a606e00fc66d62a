import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medley_training.errors import BadSignature
from medley_training.identity.envelope import Envelope, open_envelope, seal

from tests.unit.training.identity.made import NORTH, SOUTH

TYPE = "application/vnd.medley.test+json"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(max_examples=30)
@given(st.dictionaries(st.text(), VALUES))
def test_what_is_sealed_is_what_is_opened(payload: dict[str, object]) -> None:
    envelope = seal(TYPE, payload, NORTH)  # type: ignore[arg-type]

    read = Envelope.from_json(envelope.to_json())

    assert read == envelope
    assert open_envelope(read, [SOUTH.public, NORTH.public], payload_type=TYPE) == payload


def test_the_encoding_is_that_of_dsse() -> None:
    # The example of the protocol's text.
    envelope = Envelope("http://example.com/HelloWorld", b"hello world", "", b"")

    assert envelope.signed == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_an_envelope_has_dsse_members() -> None:
    text = seal(TYPE, {"a": 1}, NORTH).to_json()

    read = json.loads(text)

    assert base64.b64decode(read["payload"]) == b'{"a":1}'
    assert read["payloadType"] == TYPE
    assert [*read["signatures"][0]] == ["keyid", "sig"]


def test_only_the_named_keys_and_the_named_type_count() -> None:
    envelope = seal(TYPE, {}, NORTH)

    with pytest.raises(BadSignature, match="none of those"):
        open_envelope(envelope, [SOUTH.public], payload_type=TYPE)
    with pytest.raises(BadSignature, match="none of those"):
        open_envelope(envelope, [], payload_type=TYPE)
    with pytest.raises(BadSignature, match="not text/plain"):
        open_envelope(envelope, [NORTH.public], payload_type="text/plain")


def test_a_signature_does_not_move_to_another_type_or_key() -> None:
    envelope = seal(TYPE, {}, NORTH)
    other_type = Envelope("text/plain", envelope.payload, envelope.key_id, envelope.signature)
    other_key = Envelope(TYPE, envelope.payload, SOUTH.public.key_id, envelope.signature)

    for moved in (other_type, other_key):
        with pytest.raises(BadSignature, match="not by key"):
            open_envelope(moved, [NORTH.public, SOUTH.public], payload_type=moved.payload_type)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"a": 1}',
        b'{"b":1,"a":1}',
        b'{"a":1,"a":1}',
        b'{"a":NaN}',
        b'{"a":9007199254740993}',
        b'{"a":1.0}',
        b"[]",
        b"\xff",
        b"",
        b'{"a":' + b"[" * 100_000,
    ],
    ids=["space", "order", "twice", "nan", "odd", "point", "list", "utf-8", "empty", "deep"],
)
def test_a_signed_payload_in_another_form_is_refused(payload: bytes) -> None:
    form = Envelope(TYPE, payload, NORTH.public.key_id, b"")
    signed = Envelope(TYPE, payload, NORTH.public.key_id, NORTH.sign(form.signed))

    with pytest.raises(BadSignature, match=r"canonical form|cannot be read"):
        open_envelope(signed, [NORTH.public], payload_type=TYPE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "{}",
        '{"payload":"","payloadType":"","signatures":[]}',
        '{"payload":"?","payloadType":"","signatures":[{"keyid":"","sig":""}]}',
        '{"payload":"QR==","payloadType":"","signatures":[{"keyid":"","sig":""}]}',
        ' {"payload":"","payloadType":"","signatures":[{"keyid":"","sig":""}]}',
        '{"payload":"","payloadType":"","signatures":[{"keyid":"","sig":""}],"x":1}',
        '{"payload":"","payloadType":"","signatures":[{"keyid":"","sig":"","x":1}]}',
        "\ud800",
        "1" * (2 << 20),
    ],
)
def test_another_text_is_no_envelope(text: str) -> None:
    with pytest.raises(BadSignature):
        Envelope.from_json(text)


def test_the_digest_is_that_of_the_text() -> None:
    envelope = seal(TYPE, {"a": 1}, NORTH)

    assert envelope.digest == seal(TYPE, {"a": 1}, NORTH).digest
    assert envelope.digest != seal(TYPE, {"a": 2}, NORTH).digest
