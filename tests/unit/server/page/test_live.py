"""The live tab in a browser."""

import json
import time
from pathlib import Path

import httpx
import pytest
from medley_server.page.live_tab import EVERY_S

from tests.unit.server.page.conftest import PATIENCE_MS, Looked

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


def ask(looked: Looked, model: str) -> None:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": True}
    answer = httpx.post(f"{looked.url}v1/chat/completions", json=body)
    assert answer.status_code == 200


def open_by_keyboard(looked: Looked) -> None:
    looked.tab.get_by_role("tab", name="Documents").focus()
    for _ in range(3):
        looked.tab.keyboard.press("ArrowRight")
    if looked.tab.get_by_role("tab", name="Live").get_attribute("aria-selected") != "true":
        looked.tab.get_by_role("tab", name="Live").focus()
        looked.tab.keyboard.press("Enter")
    looked.tab.locator("#md-live .md-swaps").wait_for()


def row_of(looked: Looked, version: str) -> list[str]:
    row = looked.tab.locator("#md-live tr", has=looked.tab.get_by_text(version, exact=True)).first
    text: str = row.inner_text()
    return text.split("\t")


def test_it_shows_traffic_and_swaps_and_follows_them_without_a_mouse(
    looked: Looked, tmp_path: Path
) -> None:
    ask(looked, "triage-note")

    open_by_keyboard(looked)
    before = row_of(looked, "triage-note:1")
    ask(looked, "triage-note")
    looked.tab.wait_for_function(
        "was => ![...document.querySelectorAll('#md-live tr')].some(r => r.innerText === was)",
        arg="\t".join(before),
    )
    after = row_of(looked, "triage-note:1")
    looked.tab.screenshot(path=tmp_path / "live.png", full_page=True)

    assert before[1] == "triage-note@production"
    assert int(after[3]) == int(before[3]) + 1
    swap = looked.tab.locator(".md-swaps li", has_text="triage-note@production").first.inner_text()
    for phase in ("verified", "checked", "loaded", "live"):
        assert phase in swap
    assert looked.hosts == {looked.url.split("/")[2]}
    assert looked.failures == []


def test_the_box_stops_it(looked: Looked) -> None:
    open_by_keyboard(looked)

    box = looked.tab.get_by_label("Look again every 3 seconds")
    box.focus()
    looked.tab.keyboard.press("Space")
    last = None
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while (now := looked.tab.locator("#md-live").inner_html()) != last:
        assert time.monotonic() < deadline, "it still looks"
        last = now
        looked.tab.wait_for_timeout(2.2 * EVERY_S * 1000)

    assert not box.is_checked()
    assert "UTC" in now  # the time of the look, to the second


def test_everything_of_it_has_a_name(looked: Looked) -> None:
    from tests.unit.server.page.test_browser import unnamed

    open_by_keyboard(looked)

    assert unnamed(looked) == [], json.dumps(unnamed(looked))
