"""Requests to tokens from the right version."""
