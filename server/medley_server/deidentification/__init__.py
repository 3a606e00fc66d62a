"""Texts without people's details: by shapes, by labels, and by names found once and looked for.

No model and no list of names: a person whom no label, title or degree introduces is not found.
"""

from medley_server.deidentification.detail import Detail, Kind
from medley_server.deidentification.masking import deidentified, details_in

__all__ = ["Detail", "Kind", "deidentified", "details_in"]
