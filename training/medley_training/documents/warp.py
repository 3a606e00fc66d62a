"""Where the points of a page come to lie in a picture of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medley_training.documents.page import Box, Place

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

Point = tuple[float, float]
Quad = tuple[Point, Point, Point, Point]
"""The corners of a page in its picture: top left, top right, bottom right, bottom left."""

_CORNERS: Quad = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


@dataclass(frozen=True, slots=True)
class Warp:
    """A change of perspective, given by where the page's corners go, in shares of the picture."""

    corners: Quad

    def matrix(self) -> "NDArray[float64]":
        """The homography from shares of the page to shares of the picture, 3 by 3."""
        import numpy as np

        rows, right = [], []
        for (x, y), (u, v) in zip(_CORNERS, self.corners, strict=True):
            rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
            rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
            right += [u, v]
        solved = np.linalg.solve(np.array(rows), np.array(right))
        return np.append(solved, 1.0).reshape(3, 3)

    def box(self, box: Box) -> Box:
        """The smallest upright box around where a box comes to lie, as far as it is seen."""
        import numpy as np

        left, top, right, bottom = box
        corners = np.array([[left, right, right, left], [top, top, bottom, bottom], [1, 1, 1, 1]])
        x, y, depth = self.matrix() @ corners
        xs, ys = (x / depth).clip(0, 1), (y / depth).clip(0, 1)
        return float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max())

    def backwards(self, page: tuple[int, int], picture: tuple[int, int]) -> tuple[float, ...]:
        """What Pillow's ``PERSPECTIVE`` takes: from pixels of the picture to those of the page."""
        import numpy as np

        there = np.diag([*picture, 1.0]) @ self.matrix() @ np.diag([1 / page[0], 1 / page[1], 1.0])
        back = np.linalg.inv(there)
        return tuple(float(each) for each in (back / back[2, 2]).ravel()[:8])


def moved_places(found: Sequence[Place], warps: Sequence[Warp]) -> tuple[Place, ...]:
    """The places in pictures of the pages, each taken with its own warp."""
    return tuple(
        replace(place, boxes=tuple((n, warps[n - 1].box(box)) for n, box in place.boxes))
        for place in found
    )
