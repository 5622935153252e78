"""Many Kafka clusters in one run: which, how each is rendered, and in which process."""

from kanister_kafka.fleet.file import is_fleet, read_fleet
from kanister_kafka.fleet.model import Fleet, Key, Outcome, Row, Rule, Task
from kanister_kafka.fleet.run import Sorted, run, sort
from kanister_kafka.fleet.selector import Selector, parse_selector
from kanister_kafka.fleet.spool import Spool

__all__ = [
    "Fleet",
    "Key",
    "Outcome",
    "Row",
    "Rule",
    "Selector",
    "Sorted",
    "Spool",
    "Task",
    "is_fleet",
    "parse_selector",
    "read_fleet",
    "run",
    "sort",
]
