"""What will be done, decided before anything is spelled."""

from kanister_kafka.plan.build import build
from kanister_kafka.plan.model import Action, Phase, Plan, Right, Stage, Step

__all__ = ["Action", "Phase", "Plan", "Right", "Stage", "Step", "build"]
