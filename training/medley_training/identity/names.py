"""What participants and runs can be called."""

import re

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""Such a name can be a file's or a folder's, and is inert on a terminal."""


def is_name(text: str) -> bool:
    """Whether a participant or a run can be called so."""
    return re.fullmatch(NAME_PATTERN, text) is not None
