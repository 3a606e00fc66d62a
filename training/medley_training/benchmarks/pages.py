"""How long a base that sees images takes for one page of a document."""

import base64
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from medley_training.benchmarks.plan import Plan
from medley_training.benchmarks.rows import Row
from medley_training.benchmarks.scratch import Scratch
from medley_training.benchmarks.spread import spread
from medley_training.errors import NotMeasured
from medley_training.measuring.served import served

_PAGES, _QUICK_PAGES = 8, 2
_ANSWER_TOKENS = 64
_CONTEXT = ("--max-model-len", "8192")
"""A page at 150 dots per inch is some thousand tokens."""
_QUESTION = "List the medications on this page."
_ANSWER_LIMIT_S = 900


def page_rows(scratch: Scratch, plan: Plan, logs: Path) -> list[Row]:
    """A row for each variant, asked for one page after another, by a server of its own.

    Raises:
        ServerDidNotStart, NotMeasured: it does not start, or does not answer.
    """
    pages = drawn_pages(_QUICK_PAGES if plan.is_quick else _PAGES, seed=plan.loads[0].seed)
    rows: list[Row] = []
    for variant in plan.variants:
        with served(
            scratch.base,
            str(scratch.folder),
            variant=variant,
            log=logs / f"pages-{variant}.log",
            max_loras=0,
            engine_flags=(*_CONTEXT, *plan.engine_flags),
            home=scratch.folder.parent / "home",
        ) as up:
            times = page_latencies_ms(up.url, up.base.name, pages)
        rows.append({"variant": variant.value, "pages": len(pages), "page_ms": spread(times)})
    return rows


def page_latencies_ms(url: str, model: str, pages: Sequence[bytes]) -> list[float]:
    """Milliseconds from each request with a page (PNG) to the end of its answer.

    The first page warms the server up and is asked once more at the end.

    Raises:
        NotMeasured: a request fails.
    """
    times = []
    with httpx.Client(timeout=_ANSWER_LIMIT_S, trust_env=False) as client:
        for page in (pages[0], *pages[1:], pages[0]):
            began = time.perf_counter()
            answer = client.post(f"{url}/v1/chat/completions", json=_body(model, page))
            times.append((time.perf_counter() - began) * 1000)
            if answer.status_code != httpx.codes.OK:
                raise NotMeasured(f"a page was answered with {answer.status_code}: {answer.text}")
    return times[1:]


def drawn_pages(count: int, *, seed: int) -> list[bytes]:
    """Images of synthetic hospital documents, as PNG."""
    from medley_training.documents.document import documents
    from medley_training.documents.files import write_document
    from medley_training.documents.styles import STYLES

    with tempfile.TemporaryDirectory() as folder:
        for document in documents(seed, count=count, styles=STYLES[:1]):
            write_document(document, Path(folder), ("png",))
        return [file.read_bytes() for file in sorted(Path(folder).glob("*-1.png"))]


def _body(model: str, page: bytes) -> dict[str, object]:
    image = f"data:image/png;base64,{base64.b64encode(page).decode()}"
    content = [
        {"type": "image_url", "image_url": {"url": image}},
        {"type": "text", "text": _QUESTION},
    ]
    return {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "max_tokens": _ANSWER_TOKENS,
        "min_tokens": _ANSWER_TOKENS,
        "ignore_eos": True,
        "temperature": 0,
    }
