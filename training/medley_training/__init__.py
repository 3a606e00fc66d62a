"""Makes, measures and judges new versions."""
