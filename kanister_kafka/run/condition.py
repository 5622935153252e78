"""The states that a Kafka can be in, as a backup sees it."""

from __future__ import annotations

import enum


class Condition(enum.Enum):
    """What state a Kafka is in."""

    RUNNING = "running"
    PAUSED = "paused-by-others"
    """Every node serves; somebody else has paused the reconciliation."""
    QUIESCING = "quiescing"
    QUIESCED = "quiesced"
    """Every node serves, but what writes into it is stopped and nothing is at work."""
    STOPPING = "stopping"
    STOPPED = "stopped"
    PARTLY = "partly-stopped"
    """Begun by a backup, and nothing is at work."""
    RESTARTING = "restarting"
    RESTORING = "restoring"
    DEGRADED = "partly-down"
    """Some nodes do not serve, and not by us."""
    DOWN = "down"
    """No pods, and not by us."""
    GONE = "gone"
    """There is no such Kafka resource."""
