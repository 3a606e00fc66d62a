"""Who is at the keyboard: the name that events of this command line carry."""

import getpass
import os


def actor() -> str:
    """The user's login name, or his number where the system has no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # KeyError until Python 3.12, OSError from 3.13
        return f"uid-{os.getuid()}"
