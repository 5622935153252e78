"""How the timeline of a rehearsal is drawn."""

from __future__ import annotations

from kanister_kafka.report.page_style import PAGE_STYLE

STYLE = (
    PAGE_STYLE
    + """svg .took { fill: var(--quiet); paint-order: stroke; stroke: var(--ground);
  stroke-width: 3px; stroke-linejoin: round; }
svg .stage { fill: var(--stage); } svg .stage.failed { fill: var(--failed); }
svg .pod.ready { fill: var(--pod); }
svg .pod.starting { fill: url(#hatch-starting); stroke: var(--starting); }
svg .pod.stopping { fill: none; stroke: var(--stopping); stroke-width: 2; }
svg .pod.gone { stroke: var(--quiet); stroke-width: 1.5; stroke-dasharray: 2 4; }
svg .stripe-starting { fill: var(--starting); }
svg .stripe-outage { fill: var(--outage); }
svg .snapshot { stroke: var(--quiet); stroke-width: 2; }
svg .cut { fill: var(--cut); }
svg .ready:not(.pod) { fill: var(--ground); stroke: var(--pod); stroke-width: 2; }
svg .acks { fill: var(--acks); fill-opacity: 0.55; stroke: var(--acks); stroke-width: 1.2; }
svg .outage { fill: url(#hatch-outage); fill-opacity: 0.5; stroke: var(--outage);
  stroke-width: 1.5; }
svg .plate { fill: var(--ground); }
svg .length { fill: var(--outage); font-weight: 650; font-size: 16px; }
"""
)
