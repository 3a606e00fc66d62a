"""The privacy report in Markdown."""

from collections.abc import Iterable, Sequence
from html import escape
from math import isnan

from medley_registry.inert import inert

from medley_training.amounts import count_text, counted, size_text
from medley_training.reports.privacy import Discarded, Report, SiteTotal, Upload

Row = Sequence[object]

_PARTS = {
    "run": "which run",
    "round": "which round",
    "participant": "its name",
    "nonce": "the task's nonce",
    "start": "digest of the adapter it began from",
    "base": "digest of the base model",
    "quantization": "how its base was quantized",
    "shape": "rank, alpha and modules of the adapter",
    "trains": "which factors were trained",
    "codec": "how the update is encoded",
    "update": "digest of the update",
    "sample_bucket": "number of examples, rounded down",
    "privacy": "parameters of differential privacy, and what was spent",
    "code": "digest of the training code",
    "losses": "losses of its training",
}


TOTALS_HEAD = ("site", "rounds", "up", "down", "largest upload", "of the full model", "ε")
SMALLNESS_HEAD = ("", "one upload", "full model", "share")
DISCARDED_HEAD = ("round", "site", "why", "size")
UPLOADS_HEAD = (
    *("round", "site", "up", "down", "tensors", "codec", "examples, coarsely", "tokens"),
    *("loss first → last", "ε so far"),
)


def markdown(report: Report) -> str:
    """The report as one page of Markdown; text from sites is escaped."""
    about = f"Recipe {report.recipe}, strategy {report.strategy}, base model {report.base}."
    sections = (
        f"# What left each site: run {_text(report.run)}",
        f"{_text(about)} From the coordinator's log and the files that it keeps.",
        "## In all",
        table(TOTALS_HEAD, map(totals_row, report.totals)),
        "## How small that is",
        table(SMALLNESS_HEAD, smallness_rows(report)),
        smallness_text(report),
        "## Each round",
        table(UPLOADS_HEAD, map(uploads_row, report.uploads)),
        "## What was in it",
        *_bullets(contents(report)),
        "## What was not",
        *_bullets(absences(report)),
        *_discarded(report),
    )
    return "\n\n".join(sections) + "\n"


def totals_row(total: SiteTotal) -> Row:
    """A row below `TOTALS_HEAD`."""
    return (
        total.site,
        total.rounds,
        size_text(total.bytes_up),
        size_text(total.bytes_down),
        size_text(total.largest_upload_bytes),
        percent_text(total.share_of_base),
        _epsilon_text(total.epsilon),
    )


def uploads_row(upload: Upload) -> Row:
    """A row below `UPLOADS_HEAD`."""
    repeated = f" ({upload.times} times)" if upload.times > 1 else ""
    losses = [upload.losses.get(name) for name in ("first", "last") if upload.losses]
    return (
        upload.round,
        upload.site,
        size_text(upload.bytes_up) + repeated,
        _size_text(upload.bytes_down),
        "?" if upload.tensors is None else upload.tensors,
        upload.codec or "?",
        _known(upload.sample_bucket),
        _known(upload.num_tokens),
        " → ".join("?" if loss is None else f"{loss:.3f}" for loss in losses) or "-",
        _epsilon_text(upload.epsilon),
    )


def discarded_row(discarded: Discarded) -> Row:
    """A row below `DISCARDED_HEAD`."""
    return discarded.round, discarded.site, discarded.why, _size_text(discarded.file_bytes)


def smallness_rows(report: Report) -> list[Row]:
    """Rows below `SMALLNESS_HEAD`."""
    largest = _largest(report)
    return [
        (
            "parameters",
            count_text(report.trainable_parameters),
            count_text(report.base_parameters),
            percent_text(report.trainable_share),
        ),
        (
            "bytes",
            size_text(largest),
            size_text(report.base_bytes),
            percent_text(report.share_of_base(largest)),
        ),
    ]


def smallness_text(report: Report) -> str:
    """The comparison with the full model, and what it is worth."""
    smaller = percent_text(1 - report.share_of_base(_largest(report)))
    return (
        f"One upload is {smaller} smaller than the model. That compares an adapter, as it was "
        "sent, with the whole base model in the base's own dtype. Every LoRA adapter of this shape "
        "is as small, sent by whatever software; and one is sent in every round."
    )


def contents(report: Report) -> list[str]:
    """What the contributions held, by kind."""
    tensors = [f"{count} of {name}" for name, count in report.tensor_names.items()]
    parts = sorted({name for upload in report.uploads for name in upload.statement})
    said = [f"{name} ({_PARTS[name]})" if name in _PARTS else name for name in parts]
    metrics = sorted({name for upload in report.uploads for name in upload.metrics})
    lines = [f"Tensors, at most: {', '.join(tensors) or 'none kept'}."]
    lines += [f"The signed statement: {', '.join(said)}."] if said else []
    lines += ["Beside it: about how many tokens were trained on, and about how long that took."]
    if metrics:
        each = " of each by itself" if report.is_per_document else ""
        lines += [f"Scores on the site's held-out examples{each}: {', '.join(metrics)}."]
    private = sorted({_privacy_text(upload) for upload in report.uploads})
    lines += [f"Differential privacy: {'; '.join(private) or 'none'}."]
    return lines


def absences(report: Report) -> list[str]:
    """What the files and the log hold nothing of, as far as that can be told from them."""
    lines = [
        f"Not looked into, because it should not be there: {each}." for each in report.strangers
    ]
    if not report.tensor_names:
        lines += ["No contribution is in the run folder, so nothing can be said of examples."]
    elif not report.strangers:
        lines += [
            "Examples: every tensor is a LoRA factor; statements say what is named above, no more."
        ]
    if report.told_counts:
        sites = ", ".join(report.told_counts)
        lines += [f"Exact numbers of examples did not leave, but this log names them: {sites}."]
    else:
        lines += ["Exact numbers of examples: statements hold a coarse bucket."]
    limit = (
        "Updates, losses and scores are made from examples and tell something about them; only "
        "differential privacy bounds how much, and of updates alone: scores, of held-out examples, "
        "and the coarse number of examples are outside its ε."
    )
    return [
        *lines,
        limit,
        "What a site's machine may have sent to others, no coordinator can know.",
    ]


def percent_text(share: float) -> str:
    """A share in percent with as many digits as it takes to differ from 0 and from 100."""
    percent = 100 * share
    if isnan(percent):
        return "?"
    if percent in (0, 100):
        return f"{percent:.0f} %"
    nearest = min(abs(percent), abs(100 - percent))
    digits = 1 if nearest >= 1 else 2 if nearest >= 0.1 else 3
    return f"{percent:.{digits}f} %"


def table(head: Row, rows: Iterable[Row]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_text(str(cell)) for cell in line)} |" for line in lines)


def _discarded(report: Report) -> list[str]:
    sections = []
    if report.discarded:
        sections += ["## Refused", "These left their site as well."]
        sections += [table(DISCARDED_HEAD, map(discarded_row, report.discarded))]
    if report.failed:
        answers = ", ".join(f"{_text(site)} in round {number}" for number, site in report.failed)
        count = counted(len(report.failed), "answer")
        sections += ["## No answer", f"{count} did not come, or came too late: {answers}."]
    return sections


def _largest(report: Report) -> int:
    return max((total.largest_upload_bytes for total in report.totals), default=0)


def _bullets(lines: Iterable[str]) -> list[str]:
    return ["\n".join(f"- {_text(line)}" for line in lines)]


def _size_text(size_bytes: int | None) -> str:
    return "?" if size_bytes is None else size_text(size_bytes)


def _privacy_text(upload: Upload) -> str:
    """The mechanism and what it was set to; what was spent is told elsewhere."""
    mechanism = upload.privacy.get("mechanism", "none")
    if mechanism == "none":
        return "none"
    settings = {name: upload.privacy[name] for name in sorted(upload.privacy)}
    told = [f"{name} {settings[name]}" for name in settings if name not in ("mechanism", "epsilon")]
    return f"{mechanism} ({', '.join(told)})" if told else str(mechanism)


def _epsilon_text(epsilon: float | None) -> str:
    return "-" if epsilon is None else f"{epsilon:.3g}"


def _known(count: int | None) -> str:
    return "?" if count is None else f"{count:,}"


def _text(text: str) -> str:
    return escape(inert(text), quote=False).replace("|", "\\|")
