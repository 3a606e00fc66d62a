"""The whole story on one machine: what `medley demo` shows."""
