"""Swaps under load: what requests see while versions are exchanged, here and in plain vLLM.

`stage` makes versions to exchange; `lane` says what a server must be able to do, and
`medley_lane` and `vllm_lane` do it; `asking` keeps requests in flight; `judging` holds every token
against the answers of each version; `rehearsal` carries it all out, and `figures` sums it up.
"""
