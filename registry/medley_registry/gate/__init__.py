"""What lets a version pass, or stops it: paired comparison, and the decision with its numbers."""
