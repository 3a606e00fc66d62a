"""Rounds across machines: the questions of `rounds.transport` carried by Flower 1.32.

    coordinator's machine                              a site's machine
    serve_coordinator ── SuperLink  ◄──── TLS ──── SuperNode ── run_site
      FlowerSites         node keys, database        node key     Answering, one warm process

Each side is one process of ours with one of Flower's beside it. What Flower would do otherwise,
and why we do not let it:

- It starts a fresh process per message, so a base model would be loaded per message. Ours claims
  the SuperNode's tasks itself and stays.
- It sends the app's code from the coordinator to the sites and runs it there. Here a site runs
  what is installed at the site; the bundle that Flower insists on holds no code, and is not opened.
- It installs packages at run time, sends usage statistics and looks for updates. All three are off.
"""
