"""Importing Opacus without what it does to the program around it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_opacus() -> Iterator[None]:
    """Keep Opacus, when it is first imported, from setting up logging for the whole program.

    `opacus.utils.module_utils` calls `logging.basicConfig`, which does nothing where the root
    logger has a handler.
    """
    root, handler = logging.getLogger(), logging.NullHandler()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
