"""What each key may ask for, and how fast.

::

    limits.toml ─► Limits ─► Quotas: buckets and counts per caller ─► Meter: what it did cost
                                 ╰─◄ PAYER: what the questions about a document cost
    BadKeys: how often one address may be wrong

Every server counts for itself: behind N replicas a key has N times its limits.
"""
