"""A proof from its first look to the last thing put back."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from kanister_kafka.errors import KanisterKafkaError
from kanister_kafka.kube.connection import Connection
from kanister_kafka.prove.eyes import Eyes
from kanister_kafka.prove.model import PURPOSES, Plan, PlanResult, Proof
from kanister_kafka.prove.plans import Player
from kanister_kafka.prove.scene import Scene
from kanister_kafka.prove.stage import Stage
from kanister_kafka.prove.steps import Steps
from kanister_kafka.rehearse.clock import Clock
from kanister_kafka.rehearse.interrupt import Interrupts

Tell = Callable[[float, str], None]
"""Elapsed seconds, and a line."""


def prove(
    connection: Connection, scene: Scene, eyes: Eyes, plans: Sequence[Plan], tell: Tell
) -> Proof:
    """Play plans one after the other; what each changed is put back before the next begins.

    All that fails is in the result. After a plan that left something behind no other is begun.
    """
    clock = Clock()
    done: list[PlanResult] = []
    left: tuple[str, ...] = ()
    with Interrupts(lambda text: tell(clock(), text)) as interrupts:
        for plan in plans:
            tell(clock(), f"plan {plan.value}: {PURPOSES[plan]}")
            steps = Steps(clock, lambda text: tell(clock(), text))
            stage = Stage(connection, scene, clock, lambda text: tell(clock(), text))
            stopped = False
            try:
                Player(scene, stage, eyes, steps).play(plan)
            except KanisterKafkaError:
                pass  # it is the failure of a step
            except KeyboardInterrupt:
                stopped = True
            finally:
                if stopped:
                    interrupts.shield()
                tell(clock(), "putting back what was changed")
                left = stage.leave()
            done.append(PlanResult(plan=plan, steps=tuple(steps.steps), shown=tuple(steps.shown)))
            if stopped or left:
                break
    versions, wanted = scene.setting.versions, scene.wanted
    return Proof(
        id=secrets.token_hex(4),
        began=clock.began,
        seconds=round(clock(), 1),
        source=str(wanted.source),
        mirror=str(wanted.mirror),
        topics=wanted.topics,
        versions=f"Kafka {versions.kafka}, Strimzi {versions.strimzi}, "
        f"Kubernetes {versions.kubernetes}, kanister-kafka {versions.tool}",
        plans=tuple(done),
        left=left,
    )
