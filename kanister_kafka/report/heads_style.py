"""How two topics are drawn: filled is what both have, hollow what only one has."""

from __future__ import annotations

from kanister_kafka.report.page_style import PAGE_STYLE

STYLE = (
    PAGE_STYLE
    + """h1 { font-size: 1.5rem; }
h1 span { display: block; } h1 .letter { display: inline-block; width: 1.6rem;
  color: var(--quiet); font-weight: 500; }
figure + figure, h2 + figure { margin-top: 0.4rem; }
.both { fill: var(--stage); } svg .both.trail { fill-opacity: 0.28; }
.only-a { fill: var(--ground); stroke: var(--starting); stroke-width: 1.4; }
.only-b { fill: var(--ground); stroke: var(--stopping); stroke-width: 1.4; }
svg .trail.only-a { fill: var(--starting); fill-opacity: 0.14; stroke: none; }
svg .trail.only-b { fill: var(--stopping); fill-opacity: 0.14; stroke: none; }
svg .side { fill: var(--quiet); font-size: 10px; }
svg .beside { fill: var(--quiet); font-size: 11px; }
svg .wrong { fill: var(--failed); font-weight: 650; }
svg .lacking { stroke: var(--failed); stroke-width: 1.5; stroke-dasharray: 2 5; }
svg .differs { fill: var(--failed); stroke: var(--ground); stroke-width: 1.5; }
svg .tick { paint-order: stroke; stroke: var(--ground); stroke-width: 4px; }
svg .band { fill-opacity: 0.13; stroke: none; }
svg .edge { stroke: var(--outage); stroke-width: 1; stroke-dasharray: 3 3; }
svg .edge.even { stroke: var(--passed); }
svg .band.even { fill: var(--passed); } svg .bracket.even { stroke: var(--passed); }
svg .border { fill: var(--outage); font-weight: 650; font-size: 14px; }
svg .border.even { fill: var(--passed); }
svg .moment { stroke: var(--passed); stroke-width: 1.6; }
th.number, td.number { text-align: right; white-space: nowrap; }
"""
)
