"""How often Kasten's Policies run, and how many restore points it keeps by default."""

ON_DEMAND = "@onDemand"
DAILY = "@daily"
RETENTION = (
    ("hourly", 24, "@hourly"),
    ("daily", 7, DAILY),
    ("weekly", 4, "@weekly"),
    ("monthly", 12, "@monthly"),
    ("yearly", 7, "@yearly"),
)
"""Kasten's own defaults; a Policy keeps those of its frequency and of every longer period."""
FREQUENCIES = (ON_DEMAND, *(frequency for _period, _count, frequency in RETENTION))
PERIODS = tuple(period for period, _count, _frequency in RETENTION)
