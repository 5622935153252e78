"""Whether a backup would work, said before any backup: gather once, then judge what was seen."""

from kanister_kafka.preflight.judge import CHECKS, judge
from kanister_kafka.preflight.model import Checked, Level, Line
from kanister_kafka.preflight.survey import survey
from kanister_kafka.preflight.view import Subject, View

__all__ = ["CHECKS", "Checked", "Level", "Line", "Subject", "View", "judge", "survey"]
