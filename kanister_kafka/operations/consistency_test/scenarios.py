"""The four scenarios, step by step; each step has a measure and its required value."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from kanister_kafka.errors import ActionError, KanisterKafkaError
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.kube.wait import SYSTEM_CLOCK, Clock, poll
from kanister_kafka.operations.consistency_test.environment import (
    PURPOSES,
    ComparisonSnapshot,
    ConsistencyReport,
    Metric,
    Scenario,
    ScenarioEnvironment,
    ScenarioResult,
    ScenarioStep,
    TopicMetrics,
)
from kanister_kafka.operations.consistency_test.mirror_control import (
    START_RESTORED,
    STOP_FOR_RESTORE,
    MirrorControl,
)
from kanister_kafka.operations.rehearsal.context import KAFKA_FIRST, Stopwatch
from kanister_kafka.operations.rehearsal.model import VolumeSnapshot
from kanister_kafka.processes import SignalGuard
from kanister_kafka.timestamps import format_epoch_ms
from kanister_kafka.topics.compare import CompareRequest
from kanister_kafka.topics.compare.verdict import (
    ConsistencyVerdict,
    LaggingSide,
    evaluate_consistency,
)
from kanister_kafka.topics.compare.workers import merge_comparisons
from kanister_kafka.topics.model import Comparison, ComparisonVerdict, TopicRates

# The steps of a scenario as they go, each with its measurement.

OnStep = Callable[[str], None]


def _differs(pair: Comparison) -> bool:
    return any(partition.differs for partition in pair.partitions)


class StepRecorder:
    """Keeps what becomes of each step; after one that failed no other is begun."""

    def __init__(self, clock: Stopwatch, on_step: OnStep) -> None:
        self._clock, self._on_step = clock, on_step
        self.steps: list[ScenarioStep] = []
        self.comparisons: list[ComparisonSnapshot] = []
        self._figures: list[Metric] = []

    def measured(self, name: str, value: str) -> None:
        """Keep a figure of the step under way."""
        self._figures.append(Metric(name, value))
        self._on_step(f"  {name}: {value}")

    def show(self, title: str, comparison: Comparison) -> None:
        """Keep a comparison to be drawn."""
        self.comparisons.append(ComparisonSnapshot(title=title, comparison=comparison))

    @contextlib.contextmanager
    def step(self, name: str, does: str) -> Iterator[None]:
        """Measure a step; an exception is kept as its failure, and passed on."""
        start, failed = self._clock(), "interrupted"
        self._figures = []
        self._on_step(f"{name}: {does}")
        try:
            yield
            failed = ""
        except KanisterKafkaError as failure:
            failed = str(failure)
            raise
        finally:
            self._ended(name, does, start, failed)

    def _ended(self, name: str, does: str, start: float, failure: str) -> None:
        self.steps.append(
            ScenarioStep(
                name=name,
                does=does,
                passed=not failure,
                seconds=round(self._clock() - start, 1),
                figures=tuple(self._figures),
                failure=failure,
            )
        )
        self._on_step(f"{name}: {f'FAILED: {failure}' if failure else 'passed'}")


RATE_WINDOW_S = 15
"""Seconds for which a rate is measured."""
RATE_TOLERANCE = 0.2
"""Share by which a rate may be off: of few records a second one more or less is much."""
MAX_LAG_MS = 5000
"""ms by which a mirror that is in step may be behind."""
TAIL_OFFSETS = 500
"""Offsets of each partition that are looked at to see how far behind the mirror is."""
POLL_S = 1.0
"""Seconds between two such looks."""


COMPARE_WINDOW_MS = 60_000
"""ms before the newest record from which on source and mirror are compared: what a hot scenario has
left behind in the mirror is older by then, and no matter of the next scenario."""


@dataclass(slots=True)
class ScenarioRunner:
    """Runs scenarios: `mirror` changes the cluster, `metrics` only reads the topics."""

    environment: ScenarioEnvironment
    mirror: MirrorControl
    metrics: TopicMetrics
    steps: StepRecorder
    clock: Clock = SYSTEM_CLOCK
    _since: int = 0

    def run(self, scenario: Scenario) -> None:
        """Run one scenario to its end; ActionError if a step does not show what it has to."""
        self._since = 0
        runs: dict[Scenario, Callable[[], None]] = {
            Scenario.SETUP: self._setup,
            Scenario.HOT: self._hot,
            Scenario.COLD: self._cold,
            Scenario.ONLINE: self._online,
        }
        runs[scenario]()

    def _setup(self) -> None:
        request, step = self.environment.request, self.steps.step
        with step("clusters", "source, mirror and what mirrors are Ready"):
            self.mirror.check_ready()
        with step("producers", f"their rates, as set, measured for {RATE_WINDOW_S} s"):
            self._rates(self.metrics.rates(request.source, request.topics, RATE_WINDOW_S))
        with step("mirror", "it is in step, and as fast as the source"):
            comparisons = self._in_step()
            named = {pair.b.rpartition("/")[2]: pair.a.rpartition("/")[2] for pair in comparisons}
            rates = self.metrics.rates(request.mirror, tuple(named), RATE_WINDOW_S)
            self._rates(
                replace(
                    rates,
                    flows=tuple(replace(flow, topic=named[flow.topic]) for flow in rates.flows),
                )
            )
        with step("content", "the mirror holds what the source holds"):
            self._same("source and mirror", self._compare())

    def _hot(self) -> None:
        if not self._hot_shows(in_turn=False):
            self._hot_shows(in_turn=True)

    def _hot_shows(self, *, in_turn: bool) -> bool:
        """Return whether hot snapshots show partitions that end at different moments.

        Asked for at once, small volumes on an idle machine are cut within tenths of a second, and
        may by luck have one moment. In turn is how they come if storage is not ready for all of
        them; ActionError if even those have one.
        """
        step, mirror, how = self.steps.step, self.mirror, "in turn" if in_turn else "at once"
        self._since = 0
        with step("in step", "the mirror is in step before"):
            self._in_step()
        with step("snapshot", f"all volumes of the mirror {how}, while it is written to"):
            snapshots = mirror.snapshot(in_turn=in_turn)
            self._cuts(snapshots)
        self._restore(snapshots)
        with step("heads", "the common tail is identical; do partitions end at different moments?"):
            shown = bool(self._heads(f"restored from hot snapshots, {how}").uneven)
            self.steps.measured("one moment that all partitions show", "none" if shown else "yes")
            if in_turn and not shown:
                raise ActionError(
                    "not shown: the volumes were snapshotted so closely, twice, that there is one "
                    "moment that all partitions show"
                )
        with step("afterwards", "what the mirror makes of it once it goes on; only measured"):
            mirror.release()
            self._in_step()
            self._losses(self._compare())
        return shown

    def _cold(self) -> None:
        self._consistent(
            Scenario.COLD,
            stop="the Blueprint stops what mirrors, flushes and stops the mirror",
            restart="the Blueprint brings all back",
        )

    def _online(self) -> None:
        self._consistent(
            Scenario.ONLINE,
            stop="the Blueprint stops what mirrors and flushes; the brokers run",
            restart="the Blueprint sees that nothing has moved, and releases what mirrors",
        )

    def _consistent(self, scenario: Scenario, *, stop: str, restart: str) -> None:
        """Back up and restore; the restored mirror must have one moment."""
        step, mirror = self.steps.step, self.mirror
        with step("in step", "the mirror is in step before"):
            before = _newest(self._in_step())
            self.steps.measured("newest record of the source", format_epoch_ms(before))
        with step("stop", stop):
            mirror.stop()
        with step("snapshot", "all volumes of the mirror at once"):
            snapshots = mirror.snapshot()
            self._cuts(snapshots)
        with step("restart", restart):
            mirror.start()
        with step("catch up", "the mirror catches up without loss"):
            self._in_step()
            self._same("after the backup", self._compare())
        self._restore(snapshots)
        with step("heads", "the heads are even, and every message before the stop is there"):
            verdict = self._heads(f"restored from {scenario.value} snapshots")
            if verdict.verdict not in (ComparisonVerdict.IDENTICAL, ComparisonVerdict.CONSISTENT):
                raise ActionError(f"{verdict.verdict.value}, by {verdict.uneven} ms")
            if verdict.lost is not None and verdict.lost <= before:
                raise ActionError(
                    f"a record of {format_epoch_ms(verdict.lost)} is lost, before the stop"
                )
        with step("afterwards", "the mirror goes on from there without loss"):
            mirror.release()
            self._in_step()
            self._same("after the restore", self._compare())

    def _restore(self, snapshots: Sequence[VolumeSnapshot]) -> None:
        """Put snapshots back into place; mirroring stays stopped, so that they can be read."""
        step, mirror = self.steps.step, self.mirror
        with step("hold", "what mirrors is scaled to 0"):
            mirror.hold()
        with step("stop for restore", "the Blueprint stops the mirror"):
            mirror.stop(for_restore=True)
        with step("restore", "its claims are replaced by the snapshots"):
            mirror.put_back(snapshots)
        with step("restart of restored", "the Blueprint brings it back"):
            mirror.start()

    def _rates(self, rates: TopicRates) -> None:
        """Measure each topic, and hold it against what its producer is set to."""
        for topic in self.environment.request.topics:
            expected = self.environment.rates[topic]
            rate = sum(flow.per_second for flow in rates.flows if flow.topic == topic)
            self.steps.measured(topic, f"{rate:.2f} messages/s, set to {expected}")
            if abs(rate - expected) > RATE_TOLERANCE * expected:
                raise ActionError(f"{topic}: {rate:.2f} messages/s, not {expected}")

    def _in_step(self) -> tuple[Comparison, ...]:
        """Wait until the mirror is but little behind; ActionError if it does not get there."""
        clock = self.clock
        began = clock.now()
        timeout = self.environment.request.timeout
        lag = 0

        def look() -> tuple[Comparison, ...]:
            nonlocal lag
            compared = self._compare(last=TAIL_OFFSETS)
            lag = max(map(_lag, compared))
            return compared if lag <= MAX_LAG_MS else ()

        comparisons = poll(look, timeout=timeout, interval=POLL_S, clock=clock)
        if not comparisons:
            raise ActionError(f"the mirror is still {lag / 1000:.1f} s behind")
        took = clock.now() - began
        self.steps.measured("behind", f"{lag / 1000:.3f} s, after {took:.1f} s")
        self._since = self._since or _newest(comparisons) - COMPARE_WINDOW_MS
        return comparisons

    def _compare(self, *, last: int = 0) -> tuple[Comparison, ...]:
        """Compare all topics, from a while before the scenario began."""
        request = self.environment.request
        part = CompareRequest(
            last=last,
            since=0 if last else self._since,
            even_within=request.even_within,
            compacted=False,
        )
        return tuple(self.metrics.compare(topic, part) for topic in request.topics)

    def _same(self, title: str, comparisons: Sequence[Comparison]) -> None:
        """See that nothing is lost, doubled or changed."""
        self._losses(comparisons)
        for pair in comparisons:
            self.steps.show(title, pair)
        verdicts = {pair.a: evaluate_consistency(pair).verdict for pair in comparisons}
        if wrong := [
            a for a, verdict in verdicts.items() if verdict is ComparisonVerdict.DIFFERING
        ]:
            raise ActionError(f"source and mirror differ: {', '.join(wrong)}")

    def _losses(self, comparisons: Sequence[Comparison]) -> None:
        for comparison in comparisons:
            lost = sum(result.only_a for result in comparison.partitions)
            more = sum(result.only_b for result in comparison.partitions)
            common = sum(result.common for result in comparison.partitions)
            self.steps.measured(
                comparison.a.rpartition("/")[2],
                f"{common} in common, {lost} lost, {more} doubled or of another",
            )

    def _heads(self, title: str) -> ConsistencyVerdict:
        """Compare the restored mirror with its source; the tails have to be identical."""
        comparisons = self._compare()
        for pair in comparisons:
            self.steps.show(title, pair)
            self._head(pair.a.rpartition("/")[2], evaluate_consistency(pair))
        if wrong := [pair.a for pair in comparisons if _differs(pair)]:
            raise ActionError(f"the common tail is not identical: {', '.join(wrong)}")
        verdict = evaluate_consistency(merge_comparisons(comparisons, "source", "mirror"))
        if len(comparisons) > 1:
            self._head("all topics together", verdict)
        if verdict.behind in (LaggingSide.A, LaggingSide.BOTH):
            raise ActionError("the restored mirror holds what its source does not")
        return verdict

    def _head(self, name: str, verdict: ConsistencyVerdict) -> None:
        uneven = f"uneven by {verdict.uneven / 1000:.3f} s" if verdict.uneven else "one moment"
        last = f", newest {format_epoch_ms(verdict.last)}" if verdict.last is not None else ""
        lost = f", first lost {format_epoch_ms(verdict.lost)}" if verdict.lost is not None else ""
        self.steps.measured(name, f"{verdict.verdict.value}: {uneven}{last}{lost}")

    def _cuts(self, snapshots: Sequence[VolumeSnapshot]) -> None:
        cuts = sorted(snapshot.cut for snapshot in snapshots if snapshot.cut is not None)
        self.steps.measured("volumes", str(len(snapshots)))
        if cuts:
            self.steps.measured("first to last seen cut", f"{cuts[-1] - cuts[0]:.1f} s")


def _lag(comparison: Comparison) -> int:
    """Return by how many ms the mirror is behind in the partition that is most behind."""
    lags = [0]
    for result in comparison.partitions:
        if result.a.newest is None:
            continue
        if result.b.newest is None:  # more than any mirror that is in step
            lags.append(10 * MAX_LAG_MS)
        else:
            lags.append(result.a.newest.time - result.b.newest.time)
    return max(lags)


def _newest(comparisons: Sequence[Comparison]) -> int:
    """Return the time of the newest record of the source, in ms since 1970."""
    newest = []
    for comparison in comparisons:
        newest += [part.a.newest.time for part in comparison.partitions if part.a.newest]
    if not newest:
        raise ActionError("the source holds no record")
    return max(newest)


def choose_scenarios(
    environment: ScenarioEnvironment, names: Sequence[str]
) -> tuple[Scenario, ...]:
    """Return the scenarios with these names, or all that the Blueprint of the mirror can show.

    Raises ActionError if it is of another strategy than a scenario, or has no actions for the
    restores of an online backup.
    """
    online = environment.mirror_context.blueprint.origin.is_online
    excluded, shown = Scenario.COLD, Scenario.ONLINE
    if not online:
        excluded, shown = shown, excluded
    if excluded.value in names:
        raise ActionError(
            f"the Blueprint of {environment.request.mirror} shows {shown.value}: to show "
            f"{excluded.value}, apply one with --strategy {excluded.value}"
            + (" --kasten restore" if excluded is Scenario.ONLINE else "")
        )
    named = [scenario for scenario in Scenario if scenario is not excluded]
    chosen = tuple(scenario for scenario in named if not names or scenario.value in names)
    lacking = {STOP_FOR_RESTORE, START_RESTORED} - set(environment.mirror_context.blueprint.actions)
    if online and lacking and chosen != (Scenario.SETUP,):
        actions = " and ".join(sorted(lacking))
        raise ActionError(
            f"the Blueprint of {environment.request.mirror} has no {actions}, with which the "
            "scenarios hot and online restore: apply it with --kasten restore"
        )
    return chosen


# A consistency test, from the first check until everything is as before.

OnProgress = Callable[[float, str], None]
"""Elapsed seconds, and a line."""


def run_consistency_test(
    connection: KubeClient,
    environment: ScenarioEnvironment,
    metrics: TopicMetrics,
    scenarios: Sequence[Scenario],
    on_progress: OnProgress,
    *,
    clock: Clock = SYSTEM_CLOCK,
) -> ConsistencyReport:
    """Run scenarios one after the other, and put back the changes of each before the next.

    All that fails is in the result. After a scenario that left something behind no other is begun.
    """
    stopwatch = Stopwatch(clock)
    results: list[ScenarioResult] = []
    leftovers: tuple[str, ...] = ()
    with SignalGuard(lambda text: on_progress(stopwatch(), text), KAFKA_FIRST) as interrupts:
        for scenario in scenarios:
            on_progress(stopwatch(), f"scenario {scenario.value}: {PURPOSES[scenario]}")
            steps = StepRecorder(stopwatch, lambda text: on_progress(stopwatch(), text))
            mirror = MirrorControl(
                connection, environment, stopwatch, lambda text: on_progress(stopwatch(), text)
            )
            try:
                interrupts.unshield()
                ScenarioRunner(environment, mirror, metrics, steps, clock).run(scenario)
            except KanisterKafkaError:
                pass  # it is the failure of a step
            except KeyboardInterrupt:
                interrupts.interrupted = True
            finally:  # also after a scenario that has ended: Kafka must not stay stopped
                interrupts.shield()
                on_progress(stopwatch(), "putting back what was changed")
                leftovers = mirror.clean_up()
            results.append(
                ScenarioResult(
                    scenario=scenario,
                    steps=tuple(steps.steps),
                    comparisons=tuple(steps.comparisons),
                )
            )
            if interrupts.interrupted or leftovers:
                break
    versions, request = environment.mirror_context.versions, environment.request
    return ConsistencyReport(
        id=secrets.token_hex(4),
        began=stopwatch.began,
        seconds=round(stopwatch(), 1),
        source=str(request.source),
        mirror=str(request.mirror),
        topics=request.topics,
        versions=f"Kafka {versions.kafka}, Strimzi {versions.strimzi}, "
        f"Kubernetes {versions.kubernetes}, kanister-kafka {versions.tool}",
        scenarios=tuple(results),
        leftovers=leftovers,
        interrupted=interrupts.interrupted,
    )
