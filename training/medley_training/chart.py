"""One house look for all plots: quiet axes, labels at the data, colours that all can tell apart.

Figures are drawn without matplotlib's global state, and the same data gives the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette for all kinds of colour vision (https://jfly.uni-koeln.de/color/), without
# its yellow, which is too pale on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK, QUIET, FAINT, GRID = "#1A1A1A", "#5F6368", "#B8BCC2", "#E8EAED"

_WIDTH_IN, _HEIGHT_IN, _DPI = 7.6, 4.2, 160
_LOOK = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so it is the same everywhere
    "font.size": 9.0,
    "svg.hashsalt": "medley",
    "svg.fonttype": "path",
    "path.simplify": False,
    "axes.unicode_minus": True,
    "text.parse_math": False,  # names from outside may hold dollar signs
}
_TEXT: dict[str, Any] = {"fontsize": 9, "color": QUIET, "pad": 8}
_LEFT = 0.014
"""Of a figure's width: where its headline begins."""
_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10_000, 100_000)
_LABEL_GAP = 0.052
"""Of an axes' height, between the middles of two labels."""


@dataclass(frozen=True, slots=True)
class Label:
    """A word beside the data, at height `y` of the data."""

    text: str
    y: float
    colour: str
    is_bold: bool = False


class Chart:
    """A figure with one or more panels, its headline and its two files.

    Args:
        headline: What is shown.
        panels: A line for each panel that says what its values are.
    """

    def __init__(self, headline: str, panels: Sequence[str]) -> None:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine

        columns = min(len(panels), 3)
        rows = -(-len(panels) // columns)
        size = (
            _WIDTH_IN * (1, 1.35, 1.7)[columns - 1],
            _HEIGHT_IN * (1 if rows == 1 else 0.8 * rows),
        )
        with rc_context(_LOOK):
            self._figure = Figure(
                figsize=size,
                dpi=_DPI,
                layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.06),
                facecolor="white",
            )
            self._figure.suptitle(
                headline, x=_LEFT, ha="left", fontsize=12, fontweight="bold", color=INK
            )
            grid = self._figure.subplots(rows, columns, squeeze=False)
            self.panels: list[Axes] = [*grid.flat][: len(panels)]
            for spare in [*grid.flat][len(panels) :]:
                spare.remove()
            for axes, text in zip(self.panels, panels, strict=True):
                _quieten(axes)
                # An only panel's text stands below the headline, for which its title keeps room.
                axes.set_title(text if len(panels) > 1 else " ", loc="left", **_TEXT)
            if len(panels) == 1:
                self._place_text(panels[0])

    def _place_text(self, text: str) -> None:
        from matplotlib.transforms import blended_transform_factory

        axes = self.panels[0]
        across = blended_transform_factory(self._figure.transFigure, axes.transAxes)
        pad = _TEXT["pad"]
        axes.annotate(
            text,
            xy=(_LEFT, 1),
            xycoords=across,
            xytext=(0, pad),
            textcoords="offset points",
            fontsize=_TEXT["fontsize"],
            color=_TEXT["color"],
            annotation_clip=False,
        ).set_in_layout(False)

    def add_scale(self, image: Any, axes: "Axes") -> None:
        """Say what the colours of `image` stand for, beside its panel."""
        bar = self._figure.colorbar(image, ax=axes, fraction=0.03, pad=0.02)
        bar.outline.set_visible(False)
        bar.ax.tick_params(colors=QUIET, labelsize=8.5, length=0)

    def svg(self) -> str:
        """The drawing as an SVG document; the same data gives the same text."""
        from io import StringIO

        from matplotlib import rc_context

        text = StringIO()
        with rc_context(_LOOK):
            self._figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
        return text.getvalue()

    def save(self, folder: Path, name: str) -> list[Path]:
        """Write ``name.png`` and ``name.svg`` into `folder`."""
        from matplotlib import rc_context

        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"{name}.png", folder / f"{name}.svg"]
        with rc_context(_LOOK):
            self._figure.savefig(paths[0], metadata={"Software": None})
            self._figure.savefig(paths[1], metadata={"Date": None, "Creator": None})
        return paths


def site_colours(sites: Sequence[str]) -> dict[str, str]:
    """A colour for each site, the same in every plot of a run; none where they are too many."""
    if len(sites) > len(PALETTE):
        return {}
    return dict(zip(sites, PALETTE, strict=False))


def label_ends(axes: "Axes", labels: Sequence[Label]) -> None:
    """Write labels to the right of the panel, each as near its height as the others allow."""
    low, high = axes.get_ylim()
    heights = [(label.y - low) / (high - low) for label in labels]
    placed = bounded(spread(heights, gap=_LABEL_GAP), gap=_LABEL_GAP)
    for label, y in zip(labels, placed, strict=True):
        axes.annotate(
            label.text,
            xy=(1, y),
            xycoords="axes fraction",
            xytext=(6, 0),
            textcoords="offset points",
            color=darker(label.colour),
            fontsize=8.5,
            fontweight="bold" if label.is_bold else "normal",
            va="center",
            annotation_clip=False,
        )


def spread(heights: Sequence[float], *, gap: float) -> list[float]:
    """Heights at least `gap` apart, in the same order; those that would collide move together."""
    order = sorted(range(len(heights)), key=lambda index: heights[index])
    groups: list[tuple[float, int]] = []
    for index in order:
        middle, size = heights[index], 1
        while groups and middle - (size - 1) * gap / 2 < (
            groups[-1][0] + (groups[-1][1] - 1) * gap / 2 + gap
        ):
            other, others = groups.pop()
            middle, size = (middle * size + other * others) / (size + others), size + others
        groups.append((middle, size))
    in_order = [
        middle + (place - (size - 1) / 2) * gap for middle, size in groups for place in range(size)
    ]
    placed = dict(zip(order, in_order, strict=True))
    return [placed[index] for index in range(len(heights))]


def bounded(heights: Sequence[float], *, gap: float) -> list[float]:
    """Heights that are `gap` apart, moved into 0 to 1 as far as they fit there."""
    order = sorted(range(len(heights)), key=lambda index: heights[index])
    placed = list(heights)
    for place, index in enumerate(reversed(order)):
        placed[index] = min(placed[index], 1 - place * gap)
    for place, index in enumerate(order):
        placed[index] = max(placed[index], place * gap)
    return placed


def darker(colour: str) -> str:
    """The colour as text: with enough contrast against white to be read."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    while _luminance(channels) > 0.18:
        channels = [channel * 0.95 for channel in channels]
    return "#" + "".join(f"{round(channel * 255):02X}" for channel in channels)


def name_rounds(axes: "Axes", rounds: Sequence[int]) -> None:
    """Ticks at as many of the ascending `rounds` as there is room for; round 0 is the start."""
    every = next(step for step in _STEPS if (rounds[-1] - rounds[0]) / step <= 14)
    shown = [number for number in rounds if number % every == 0 or number == rounds[0]]
    names = [str(number) if number else "start" for number in shown]
    axes.set_xticks(shown, names)
    axes.set_xlabel("Round")


def marks(count: int) -> dict[str, Any]:
    """How to mark the points of a line: not at all once they are many."""
    return {"marker": "o", "markersize": 3.5} if count <= 25 else {}


def _luminance(channels: Sequence[float]) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _quieten(axes: "Axes") -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(colors=QUIET, labelsize=8.5, length=0, pad=5)
    axes.tick_params(axis="x", length=3, color=FAINT)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.xaxis.label.set_color(QUIET)
