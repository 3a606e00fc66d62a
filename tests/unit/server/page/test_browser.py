"""The page in a browser: what is seen, heard, and asked of whom."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.server.page.conftest import PATIENCE_MS, Looked

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

Server = tuple[str, Path]
Look = Callable[..., Looked]

INTERACTIVE = {
    "button", "checkbox", "combobox", "listbox", "option", "link", "radio", "searchbox", "slider",
    "spinbutton", "switch", "tab", "textbox",
}  # fmt: skip


def unnamed(looked: Looked) -> list[str]:
    """What could be used by people who do not see it, if they were told what it is."""
    session = looked.tab.context.new_cdp_session(looked.tab)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    return [
        json.dumps(node["role"])
        for node in nodes
        if not node.get("ignored")
        and node.get("role", {}).get("value") in INTERACTIVE
        and not node.get("name", {}).get("value", "").strip()
    ]


def test_nothing_is_asked_of_another_host(looked: Looked) -> None:
    looked.drop()
    looked.read()
    looked.tab.get_by_role("tab", name="Chat").click()
    looked.tab.get_by_role("tab", name="Adapters").click()
    looked.tab.wait_for_timeout(500)

    assert looked.hosts == {looked.url.split("/")[2]}
    assert looked.failures == []


def test_pointing_at_a_value_shows_where_it_was_read(looked: Looked) -> None:
    looked.drop()
    looked.read()
    field = looked.tab.get_by_label("sodium, value", exact=True)

    field.hover()

    box = looked.tab.locator(".md-box.is-lit")
    assert box.get_attribute("aria-label") == "sodium, value: 147"
    detail = looked.tab.get_by_label("The value that is pointed at").inner_text()
    for said in ("147", "Printed", "exactly as printed; page 1", "from the probabilities"):
        assert said in detail
    sheet, drawn = looked.tab.locator(".md-sheet").bounding_box(), box.bounding_box()
    assert sheet["x"] < drawn["x"] < sheet["x"] + sheet["width"]
    assert sheet["y"] < drawn["y"] < sheet["y"] + sheet["height"]


def test_the_keyboard_goes_from_box_to_box_and_to_the_value(looked: Looked) -> None:
    looked.drop()
    looked.read()
    first = looked.tab.locator(".md-box").first
    first.focus()

    looked.tab.keyboard.press("ArrowRight")
    lit = looked.tab.locator(".md-box.is-lit").get_attribute("data-value")
    looked.tab.keyboard.press("Enter")

    assert lit != first.get_attribute("data-value")
    focused = looked.tab.evaluate("document.activeElement.closest('td').dataset.value")
    assert focused == lit


def test_a_value_of_another_page_turns_to_it(looked: Looked) -> None:
    looked.drop()
    looked.read()
    assert looked.tab.locator(".md-page").get_attribute("data-page") == "1"

    looked.tab.locator("td[data-page='3'] input").first.focus()

    looked.tab.locator(".md-page[data-page='3']").wait_for()
    looked.tab.locator(".md-box.is-lit").wait_for()
    looked.tab.get_by_role("button", name="Previous page").click()
    looked.tab.locator(".md-page[data-page='2']").wait_for()


def _saved(looked: Looked, button: str) -> Any:
    with looked.tab.expect_download() as download:
        looked.tab.get_by_role("button", name=button).click()
    return json.loads(Path(download.value.path()).read_text())


def test_an_edit_is_in_the_json_and_the_bundle_is_of_what_was_read(looked: Looked) -> None:
    looked.drop()
    looked.read()
    looked.tab.get_by_label("sodium, value", exact=True).fill("141")

    saved = _saved(looked, "Save JSON")
    said = looked.tab.locator("#md-edits").inner_text()
    bundle = _saved(looked, "Save FHIR")

    sodium = saved["record"]["labs"][0]["value"]
    assert (sodium["value"], sodium["text"], sodium["edited"]) == ("141", "147", True)
    assert saved["edits"] == [{"path": "labs[0].value", "was": "147", "now": "141"}]
    assert said == "1 edited"
    assert bundle["resourceType"] == "Bundle"
    assert "without your edits" in looked.tab.locator("#md-status").inner_text()


def test_two_versions_are_compared_side_by_side(looked: Looked) -> None:
    looked.drop()
    looked.pick("Read by", "documents:1")
    looked.pick("Compare with", "documents → documents:2")
    looked.read()

    rows = [row.split("\t") for row in looked.tab.locator("tr.md-differs").all_inner_texts()]

    told = {cells[0]: (cells[-1], *[cell.strip("! ") for cell in cells[1:3]]) for cells in rows}
    assert told["sodium, unit"] == ("≠ only B", "not read", "meq/L")
    assert told["potassium, value"][0] == "≠ differs"
    assert looked.tab.locator("tr.md-same").first.is_hidden()
    looked.tab.get_by_label("Show only these").uncheck()
    assert looked.tab.locator("tr.md-same").first.is_visible()


def test_a_refusal_is_shown_in_the_words_of_the_api(looked: Looked, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("not a picture")
    (tmp_path / "long.pdf").write_bytes(b"%PDF-" + bytes(2_100_000))

    looked.drop(tmp_path / "note.txt")
    looked.tab.get_by_role("button", name="Read document").click()
    refused = looked.tab.locator("#md-status .md-bad")
    refused.wait_for()
    looked.tab.set_input_files("#md-file", tmp_path / "long.pdf")
    looked.tab.locator("#md-sent .md-bad").wait_for()

    assert "unsupported_media_type" in refused.inner_text()
    assert "the limit is 2000000" in looked.tab.locator("#md-sent").inner_text()


def test_a_chat_is_answered_and_what_is_said_is_text(looked: Looked) -> None:
    looked.tab.get_by_role("tab", name="Chat").click()
    looked.pick("Answered by", "triage-note → triage-note:1")
    looked.tab.get_by_label("Your message").fill("A cough <img src=x> {{x}}")

    looked.tab.get_by_role("button", name="Send").click()

    looked.tab.get_by_text("Answered by triage-note:1.").wait_for()
    said = looked.tab.locator("#md-conversation").inner_text()
    assert "You said: A cough <img src=x> {{x}} Rest, and drink enough." in said


def test_the_server_tab_tells_versions_aliases_and_benchmarks(looked: Looked) -> None:
    looked.tab.get_by_role("tab", name="Adapters").click()

    shown = looked.tab.locator("#md-server")
    shown.get_by_text("documents:2").wait_for()
    row = shown.get_by_role("row", name="documents:2").inner_text()
    assert "production" in row
    assert "fake 0 on cpu" in shown.inner_text()


def test_everything_that_can_be_used_has_a_name(looked: Looked) -> None:
    looked.drop()
    looked.tab.get_by_role("button", name="More options").click()
    looked.read()
    documents = unnamed(looked)
    looked.tab.get_by_role("tab", name="Chat").click()
    looked.tab.get_by_label("Your message").wait_for()

    assert documents == []
    assert unnamed(looked) == []
    assert looked.tab.get_by_role("main").count() == 1
    assert looked.tab.get_by_role("heading", level=1).inner_text() == "Medley"


def test_a_narrow_window_needs_no_scrolling_to_the_side(looking: Look, served: Server) -> None:
    looked = looking(served, width=390)
    looked.open()
    looked.drop()
    looked.read()

    assert looked.tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert unnamed(looked) == []


def test_a_page_forgets_its_document_when_it_is_closed(looking: Look, served: Server) -> None:
    looked = looking(served)
    looked.open()
    kept = served[1] / "cache" / "page"
    before = set(kept.rglob("document"))
    looked.drop()
    assert set(kept.rglob("document")) - before

    looked.tab.goto("about:blank")
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while set(kept.rglob("document")) - before and time.monotonic() < deadline:
        looked.tab.wait_for_timeout(200)

    assert set(kept.rglob("document")) <= before


def test_a_key_is_asked_for_and_opens_the_page(looking: Look, locked: Server) -> None:
    looked = looking(locked)
    looked.open()
    said = looked.tab.get_by_role("alert")
    said.get_by_text("Send a valid key").wait_for()
    looked.tab.get_by_label("Access key").fill("root")
    looked.tab.get_by_role("button", name="Use key").click()

    looked.tab.get_by_role("button", name="Forget key").wait_for()
    looked.drop()
    looked.read()

    assert looked.tab.get_by_label("sodium, value", exact=True).input_value() == "147"
    assert "root" not in looked.tab.evaluate("document.cookie + JSON.stringify(localStorage)")


def test_without_the_key_nothing_but_the_bare_page_is_given(locked: Server) -> None:
    with httpx.Client(base_url=locked[0], headers={"x-medley-tab": "ab"}) as http:
        joined = http.post("page/gradio_api/queue/join", json={"data": [], "session_hash": "s"})
        sent = http.post("page/document", files={"file": b"%PDF-"})

        assert (joined.status_code, sent.status_code) == (401, 401)
        assert not list((locked[1] / "cache" / "page").rglob("document"))


@pytest.mark.parametrize(
    "path",
    [
        "page/gradio_api/upload",
        "page/gradio_api/info",
        "page/gradio_api/file=/etc/passwd",
        "page/config",
        "page/login",
        "page/gradio_api/openapi.json",
        "config",
        "assets/index.js",
        "nothing",
    ],
)
def test_other_routes_are_as_unknown_as_ever(served: Server, path: str) -> None:
    with httpx.Client(base_url=served[0], headers={"x-medley-tab": "ab"}) as http:
        for answer in (http.get(path), http.post(path, json={})):
            assert answer.status_code == 404
            assert answer.json()["error"]["code"] == "route_not_found"
