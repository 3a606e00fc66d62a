"""What a process that runs for long says beside its progress."""

import logging


def log_to_stderr() -> None:
    """Have our own news go to stderr in a line each, and warnings of the libraries."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
    logging.getLogger("medley_training").setLevel(logging.INFO)
