"""Evaluation of what is served: suites of questions, documents and prompts, asked over HTTP."""
