"""Settings for every test."""

from hypothesis import settings

# A shared machine is slow at times; a deadline per example would fail for that alone.
settings.register_profile("medley", deadline=None)
settings.load_profile("medley")
