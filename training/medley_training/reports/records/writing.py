"""Writing a report: two pages and the plots beside the Markdown."""

from pathlib import Path

from medley_registry.durable import disk_errors

from medley_training.reports.records.content import Document
from medley_training.reports.records.html_page import html_page
from medley_training.reports.records.markdown_page import PLOTS_FOLDER, markdown_page

MARKDOWN_FILE, HTML_FILE = "report.md", "report.html"


def write_report(document: Document, folder: Path) -> tuple[Path, Path]:
    """Write ``report.md`` with its ``plots``, and ``report.html``, which needs neither.

    Files of these names are replaced.

    Raises:
        Unavailable: The folder cannot be written.
    """
    pages = folder / MARKDOWN_FILE, folder / HTML_FILE
    plots = folder / PLOTS_FOLDER
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for figure in document.figures:
            plots.mkdir(exist_ok=True)
            (plots / f"{figure.name}.svg").write_text(figure.svg, encoding="utf-8")
        pages[0].write_text(markdown_page(document), encoding="utf-8")
        pages[1].write_text(html_page(document), encoding="utf-8")
    return pages
