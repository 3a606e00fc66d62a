"""Documents by their pictures: a vision-language base behind the real server.

The base is random and reads nothing: what is looked at is that pictures come to it as it looks at
them, that it answers by the grammar whatever it makes up, and that its boxes come back to the page.
"""

import base64
import json
import urllib.request
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from medley import Client
from medley.pages import Box
from medley.results import Extraction, ExtractionStatus, FoundRow
from medley.server_process import ServerProcess
from medley_registry import open_registry
from medley_server.extraction.framing import Messages
from medley_server.extraction.image_pages import _FRAME
from medley_server.extraction.resized_image import Eye, ImageSize
from pydantic import BaseModel

from tests.e2e.test_extraction import LINES, pdf
from tests.tiny_vision_base import save_tiny_vision_base, write_part_adapter

pytestmark = pytest.mark.e2e

BASE = "tiny-vision"
PAGE = ImageSize(875, 625)  # of `pdf`, at 150 dots per inch


def scan(dots_per_inch: int = 150) -> bytes:
    out = BytesIO()
    with pypdfium2.PdfDocument(pdf(LINES)) as document:
        drawn = document[0].render(scale=dots_per_inch / 72).to_pil()
    drawn.convert("L").save(out, format="PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vision") / BASE
    save_tiny_vision_base(folder)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[ServerProcess]:
    home = folder.parent / "home"
    with open_registry(home / "registry", create=True) as registry:
        registry.add_base(BASE, folder, actor="test")
        for part in ("visual", "language_model"):
            adapter = write_part_adapter(home / part, folder, part)
            registry.publish(adapter, name=part.replace("_", "-"), base=BASE, actor="test")
    process = ServerProcess(
        BASE,
        home / "registry",
        log=home / "server.log",
        home=home,
        engine_flags=("--max-model-len", "4096", "--enable-tower-connector-lora"),
        # Two threads on so few weights do little but wait for each other.
        environment={"VLLM_CPU_OMP_THREADS_BIND": "0"},
    )
    with process:
        process.wait()
        yield process


@pytest.fixture(scope="module")
def client(server: ServerProcess) -> Iterator[Client]:
    with Client(server.url) as opened:
        yield opened


@pytest.fixture(scope="module")
def found(client: Client) -> Extraction:
    return client.extract(scan())


def post(server: ServerProcess, path: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(server.url + path, json.dumps(body).encode())
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request) as answer:
        told: dict[str, Any] = json.load(answer)
    return told


def boxes(extraction: Extraction) -> list[Box]:
    assert extraction.record is not None
    rows = [row for _, rows in extraction.record for row in rows if isinstance(row, FoundRow)]
    values = [value for row in rows for _, value in row]
    return [Box(*box) for value in values if (box := getattr(value, "bbox", None)) is not None]


def test_a_scanned_page_is_looked_at_and_answered_by_the_grammar(found: Extraction) -> None:
    assert found.status is ExtractionStatus.SUCCEEDED
    assert [page.status for page in found.document.pages] == ["read"]
    assert (found.document.pages_in, found.document.pages_processed) == (1, 1)
    assert found.model.base == BASE
    assert found.record is not None
    assert any(rows for _, rows in found.record)


def test_boxes_come_back_from_the_picture_that_the_model_saw(
    found: Extraction, folder: Path
) -> None:
    """They are whole pixels of that picture, and of no other size that is near."""
    eye = Eye.of_base(folder)
    assert eye is not None
    seen = eye.size(PAGE)
    assert seen != PAGE

    given = boxes(found)

    assert given
    for box in given:
        sides = [side * whole for side, whole in zip(box, (*seen, *seen), strict=True) if side < 1]
        assert sides == pytest.approx([round(side) for side in sides], abs=1e-6)


def test_a_picture_has_the_tokens_that_were_foreseen(
    found: Extraction, server: ServerProcess, folder: Path
) -> None:
    from transformers import AutoProcessor

    eye = Eye.of_base(folder)
    assert eye is not None
    seen = eye.size(PAGE)
    processor = AutoProcessor.from_pretrained(folder).image_processor
    patches = processor.get_number_of_image_patches(seen.height, seen.width)
    bare: Messages = _FRAME.pictures(())
    asked = post(server, "/tokenize", {"model": BASE, "messages": list(bare)})

    assert found.usage.image_tokens == eye.tokens(seen) == patches // processor.merge_size**2 + 2
    assert found.usage.input_tokens == asked["count"] + found.usage.image_tokens


def test_a_huge_page_is_scaled_to_what_the_encoder_takes(client: Client) -> None:
    found = client.extract(scan(dots_per_inch=1000))

    assert found.status is ExtractionStatus.SUCCEEDED
    assert found.usage.image_tokens <= 1280 + 2


class Report(BaseModel):
    title: str
    rows: list[str]


def test_the_callers_own_schema_is_filled_from_the_picture(client: Client) -> None:
    found = client.extract(scan(), schema=Report)

    assert isinstance(found.data_as(Report), Report)
    assert found.usage.image_tokens > 0


@pytest.mark.parametrize(
    ("adapter", "changes_texts"), [("visual:1", False), ("language-model:1", True)]
)
def test_an_adapter_may_change_what_sees_as_well_as_what_speaks(
    server: ServerProcess, adapter: str, changes_texts: bool
) -> None:
    url = f"data:image/png;base64,{base64.b64encode(scan()).decode()}"
    picture = {"type": "image_url", "image_url": {"url": url}}

    def said(model: str, *parts: dict[str, Any]) -> Any:
        content = [*parts, {"type": "text", "text": "What is this?"}]
        asked = {
            "model": model,
            "messages": [{"role": "user", "content": content}],
            "max_tokens": 1,
            "logprobs": True,
            "top_logprobs": 5,
        }
        choice = post(server, "/v1/chat/completions", asked)["choices"][0]
        return [token["logprob"] for token in choice["logprobs"]["content"][0]["top_logprobs"]]

    assert said(adapter, picture) != pytest.approx(said(BASE, picture), abs=0.05)
    assert (said(adapter) != pytest.approx(said(BASE), abs=0.05)) is changes_texts
