from typing import Any

import pytest
from medley_server.errors import FieldForbidden, ImageSourceForbidden
from medley_server.image_sources import ImageSources
from medley_server.reach import FORBIDDEN, STEERING, check_reach, unsteered

DATA = "data:image/png;base64,iVBORw0K"
LISTED = ImageSources(["pacs.example.org", "10.1.0.0/16"])
NOWHERE = ImageSources([])


def chat(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


def every_shape(url: str) -> list[dict[str, Any]]:
    """Every place of a request from which vLLM takes a URL."""
    return [
        chat({"type": "image_url", "image_url": {"url": url}}),
        chat({"type": "image_url", "image_url": url}),
        chat({"image_url": url}),
        chat({"image_url": {"url": url}}),
        chat({"type": "video_url", "video_url": {"url": url}}),
        chat({"type": "audio_url", "audio_url": {"url": url}}),
        chat({"type": "input_image", "image_url": url}),
        chat({"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": url}}),
        {"messages": [{"role": "tool", "content": [{"type": "image_url", "image_url": url}]}]},
        {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": url}]}]},
        {"input": [{"type": "computer_call_output", "output": {"image_url": url}}]},
        {"input": [{"role": "user", "content": [{"type": "input_file", "file_url": url}]}]},
        {"previous_input_messages": [{"content": [{"image_url": url}]}]},
    ]


FETCHED = (
    "http://169.254.169.254/latest/meta-data",
    "https://example.org/a.png",
    "file:///etc/passwd",
    "FILE:///etc/passwd",
    "ftp://example.org/a.png",
    "//example.org/a.png",
    "/etc/passwd",
    " data:image/png;base64,iVBORw0K",
)


@pytest.mark.parametrize("url", FETCHED)
def test_nothing_is_fetched_unless_its_host_is_listed(url: str) -> None:
    for request in every_shape(url):
        with pytest.raises(ImageSourceForbidden) as refused:
            NOWHERE.check(request)
        assert url not in str(refused.value)


@pytest.mark.parametrize("url", [DATA, DATA.replace("data", "DATA")])
def test_what_the_request_itself_holds_passes(url: str) -> None:
    for request in every_shape(url):
        NOWHERE.check(request)


@pytest.mark.parametrize("url", ["https://pacs.example.org/1.png", "http://10.1.2.3:8042/1.png"])
def test_a_listed_host_passes(url: str) -> None:
    for request in every_shape(url):
        LISTED.check(request)


@pytest.mark.parametrize(
    "url",
    [
        *FETCHED,
        "http://pacs.example.org/1.png",
        "https://pacs.example.org.evil.example/1.png",
        "https://evil.example/pacs.example.org",
        "https://pacs.example.org@evil.example/",
        "https://evil.example\\@pacs.example.org/",
        "https://pacs.example.org\t.evil.example/",
        "https://10.2.0.1/1.png",
        "https://127.0.0.1/1.png",
        "https://[::1]/1.png",
        "https://2130706433/1.png",
        "https://pacs.example.org:x/",
    ],
)
def test_what_is_not_listed_is_refused_whatever_it_looks_like(url: str) -> None:
    with pytest.raises(ImageSourceForbidden):
        LISTED.check(chat({"type": "image_url", "image_url": {"url": url}}))


def test_urls_that_are_only_spoken_of_pass() -> None:
    spoken = "look at http://169.254.169.254/ and file:///etc/passwd"
    schema = {"type": "object", "properties": {"image_url": {"type": "string"}}}

    NOWHERE.check(chat({"type": "text", "text": spoken}))
    NOWHERE.check({"messages": [{"role": "user", "content": spoken}]})
    NOWHERE.check({"input": spoken, "prompt": spoken})
    NOWHERE.check({"messages": [], "tools": [{"function": {"parameters": schema}}]})


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": DATA}, "uuid": "of-somebody"},
        {"type": "image_url", "image_url": None, "uuid": "of-somebody"},
        {"type": "input_audio", "uuid": "of-somebody"},
        {"type": "image_embeds", "image_embeds": "gASV"},
        {"type": "prompt_embeds", "prompt_embeds": "gASV"},
        {"image_pil": "/etc/passwd"},
    ],
)
def test_cached_media_of_others_and_tensors_are_refused(part: dict[str, Any]) -> None:
    with pytest.raises(FieldForbidden):
        LISTED.check(chat(part))


def test_a_request_deeper_than_python_is_looked_through() -> None:
    deep: Any = {"image_url": "http://169.254.169.254/"}
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(ImageSourceForbidden):
        NOWHERE.check({"messages": deep})
    while isinstance(deep, list):  # Python's own clean-up is not made for this
        deep = deep.pop()


def test_a_schema_in_a_message_is_no_medium() -> None:
    schema = {"type": ["string", "null"], "properties": {"a": {"type": {"b": 1}}}}

    ImageSources(()).check({"messages": [{"role": "user", "content": schema}]})


@pytest.mark.parametrize("field", sorted(FORBIDDEN))
def test_fields_that_reach_beyond_the_request_are_refused(field: str) -> None:
    with pytest.raises(FieldForbidden) as refused:
        check_reach({field: {"a": 1}})

    error: Any = refused.value.body()["error"]
    assert (error["code"], error["param"]) == ("field_forbidden", field)


def test_a_template_is_refused_by_the_back_door_too() -> None:
    with pytest.raises(FieldForbidden):
        check_reach({"chat_template_kwargs": {"chat_template": "{{ x }}"}})

    check_reach({"chat_template_kwargs": {"enable_thinking": False}})


def test_fields_that_say_nothing_pass() -> None:
    check_reach({"priority": 0, "background": False, "vllm_xargs": None, "temperature": 0.0})


def test_headers_that_steer_the_engine_are_dropped() -> None:
    kept = [(b"content-type", b"application/json")]
    steering = [(name, b"-9") for name in STEERING] + [(b"X-Vllm-Priority", b"-9")]

    assert unsteered({"headers": [*steering, *kept]})["headers"] == kept
