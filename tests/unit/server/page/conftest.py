"""A browser of the machine, and servers of their own for it to look at."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ROOT = Path(__file__).parents[4]
WIDE = {"width": 1500, "height": 950}
PATIENCE_MS = 90_000
"""The page's process imports Gradio first, on a machine that may be busy."""


@dataclass
class Looked:
    """A tab of the browser, and everything that it asked for.

    Attributes:
        tab: Playwright's page.
        hosts: Whom it asked.
        failures: What was answered with an error, and what went wrong in scripts.
    """

    tab: Any
    url: str
    folder: Path
    hosts: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)

    def open(self) -> None:
        """The page as it is when it can be used."""
        self.tab.goto(self.url)
        self.tab.get_by_role("button", name="Read document").wait_for()

    def drop(self, document: Path | None = None) -> None:
        """Hands a document over, as the file chooser does."""
        self.tab.set_input_files("#md-file", document or self.folder / "document.pdf")
        self.tab.locator("#md-sent p").wait_for()

    def read(self) -> None:
        """Reads what was dropped."""
        self.tab.get_by_role("button", name="Read document").click()
        self.tab.locator(".md-values").wait_for()

    def pick(self, label: str, choice: str) -> None:
        """Chooses from a list."""
        self.tab.get_by_label(label, exact=True).click()
        self.tab.get_by_role("option", name=choice, exact=True).last.click()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """For one module: its event loop runs until it ends, and other tests want their own."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f"no browser on the PATH: none of {', '.join(BROWSERS)}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


def _serving(folder: Path, stack: ExitStack, *keys: str) -> str:
    program = [sys.executable, "-m", "tests.unit.server.page.page_server", str(folder), *keys]
    process = stack.enter_context(subprocess.Popen(program, stdout=subprocess.PIPE, cwd=ROOT))
    stack.callback(process.terminate)
    assert process.stdout is not None
    return f"http://127.0.0.1:{int(process.stdout.readline())}/"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server without keys."""
    folder = tmp_path_factory.mktemp("open")
    with ExitStack() as stack:
        yield _serving(folder, stack), folder


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server that wants the key `root`."""
    folder = tmp_path_factory.mktemp("locked")
    with ExitStack() as stack:
        yield _serving(folder, stack, "root"), folder


@pytest.fixture
def looking(browser: Any) -> Iterator[Callable[..., Looked]]:
    """Opens tabs that start with nothing."""
    with ExitStack() as stack:

        def look(server: tuple[str, Path], *, width: int = 1500) -> Looked:
            context = browser.new_context(viewport={**WIDE, "width": width})
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE_MS)
            looked = Looked(context.new_page(), *server)
            _watch(looked)
            return looked

        yield look


def _watch(looked: Looked) -> None:
    def answered(response: Any) -> None:
        is_starting = response.status == 503 and response.url == looked.url
        if response.status >= 400 and not is_starting:
            looked.failures.append(f"{response.status} {response.url}")

    def asked(request: Any) -> None:
        if not request.url.startswith(("data:", "blob:")):
            looked.hosts.add(request.url.split("/")[2])

    looked.tab.on("request", asked)
    looked.tab.on("response", answered)
    looked.tab.on("pageerror", lambda error: looked.failures.append(str(error)))


@pytest.fixture(scope="module")
def context(browser: Any) -> Iterator[Any]:
    """A browser that remembers Gradio's files."""
    context = browser.new_context(viewport=WIDE, accept_downloads=True)
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def looked(context: Any, served: tuple[str, Path]) -> Iterator[Looked]:
    """The page, open in a new tab."""
    looked = Looked(context.new_page(), *served)
    _watch(looked)
    looked.open()
    yield looked
    looked.tab.close()
