"""How the HTML page looks: on a screen, light or dark, and on paper."""

_LIGHT = """
  --paper: #ffffff; --ink: #1a1a1a; --quiet: #5f6368; --faint: #b8bcc2; --grid: #e8eaed;
  --word0: #0072b2; --word1: #b04d00; --word2: #00805d; --word3: #a35580; --word4: #8f6300;
  --word5: #2c7aa8;
"""
_DARK = """
  --paper: #15171a; --ink: #eceef0; --quiet: #a9afb6; --faint: #6a7078; --grid: #2a2e33;
  --word0: #5fb4e5; --word1: #f08a4b; --word2: #3fc79d; --word3: #e0a3c4; --word4: #edbd4d;
  --word5: #8cccf0;
"""
STYLE = f"""
:root {{ color-scheme: light dark; {_LIGHT} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_DARK} }} }}
@media print {{ :root {{ {_LIGHT} }} }}
body {{ font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; color: var(--ink);
  background: var(--paper); max-width: 74rem; margin: 2.5rem auto; padding: 0 1.5rem; }}
h1 {{ font-size: 1.6rem; margin: 0 0 .3rem; }}
h2 {{ font-size: 1.15rem; margin: 2.6rem 0 .6rem; }}
p.lead {{ color: var(--quiet); margin: 0 0 1.2rem; }}
nav ul {{ list-style: none; padding: 0; margin: 0; display: flex; flex-wrap: wrap;
  gap: .2rem 1.1rem; font-size: .86rem; }}
nav a {{ color: var(--word0); text-decoration: none; }}
nav a:hover, nav a:focus {{ text-decoration: underline; }}
section > ul {{ padding-left: 1.2rem; }} li {{ margin: .2rem 0; overflow-wrap: anywhere; }}
p, caption {{ overflow-wrap: anywhere; }} td {{ overflow-wrap: break-word; }}
figure {{ margin: 1.4rem 0; }} figure svg {{ width: 100%; height: auto; max-width: 60rem; }}
.scroll {{ overflow-x: auto; margin: 1rem 0 1.6rem; }}
table {{ border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; }}
caption {{ text-align: left; color: var(--ink); font-weight: 600; padding-bottom: .3rem; }}
th {{ text-align: left; color: var(--quiet); font-weight: 500; vertical-align: bottom;
  border-bottom: 1px solid var(--faint); }}
th, td {{ padding: .3rem 1rem .3rem 0; }}
td {{ vertical-align: top; min-width: 2.2rem; }}
tr + tr td {{ border-top: 1px solid var(--grid); }}
.number {{ text-align: right; }} td.number, td.short {{ white-space: nowrap; }}
@media print {{
  body {{ margin: 0; max-width: none; font-size: 10pt; }} nav {{ display: none; }}
  figure, tr {{ break-inside: avoid; }} h2, caption {{ break-after: avoid; }}
  .scroll {{ overflow: visible; }} table {{ font-size: 7.5pt; }} th, td {{ padding-right: .5rem; }}
}}
"""
