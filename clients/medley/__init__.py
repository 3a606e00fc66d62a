"""Medley: the SDK and the `medley` command."""
