"""Made-up documents of five hospitals, with the truth of every value and its place on the page."""
