"""What will be done, decided before anything is spelled."""

from kanister_kafka.plan.build import build
from kanister_kafka.plan.model import Account, Action, Phase, Plan, Right, Stage, Step, Switch

__all__ = ["Account", "Action", "Phase", "Plan", "Right", "Stage", "Step", "Switch", "build"]
