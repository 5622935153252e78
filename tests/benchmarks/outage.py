"""How long clients cannot write: our backup, the same by hand with kubectl, and pods just deleted.

Run by `make bench-outage`; it stops and starts the Kafka that it is given, several times. The three
take turns, and the median of each counts. One client writes all the time (the probe of `rehearse`):
the outage is from the last record that Kafka has accepted to the first one after. What it finds is
written into docs/performance.md as ratios, for another machine has other times.

With snapshots, all start Kafka as soon as every snapshot is cut (its `creationTime` is set), and
delete them when Kafka runs again. `--earlier` adds the hooks of an earlier version to the rounds,
by a Blueprint and objects of other names.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import re
import secrets
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from kanister_kafka.errors import ActionError, KanisterKafkaError, TransientError
from kanister_kafka.kube import objects
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.kube.wait import poll
from kanister_kafka.operations.actionset import kanister_resource
from kanister_kafka.operations.live_kafka import LiveKafka
from kanister_kafka.operations.rehearsal.action_runner import ActionRunner, check_action_result
from kanister_kafka.operations.rehearsal.canary import (
    RATE,
    Canary,
    client_outage,
    count_lost,
    pods_outage,
)
from kanister_kafka.operations.rehearsal.context import (
    RESTART,
    STOP,
    ClientState,
    RehearsalContext,
    RehearsalRequest,
    Stopwatch,
    build_context,
    read_client,
)
from kanister_kafka.operations.rehearsal.model import PodTimeline
from kanister_kafka.operations.rehearsal.recovery_monitor import PodWatcher
from kanister_kafka.operations.start_action import find_blueprint
from kanister_kafka.operations.volume_snapshots import VolumeSnapshotter
from kanister_kafka.strimzi.discovery import SUFFIX, KafkaRef
from tests.benchmarks.processes import EarlierVersion, find_earlier
from tests.docs.pages import write_section

SETTLED = 900
"""Seconds for everything to be as before, between two rounds."""
RESTING = 5
"""Seconds without change before the next one begins."""
CUT_PERIOD = 0.2
"""Seconds between two looks whether all snapshots are cut."""

STOP_BY_HAND = r"""
set -eu
API=$(kubectl api-versions | sed -n 's|^kafka.strimzi.io/||p' | sort | tail -n 1).kafka.strimzi.io
for writer in $WRITERS; do
  kubectl patch "${writer%%/*}.$API" "${writer##*/}" -n "$NS" --type merge \
    -p '{"spec":{"replicas":0}}'
done
for writer in $WRITERS; do
  kubectl wait pod -n "$NS" -l "strimzi.io/cluster=${writer##*/}" --for=delete --timeout=120s
done
of_nodes=strimzi.io/cluster=$NAME,strimzi.io/name=$NAME-kafka
for pod in $(kubectl get pods -n "$NS" -l "$of_nodes" -o name); do
  kubectl exec "$pod" -n "$NS" -c kafka -- sync
done
kubectl annotate kafkas.$API "$NAME" -n "$NS" --overwrite strimzi.io/pause-reconciliation=true
kubectl wait kafka "$NAME" -n "$NS" --timeout=360s \
  --for='jsonpath={.status.conditions[?(@.type=="ReconciliationPaused")].status}=True'
kubectl delete deployment "$NAME-entity-operator" -n "$NS" --ignore-not-found
kubectl wait pod -n "$NS" -l "strimzi.io/name=$NAME-entity-operator" --for=delete --timeout=60s
for pool in $BROKERS $CONTROLLERS; do
  kubectl delete strimzipodset "$NAME-$pool" -n "$NS"
  kubectl wait pod -n "$NS" -l "$of_nodes,strimzi.io/pool-name=$pool" --for=delete --timeout=120s
done
"""
START_BY_HAND = r"""
set -eu
API=$(kubectl api-versions | sed -n 's|^kafka.strimzi.io/||p' | sort | tail -n 1).kafka.strimzi.io
kubectl annotate kafkas.$API "$NAME" -n "$NS" strimzi.io/pause-reconciliation-
kubectl wait kafka "$NAME" -n "$NS" --for=condition=Ready --timeout=900s
for writer in $WRITERS; do
  replicas=${writer#*/}
  kubectl patch "${writer%%/*}.$API" "${writer##*/}" -n "$NS" --type merge \
    -p "{\"spec\":{\"replicas\":${replicas%%/*}}}"
done
"""
DELETE_PODS = r"""
set -eu
kubectl delete pod -n "$NS" -l "strimzi.io/cluster=$NAME,strimzi.io/name=$NAME-kafka" --wait=false
"""


@dataclass(frozen=True)
class Round:
    """One outage."""

    seconds: float
    start: float
    """By the clock of the run."""


@dataclass
class Bench:
    """One Kafka, its client, and what was measured."""

    connection: KubeClient
    context: RehearsalContext
    snapshots: bool
    earlier: RehearsalContext | None = None
    """The same with the Blueprint of the earlier version."""
    clock: Stopwatch = field(default_factory=Stopwatch)
    lines: list[tuple[float, str]] = field(default_factory=list)
    """What our own actions said, and when."""
    pools: dict[str, bool] = field(default_factory=dict)
    """Names of the node pools, and whether each has brokers."""

    def __post_init__(self) -> None:
        self.canary = Canary(self.connection, self.context, self.clock)
        self.kafka = LiveKafka(self.connection, self.context.target)

    def measure(self, work: Callable[[], None]) -> Round:
        """Do something that stops Kafka, and return the outage that the client saw."""
        self.settle()
        began = self.clock.epoch()
        work()
        self.settle()
        log = self.canary.log
        times = [ack.at + log.clock for ack in tuple(log.acks.values())]
        outage = client_outage(times, began, served=True)
        if outage is None or outage.seconds is None:
            raise SystemExit("the client saw nothing: no record was accepted")
        return Round(outage.seconds, outage.start - self.clock.began.timestamp())

    def by_blueprint(self) -> None:
        self.hooks(self.context)

    def earlier_hooks(self) -> None:
        assert self.earlier is not None
        self.hooks(self.earlier)

    def hooks(self, context: RehearsalContext) -> None:
        """Run both hooks of a Blueprint, and take the snapshots between them."""
        context = replace(context, id=secrets.token_hex(4))
        actions = ActionRunner(self.connection, context, self.clock, self.record)
        with self.snapshotter(context) as snapshots:
            try:
                check_action_result(actions.follow(actions.begin(STOP), timeout=SETTLED), STOP)
                cut_snapshots(snapshots, context)
            finally:
                check_action_result(
                    actions.follow(actions.begin(RESTART), timeout=SETTLED), RESTART
                )
                actions.delete()

    def in_one_pod(self) -> None:
        kafka, blueprint = self.context.target, self.context.blueprint
        place = ("-n", kafka.namespace, "--kasten-namespace", blueprint.namespace)
        named = ("--blueprint", blueprint.name)  # the Kafka may have that of an earlier version too
        made = run_command("backups", "create", kafka.name, *place, *named)
        (backup,) = re.findall(r"backup=(\d+)", made)
        run_command("backups", "delete", backup, "--yes", *place, *named)

    def by_hand(self) -> None:
        context = replace(self.context, id=secrets.token_hex(4))
        with self.snapshotter(context) as snapshots:
            try:
                self.shell(STOP_BY_HAND)
                cut_snapshots(snapshots, context)
            finally:
                self.shell(START_BY_HAND)

    def floor(self) -> None:
        self.shell(DELETE_PODS)
        time.sleep(2)

    @contextlib.contextmanager
    def snapshotter(self, context: RehearsalContext) -> Iterator[VolumeSnapshotter | None]:
        """Yield what takes the snapshots of a round, if they are wanted; delete them at the end.

        At the end of the block Kafka runs. Those that are only cut become ready first: a backup
        would not count without that.
        """
        if not self.snapshots:
            yield None
            return
        snapshots = VolumeSnapshotter(
            self.connection, context.target.namespace, context.name, context.labels, self.clock
        )
        try:
            yield snapshots
            snapshots.wait(SETTLED)
        finally:
            if remaining := snapshots.delete(60):
                write_line(f"left behind: {', '.join(remaining)}")

    def record(self, text: str) -> None:
        self.lines.append((self.clock(), text))

    def shell(self, script: str) -> None:
        target = self.context.target
        for pod in self.kafka.nodes():  # none are left where it is to be started
            labels = pod["metadata"]["labels"]
            self.pools[labels["strimzi.io/pool-name"]] = labels["strimzi.io/broker-role"] == "true"
        here = [one for one in self.context.writers if one.namespace == target.namespace]
        environment = {
            **os.environ,
            "NS": target.namespace,
            "NAME": target.name,
            "WRITERS": " ".join(f"{w.kind.lower()}s/{count(w)}/{w.name}" for w in here),
            "BROKERS": " ".join(name for name, broker in self.pools.items() if broker),
            "CONTROLLERS": " ".join(name for name, broker in self.pools.items() if not broker),
        }
        done = subprocess.run(
            ["bash", "-c", script], env=environment, capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(f"by hand: {done.stderr}")

    def settle(self) -> None:
        """Wait until Kafka, its writers and its client are as before, and stay so for a while."""
        end, steady = self.clock() + SETTLED, 0
        while steady < RESTING:
            if self.clock() > end:
                raise SystemExit("Kafka did not come back: run kanister-kafka resume")
            time.sleep(1)
            steady = steady + 1 if self.is_settled() else 0

    def is_settled(self) -> bool:
        with contextlib.suppress(TransientError):
            kafka, pods = self.kafka.get(), self.kafka.pods()
            since = self.clock.epoch() - 2
            return (
                objects.is_reconciled(kafka)
                and len(pods) > len(self.context.before.nodes) - 1
                and all(map(objects.is_ready, pods))
                and self.canary.first_ack_after(since) is not None
                and all(
                    read_client(self.connection, one.kind, one.namespace, one.name).ready
                    for one in self.context.writers
                    if one.ready
                )
            )
        return False


def cut_snapshots(
    snapshots: VolumeSnapshotter | None, context: RehearsalContext, timeout: float = SETTLED
) -> None:
    """Ask for all snapshots, and wait until each is cut; ActionError if one is not."""
    if snapshots is None:
        return
    snapshots.make(context.claims)
    problem = ""

    def is_cut() -> bool:
        nonlocal problem
        problem = snapshots.look()
        return all(snapshot.cut is not None for snapshot in snapshots.snapshots.values())

    if not poll(is_cut, timeout=timeout, interval=CUT_PERIOD):
        raise ActionError(f"snapshots are not cut within {timeout:g} s: {problem or 'no error'}")


def count(writer: ClientState) -> object:
    """Return the replicas of a writer, or Strimzi's default."""
    return 1 if writer.replicas is None else writer.replicas


@dataclass(frozen=True)
class StrategyRound:
    """One backup by a strategy, in seconds."""

    outage: float
    """While a broker was not Ready, by its pods: a client that writes would fail an online one."""
    paused: float
    """From the first client that is scaled to 0 to the last that is not any more."""
    away: float
    """The same until all of them are Ready again."""


STRATEGIES = ("cold", "online")


def apply_strategy(target: KafkaRef, strategy: str) -> None:
    """Apply the Blueprint of a strategy, with the defaults of everything else."""
    place = ("--from-cluster", target.name, "-n", target.namespace)
    run_command("apply", *place, "--strategy", strategy)


def run_command(*words: str) -> str:
    """Run the command of this checkout, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "kanister_kafka", *words], capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stderr}")
    return done.stdout + done.stderr


def compare_strategies(
    connection: KubeClient, request: RehearsalRequest, rounds: int, *, snapshots: bool
) -> tuple[Bench, dict[str, list[StrategyRound]]]:
    """Measure cold and online backups of one Kafka in turns; the online Blueprint stays."""
    measured: dict[str, list[StrategyRound]] = {name: [] for name in STRATEGIES}
    for number in range(rounds):
        for strategy in STRATEGIES:
            apply_strategy(KafkaRef(request.namespace, request.name), strategy)
            bench = Bench(connection, build_context(connection, request), snapshots)
            one = measure_strategy(bench)
            measured[strategy].append(one)
            write_line(
                f"round {number + 1}: {strategy:6} brokers away {one.outage:.1f} s, "
                f"clients at 0 for {one.paused:.1f} s, Ready again after {one.away:.1f} s"
            )
    return bench, measured


def measure_strategy(bench: Bench) -> StrategyRound:
    """Make a backup, and look at brokers and clients all the time."""
    target, clock = bench.context.target, bench.clock
    writers = bench.context.writers
    watch = PodWatcher(bench.connection, target.namespace, target.name, clock)
    stopped: list[float] = []
    away: list[float] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            with contextlib.suppress(TransientError):
                seen = [read_client(bench.connection, w.kind, w.namespace, w.name) for w in writers]
                if any(one.replicas == 0 for one in seen):
                    stopped.append(clock())
                if not all(one.ready for one in seen):
                    away.append(clock())
            over.wait(0.3)

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        bench.by_blueprint()
        end = clock() + SETTLED
        while clock() < end and (not away or clock() - away[-1] < RESTING):
            time.sleep(1)
    finally:
        over.set()
        looking.join()
        watch.close()
    outage = pods_outage(watch.tracks())
    if not stopped or not away:
        raise SystemExit(
            "no client was stopped: does the Kafka have one, by --quiesce-by replicas?"
        )
    return StrategyRound(
        outage=0.0 if outage is None else outage.seconds or float("inf"),
        paused=stopped[-1] - stopped[0],
        away=away[-1] - stopped[0],
    )


PAUSED_TARGET = 0.5
"""Times the pause of the writers of a cold backup, at most, in an online one."""


def strategies_report(bench: Bench, measured: dict[str, list[StrategyRound]], command: str) -> str:
    """Return the section of docs/performance.md about online backups."""
    versions = bench.context.versions
    rounds = len(measured["cold"])
    middle = {name: median_round(measured[name]) for name in STRATEGIES}
    cold = middle["cold"]
    rows = [
        f"| {name} | {cell(one.outage, cold.outage)} | {cell(one.paused, cold.paused)} | "
        f"{cell(one.away, cold.away)} |"
        for name, one in middle.items()
    ]
    text = (
        f"{bench.context.brokers} brokers of {len(bench.context.before.nodes)} nodes, Strimzi "
        f"{versions.strimzi}, Kafka {versions.kafka}, {rounds} round{'s'[: rounds > 1]} in turns, "
        "medians. All is by the pods and resources. In brackets: to the same of the cold backup. "
        f"The seconds are of one machine with {os.cpu_count()} cores."
    )
    return "\n".join(
        [
            *("```sh", command, "```", "", textwrap.fill(text, 100), ""),
            "| Strategy | a broker away | clients at 0 replicas | until they are Ready |",
            "|---|---|---|---|",
            *rows,
            "",
            *(f"- {line}" for line in strategy_targets(middle["online"], cold)),
        ]
    )


def median_round(rounds: list[StrategyRound]) -> StrategyRound:
    return StrategyRound(
        outage=median(one.outage for one in rounds),
        paused=median(one.paused for one in rounds),
        away=median(one.away for one in rounds),
    )


def cell(seconds: float, of_cold: float) -> str:
    return f"{seconds:.0f} s ({seconds / of_cold:.2f})"


def strategy_targets(online: StrategyRound, cold: StrategyRound) -> Iterator[str]:
    """Yield the targets of an online backup, and what was reached.

    No other client may write during an online backup, so the outage of both strategies is that of
    the clients that are stopped: from the first one at 0 replicas until all are Ready again.
    """
    outcome = "met" if online.outage == 0 else "missed"
    yield f"a broker away in an online backup: {online.outage:.1f} s (at most 0 s): {outcome}"
    ratio = online.away / cold.away
    outcome = "met" if ratio <= PAUSED_TARGET else "missed"
    yield (
        "outage of the stopped clients, from the first at 0 replicas until all are Ready again, "
        f"online to cold: {ratio:.2f} (at most {PAUSED_TARGET:g}): {outcome}"
    )


EARLIER = "-earlier"
"""End of the names of the objects of the earlier version."""


@contextlib.contextmanager
def earlier_objects(
    connection: KubeClient, context: RehearsalContext, earlier: EarlierVersion | None
) -> Iterator[RehearsalContext | None]:
    """Apply what an earlier version renders for the same Kafka; yield the context of its Blueprint.

    All of it has names of its own and is deleted at the end. Its pods have the image of ours.
    """
    if earlier is None:
        yield None
        return
    target, applied = context.target, context.blueprint
    blueprint = connection.get(
        kanister_resource(connection, "Blueprint"), applied.name, applied.namespace
    )
    name = f"{target.namespace}.{target.name}{EARLIER}"
    rendered = earlier.run(
        *("render", "--from-cluster", target.name, "-n", target.namespace, "--name", name),
        *("--kasten-namespace", applied.namespace, "--image", image_of(blueprint)),
    )
    objects_of_it = rename_objects(rendered, target)
    try:
        run_kubectl("apply", "--server-side", "-f", "-", stdin=objects_of_it)
        yield replace(context, blueprint=find_blueprint(connection, name, applied.namespace))
    finally:
        run_kubectl("delete", "--ignore-not-found", "-f", "-", stdin=objects_of_it)


def image_of(blueprint: Mapping[str, Any]) -> str:
    """Return the image of the first phase of the stop."""
    return str(blueprint["actions"][STOP]["phases"][0]["args"]["image"])


def rename_objects(rendered: str, target: KafkaRef) -> str:
    """Return the objects of a Kafka with other names than `render` gives, wherever they are named.

    Accounts, roles, state ConfigMap and watchdog have the name of the Kafka and `SUFFIX`.
    """
    name = f"{target.name}{SUFFIX}"
    if name not in rendered:
        raise SystemExit(f"the earlier version renders nothing with the name {name}")
    return rendered.replace(name, f"{name}{EARLIER}")


def run_kubectl(*words: str, stdin: str) -> None:
    done = subprocess.run(["kubectl", *words], input=stdin, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"kubectl {' '.join(words)}: {done.stderr}")


WHAT = {
    "one pod": "our Blueprint of `--engine kanister` through Kanister: `backup`",
    "ours": "our Blueprint through Kanister: `backupPrehook`, {snapshots}`backupPosthook`",
    "earlier": "the hooks of {version}, in the same way",
    "by hand": "the same with kubectl, in the same order, by one script",
    "floor": "the pods of all nodes deleted, and left to come back",
}


def rounds_of(bench: Bench, rounds: int, *, trace: bool) -> dict[str, list[Round]]:
    """Measure all in turns; with snapshots also `backup`, which makes them itself."""
    work = {"ours": bench.by_blueprint, "by hand": bench.by_hand, "floor": bench.floor}
    if bench.earlier is not None:
        work = {"earlier": bench.earlier_hooks, **work}
    if bench.snapshots:
        work = {"one pod": bench.in_one_pod, **work}
    found: dict[str, list[Round]] = {name: [] for name in work}
    for number in range(rounds):
        for name in work:
            bench.lines.clear()
            watch = PodWatcher(
                bench.connection,
                bench.context.target.namespace,
                bench.context.target.name,
                bench.clock,
            )
            try:
                found[name].append(bench.measure(work[name]))
            finally:
                watch.close()
            one = found[name][-1]
            write_line(f"round {number + 1}: {name:8} {one.seconds:6.1f} s")
            if trace:
                for line in timeline(one, bench.lines, watch.tracks()):
                    write_line(line)
    return found


def timeline(
    one: Round, lines: list[tuple[float, str]], tracks: tuple[PodTimeline, ...]
) -> Iterator[str]:
    """Yield what happened around an outage, in seconds since its start."""
    seen = [*lines]
    seen += [(s.start, f"      {t.name} {s.state.value}") for t in tracks for s in t.spans]
    seen.append((one.start, "      LAST RECORD ACCEPTED"))
    seen.append((one.start + one.seconds, "      FIRST RECORD ACCEPTED"))
    for at, text in sorted(seen):
        if -20 < at - one.start < one.seconds + 30:
            yield f"  {at - one.start:+7.1f}  {text}"


FLOOR_TARGET = 0.85
"""Times the floor, at most, for a backup."""
BY_HAND_TARGET = 1.05
"""Times the same by hand, at most."""
NAMES = {"one pod": "`backup`", "ours": "the hooks"}
"""Rows that have a target, and what their lines call them."""
TITLES = {"floor": "the floor", "by hand": "the same by hand"}
"""Rows that they are compared with."""


def targets(middle: dict[str, float]) -> Iterator[str]:
    """Yield each target and what was reached, from the median seconds of each row."""
    for name, title in NAMES.items():
        if name in middle:
            for other, limit in (("floor", FLOOR_TARGET), ("by hand", BY_HAND_TARGET)):
                ratio = middle[name] / middle[other]
                outcome = "met" if ratio <= limit else "missed"
                yield f"{title}, to {TITLES[other]}: {ratio:.2f} (at most {limit:g}): {outcome}"


def earlier_lines(middle: dict[str, float], version: str | None) -> Iterator[str]:
    """Yield the hooks to those of the earlier version, if there is one."""
    if version is not None:
        yield f"- the hooks, to those of {version}: {middle['ours'] / middle['earlier']:.2f}"


def report(
    bench: Bench, found: dict[str, list[Round]], command: str, version: str | None = None
) -> str:
    """Return the section of docs/performance.md; `version` is the name of the earlier one."""
    middle = {name: median(one.seconds for one in rounds) for name, rounds in found.items()}
    floor, versions = middle["floor"], bench.context.versions
    snapshots = "VolumeSnapshots, " if bench.snapshots else ""
    brokers, all_nodes = bench.context.brokers, len(bench.context.before.nodes)
    rows = []
    for name in found:
        seconds = [one.seconds for one in found[name]]
        took = f"{middle[name]:.0f} s ({min(seconds):.0f} to {max(seconds):.0f})"
        ratios = f"{middle[name] / floor:.2f} | {middle[name] / middle['by hand']:.2f}"
        title = WHAT[name].format(snapshots=snapshots, version=version)
        rows.append(f"| {title} | {ratios} | {took} |")
    rounds = len(found["ours"])
    text = (
        "From the last record that Kafka has accepted to the first one after, as a client saw it "
        f"that writes {RATE} in a second: {brokers} brokers of {all_nodes} nodes, Strimzi "
        f"{versions.strimzi}, Kafka {versions.kafka}, Kubernetes {versions.kubernetes}. "
        f"{rounds} round{'s'[: rounds > 1]} in turns, medians. The seconds are of one machine with "
        f"{os.cpu_count()} cores ({platform.machine()}); the ratios are what to look at."
    )
    if bench.snapshots:
        text += " Each row starts Kafka when its last snapshot is cut, and deletes them afterwards."
    return "\n".join(
        [
            *("```sh", command, "```", "", textwrap.fill(text, 100), ""),
            "| | to the floor | to by hand | seconds, one machine |",
            "|---|---|---|---|",
            *rows,
            "",
            *(f"- {line}" for line in targets(middle)),
            *earlier_lines(middle, version),
        ]
    )


def write_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kafka", help="NAMESPACE/NAME; it is stopped and started several times")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--snapshots", action="store_true", help="with VolumeSnapshots")
    parser.add_argument(
        "--online",
        action="store_true",
        help="compare cold and online backups: applies both Blueprints; nothing else may write",
    )
    parser.add_argument(
        "--earlier",
        metavar="PATH",
        help="executable of an earlier version, whose hooks are measured in the same rounds",
    )
    parser.add_argument("--kasten-namespace", default="kasten-io")
    parser.add_argument("--trace", action="store_true", help="print what happened when")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    chosen = parser.parse_args()
    if chosen.earlier and chosen.online:
        parser.error("--earlier is for cold backups: not with --online")
    namespace, _, name = chosen.kafka.partition("/")
    earlier = find_earlier(chosen.earlier) if chosen.earlier else None
    try:
        connection = KubeClient("")
        request = RehearsalRequest(
            name=name,
            namespace=namespace,
            kasten_namespace=chosen.kasten_namespace,
            timeout=SETTLED * 4,
        )
        shown = " --snapshots" if chosen.snapshots else ""
        command = f"make bench-outage KAFKA={chosen.kafka} ROUNDS={chosen.rounds}"
        if chosen.online:
            bench, measured = compare_strategies(
                connection, request, chosen.rounds, snapshots=chosen.snapshots
            )
            section = strategies_report(bench, measured, f"{command} MORE='--online{shown}'")
            write_line(section)
            if chosen.write:
                write_section("online", section)
            return
        context = build_context(connection, request)
        if context.blueprint.origin.is_online:
            raise SystemExit("the Blueprint is by --strategy online: apply a cold one, or --online")
        with earlier_objects(connection, context, earlier) as earlier_context:
            bench = Bench(connection, context, chosen.snapshots, earlier_context)
            try:
                bench.canary.start()
                found = rounds_of(bench, chosen.rounds, trace=chosen.trace)
            finally:
                left = bench.canary.end()
        missing = count_lost(bench.canary.log)
    except KanisterKafkaError as failure:
        raise SystemExit(str(failure)) from failure
    shown += " --earlier PATH" if earlier else ""
    more = f" MORE='{shown.strip()}'" if shown else ""
    section = report(bench, found, f"{command}{more}", earlier.name if earlier else None)
    write_line(section)
    write_line(
        f"records accepted and not there at the end: {missing}; left behind: {left or 'nothing'}"
    )
    if chosen.write:
        write_section("outage", section)
    if missing is None or missing or left:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
