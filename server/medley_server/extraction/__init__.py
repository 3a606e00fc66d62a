"""From a document to a record: pages are read, the engine is asked, its answers are checked.

`Extractor` is what routes and jobs are given. Nothing here imports vLLM: the engine is asked
through its own HTTP app, in this process.
"""
