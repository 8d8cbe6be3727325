"""The curve of a policy as a small picture: what its example gives for a run of 200 steps."""

from __future__ import annotations

from lrensemble.policies import POLICIES, build

TOTAL = 200
"""Steps of the run."""

LEFT, TOP, WIDTH, HEIGHT = 44, 8, 300, 90
"""Of the frame, in pixels."""

STYLE = """text{font:11px sans-serif;fill:#37474f}.frame{fill:none;stroke:#90a4ae}.rate{fill:none;stroke:#5c6bc0;\
stroke-width:2}@media (prefers-color-scheme:dark){text{fill:#cfd8dc}.rate{stroke:#9fa8da}}"""


def curve(name: str) -> str:
    """SVG of the rate over the steps, from zero to the highest rate of the run."""
    rates = build(POLICIES.example(name), TOTAL).curve()
    highest = max(rates)
    points = " ".join(
        f"{LEFT + WIDTH * step / (TOTAL - 1):.1f},{TOP + HEIGHT * (1 - rate / highest):.1f}"
        for step, rate in enumerate(rates)
    )
    bottom = TOP + HEIGHT
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 8} {bottom + 20}" \
width="{LEFT + WIDTH + 8}" role="img" aria-label="Rate of {name} over {TOTAL} steps"><style>{STYLE}</style>
<rect class="frame" x="{LEFT}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}"/>
<polyline class="rate" points="{points}"/>
<g text-anchor="end"><text x="{LEFT - 4}" y="{TOP + 8}">{highest:.3g}</text>
<text x="{LEFT - 4}" y="{bottom}">0</text><text x="{LEFT + WIDTH}" y="{bottom + 14}">{TOTAL} steps</text></g>
</svg>
"""
