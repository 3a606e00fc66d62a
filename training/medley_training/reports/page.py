"""A run on one page: HTML that needs no other file and no network."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from medley_registry.inert import inert

from medley_training.amounts import count_text, counted, duration_text, size_text
from medley_training.reports.history import RunHistory, history
from medley_training.reports.plots import plot_run
from medley_training.reports.privacy import Report, events_of, privacy_report
from medley_training.reports.privacy_text import (
    DISCARDED_HEAD,
    SMALLNESS_HEAD,
    TOTALS_HEAD,
    UPLOADS_HEAD,
    Row,
    absences,
    contents,
    discarded_row,
    smallness_rows,
    smallness_text,
    totals_row,
    uploads_row,
)
from medley_training.reports.rounds_table import rounds_head, rounds_rows
from medley_training.rounds.event_text import metric_name, metrics_text
from medley_training.rounds.events import Judged

PAGE_FILE = "report.html"

_STYLE = """
body { font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; color: #1a1a1a; background: #fff;
  max-width: 62rem; margin: 2.5rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { font-size: 1.15rem; margin: 2.6rem 0 .6rem; }
p.lead { color: #5f6368; margin: 0 0 1.5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; margin: 0; }
dt { color: #5f6368; } dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 1.5rem 0; } figure img { width: 100%; height: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; }
th { text-align: left; color: #5f6368; font-weight: 500; border-bottom: 1px solid #b8bcc2; }
th, td { padding: .3rem 1rem .3rem 0; vertical-align: top; }
tr + tr td { border-top: 1px solid #e8eaed; }
td.number { text-align: right; } th.number { text-align: right; }
code { font-size: .92em; overflow-wrap: anywhere; }
@media print { body { margin: 0; max-width: none; } figure { break-inside: avoid; } }
"""


def run_report(run_dir: Path, *, page: Path | None = None) -> Path:
    """Draw the run's plots and write its page; returns the page.

    The same run folder gives the same bytes.

    Args:
        run_dir: The run folder; the plots go into its ``plots``.
        page: The file to write; ``report.html`` in the run folder if None.

    Raises:
        RunDamaged: The folder holds no run that began, or a file in it is not in its form.
    """
    events = events_of(run_dir)
    report = privacy_report(run_dir)
    plots = [path for path in plot_run(run_dir, events) if path.suffix == ".svg"]
    page = page or run_dir / PAGE_FILE
    page.write_text(_page(history(events), report, plots), encoding="utf-8")
    return page


def _page(run: RunHistory, report: Report, plots: Sequence[Path]) -> str:
    title = f"Run {report.run}"
    sections = (
        f"<h1>{_text(title)}</h1>",
        f'<p class="lead">{_text(_lead(run))}</p>',
        _facts(run, report),
        "<h2>Course</h2>",
        *map(_figure, plots),
        "<h2>Rounds</h2>",
        _table(rounds_head(run), rounds_rows(run)),
        *_published(run),
        *_variants(run),
        *_refused(run, report),
        *_notes(run),
        "<h2>What left each site</h2>",
        _table(TOTALS_HEAD, map(totals_row, report.totals)),
        "<h2>How small that is</h2>",
        _table(SMALLNESS_HEAD, smallness_rows(report)),
        f"<p>{_text(smallness_text(report))}</p>",
        "<h2>What was in it</h2>",
        _list(contents(report)),
        "<h2>What was not</h2>",
        _list(absences(report)),
        "<h2>Each upload</h2>",
        _table(UPLOADS_HEAD, map(uploads_row, report.uploads)),
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(sections)
        + "\n</body>\n</html>\n"
    )


def _lead(run: RunHistory) -> str:
    rounds = counted(len(run.rounds), "round")
    if run.finished is None:
        return f"Not finished: {rounds} so far."
    version = f"{run.finished.version}, " if run.finished.version else ""
    took = duration_text(run.finished.duration_s)
    return f"Finished after {rounds} in {took}: {version}{run.finished.digest}"


def _facts(run: RunHistory, report: Report) -> str:
    facts = {
        "Recipe": report.recipe,
        "Strategy": report.strategy,
        "Sites": ", ".join(run.sites),
        "Base model": f"{report.base}, {count_text(report.base_parameters)} parameters, "
        f"{size_text(report.base_bytes)}",
        "Trained": f"{count_text(report.trainable_parameters)} parameters",
    }
    lines = [f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in facts.items()]
    return f"<dl>{''.join(lines)}</dl>"


def _published(run: RunHistory) -> list[str]:
    published = [each.published for each in run.rounds if each.published]
    if not published:
        return []
    scores = {each.round: metrics_text(each.pooled) for each in run.evaluations}
    verdicts = {each.number: _verdict(each.judged) for each in run.rounds if each.judged}
    head = ("version", "round", "digest", "held-out, pooled", *(["gate"] if verdicts else []))
    rows = [
        (
            each.version,
            each.round,
            each.digest,
            scores.get(each.round, ""),
            *([verdicts.get(each.round, "")] if verdicts else []),
        )
        for each in published
    ]
    return ["<h2>Published</h2>", _table(head, rows)]


def _variants(run: RunHistory) -> list[str]:
    rows = [
        (each.version, each.variant, each.suite, metrics_text(each.metrics))
        for at in run.rounds
        for each in at.measured.values()
    ]
    if not rows:
        return []
    return ["<h2>Variants</h2>", _table(("version", "variant", "suite", "found"), rows)]


def _verdict(judged: Judged) -> str:
    """What the gate decided, and why not."""
    if judged.lacks:
        return f"{judged.alias} stays: lacks {'; '.join(judged.lacks)}"
    return f"{judged.alias} moved here"


def _refused(run: RunHistory, report: Report) -> list[str]:
    sections = []
    if report.discarded:
        sections += [
            "<h2>Refused</h2>",
            _table(DISCARDED_HEAD, map(discarded_row, report.discarded)),
        ]
    failed = [each.failed[site] for each in run.rounds for site in sorted(each.failed)]
    if failed:
        rows = [(each.round, each.site, each.detail) for each in failed]
        sections += ["<h2>No answer</h2>", _table(("round", "site", "why"), rows)]
    return sections


def _notes(run: RunHistory) -> list[str]:
    notes = [
        f"Round {each.number}: {note}"
        for each in run.rounds
        for note in (each.aggregated.notes if each.aggregated else ())
    ]
    return ["<h2>What the strategy notes</h2>", _list(notes)] if notes else []


def _figure(svg: Path) -> str:
    data = b64encode(svg.read_bytes()).decode()
    name = metric_name(svg.stem)
    return (
        f'<figure><img alt="Plot: {_text(name)}" src="data:image/svg+xml;base64,{data}"></figure>'
    )


def _table(head: Row, rows: Iterable[Row]) -> str:
    body = [[str(cell) for cell in row] for row in rows]
    columns = [[row[at] for row in body] for at in range(len(head))]
    kinds = [' class="number"' if _is_numbers(column) else "" for column in columns]

    def line(tag: str, cells: Iterable[object]) -> str:
        pairs = zip(kinds, cells, strict=True)
        inner = "".join(f"<{tag}{kind}>{_text(str(cell))}</{tag}>" for kind, cell in pairs)
        return f"<tr>{inner}</tr>"

    lines = [f"<thead>{line('th', head)}</thead>", "<tbody>", *(line("td", row) for row in body)]
    return f'<div class="scroll"><table>{"".join(lines)}</tbody></table></div>'


def _is_numbers(column: Sequence[str]) -> bool:
    return bool(column) and all(cell == "" or cell[0].isdigit() or cell in "-?" for cell in column)


def _list(lines: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{_text(line)}</li>' for line in lines)}</ul>"


def _text(text: str) -> str:
    return escape(inert(text))
