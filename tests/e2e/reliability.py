"""What has to be survived, what came of it, and the tables of docs/reliability.md.

    python -m tests.e2e.reliability [--check]

writes the tables from the results that are kept in tests/e2e/results, one file for each release of
Strimzi. `make reliability` adds to them, and plays what has not passed with that release and the
scripts of today: so a run can be broken off and continued. What has failed, was run with other
scripts than this checkout renders or was never run is told as such, and the command ends with 1.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import yaml

from kanister_kafka.backup.scripts import holds_scripts
from kanister_kafka.operations.task_pods import reason_in

from . import suites

ROOT = Path(__file__).parent.parent.parent
RESULTS = ROOT / "tests" / "e2e" / "results"
PAGE = ROOT / "docs" / "reliability.md"
EXAMPLE = ROOT / "examples" / "kraft-combined"
"""Of any Kafka: the scripts are the same for all."""
COMMAND = "make reliability"
LONGEST = 400
"""Characters of a problem that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A fault at one moment: a row of the table."""

    key: str
    """Name of the result's file, and id of the test."""
    what: str
    phase: str
    """Phase that it hits; empty where it is between two actions."""


def _each(key: str, what: str, *phases: str) -> tuple[Scenario, ...]:
    return tuple(Scenario(key=f"{key}-in-{phase}", what=what, phase=phase) for phase in phases)


def _one(key: str, what: str, phase: str = "") -> Scenario:
    return Scenario(key=key, what=what, phase=phase)


UNDISTURBED = "undisturbed"
BETWEEN = "while stopped"
SCENARIOS: dict[str, tuple[Scenario, ...]] = {
    "No fault": (
        _one(UNDISTURBED, "a stop and a restart: what the other times are compared with"),
    ),
    "The Kanister controller is killed": _each(
        "kanister-killed",
        "its pod is deleted",
        *("quiesce", "flush", "stop", "restart", "backupSnapshot"),
    ),
    "The Strimzi operator is away": (
        *_each("operator-killed", "its pod is deleted", "stop", "restart"),
        _one("operator-at-zero-in-stop", "scaled to 0, for longer than the stop waits", "stop"),
        _one(
            "operator-at-zero-until-switch",
            "scaled to 0, and the watchdog is asked for a restart while the stop waits",
            "stop",
        ),
        _one("operator-at-zero-in-restart", "scaled to 0, and back to 1 after 20 s", "restart"),
    ),
    "A broker hangs on shutdown": (
        _one("broker-hangs", "its process is stopped by a signal, and is killed", "stop"),
        _one("broker-hangs-warned", "the same, with --unclean-stop warn", "stop"),
    ),
    "Another actor restarts Kafka before the snapshot is over": (
        _one("by-hand", "the pause is ended by hand", BETWEEN),
        _one("by-hand-and-stopped", "and set again, and the nodes are stopped again", BETWEEN),
        _one("before-the-snapshot", "the pause is ended by hand", "backupSnapshot"),
    ),
    "Kafka is changed while it is stopped": (
        _one("storage-changed", "a volume of the node pool gets another id", BETWEEN),
        _one("scaled-down", "a node pool with a broker is scaled from 1 to 0", BETWEEN),
    ),
    "The operator is behind": (
        _one("operator-behind", "it is away, and the Kafka has changed", "quiesce"),
    ),
    "Something else writes": (
        _one("new-writer", "pods of a KafkaBridge that was made since the rendering", "quiesce"),
        _one("writer-again", "pods of the mirror come back before the brokers stop", "stop"),
        _one("producer-goes-on", "a producer, with --require-quiet", "flush"),
    ),
    "The task pod is evicted or cannot be pulled": (
        *_each(
            "evicted",
            "evicted through the Eviction API, with a grace of 1 s",
            "quiesce",
            "stop",
            "restart",
        ),
        _one("image-gone-in-quiesce", "the image of the steps cannot be pulled", "quiesce"),
        _one("image-gone-in-restart", "the image cannot be pulled any more", "restart"),
    ),
    "The API server refuses or is silent for 30 s": (
        *_each("429", "answers 429 to the steps", "stop", "restart"),
        *_each("500", "answers 500 to every change of the Kafka", "stop", "restart"),
        *_each(
            "silent", "its process is stopped by a signal: no answer to anybody", "stop", "restart"
        ),
    ),
    "A step's wait runs out": (
        _one("stop-runs-out", "a finalizer holds the pod of a broker for longer", "stop"),
        _one("restart-runs-out", "a limit of 3 s, which no broker keeps", "restart"),
    ),
    "Two runs at the same time": (
        _one("two-runs", "two ActionSets made by one command", "quiesce"),
        _one("two-runs-and-post-hook", "the refused one runs its post-hook by hand", BETWEEN),
        _one("two-runs-and-resume", "the refused one runs its failure hook, resume", BETWEEN),
    ),
    "The cluster changes between stop and restart": (
        _one("pool-scaled", "a node pool is scaled from 0 to 1", BETWEEN),
        _one("pool-added", "a node pool is added", BETWEEN),
        _one("pool-removed", "a node pool is removed that holds no partition", BETWEEN),
        _one("rendered-again", "the Blueprint is rendered with other choices and applied", BETWEEN),
    ),
    "The snapshot fails": (
        _one("snapshot-fails", "its VolumeSnapshotClass does not exist", "backupSnapshot"),
    ),
    "Kasten dies after the stop": (
        _one("hook-never-called", "the post-hook is never called, then far too late", BETWEEN),
        _one("switch-killed", "and the armed watchdog loses its pod", BETWEEN),
    ),
    "The recorded state is gone or damaged": (
        _one("record-gone", "the ConfigMap is deleted; action resume", BETWEEN),
        _one("record-damaged", "each of its keys holds rubbish; kanister-kafka resume", BETWEEN),
        _one("marks-gone", "our annotations of the Kafka are removed", BETWEEN),
        _one("all-gone", "ConfigMap and annotations are removed", BETWEEN),
        _one(
            "counts-gone",
            "nothing shows the replicas of the mirror; kanister-kafka resume",
            BETWEEN,
        ),
    ),
    "The mirror is in another namespace": (
        _one("mirror-elsewhere", "a MirrorMaker 2 that runs there", "quiesce"),
    ),
}
"""By point: every scenario that has to have a result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one scenario."""

    scenario: str
    problem: str
    """Why it counts as failed; empty where it does not."""
    stopped: bool
    """Whether nodes had to be started again after the fault."""
    seconds: float
    """From the fault until every node was Ready; where none had stopped, until all was as found."""
    reference: float
    """The same of the undisturbed restart with this release; 0 where it was not run before."""
    by: str
    """Phase that brought it back, as the record tells."""
    written: int
    """Messages acknowledged before the fault."""
    found: int
    """Of these, how many were there at the end, each once."""
    status: str
    """What `kanister-kafka status` said soon after the fault."""
    events: tuple[str, ...]
    """Reasons of the events on the Kafka, in their order."""
    ended: str
    """Moment of its end: ISO 8601, in UTC."""
    scripts: str
    """Name of the ConfigMap with the scripts that were run: another content has another name."""
    steps: str
    """Digest of those of its files that a backup with a stop runs, without comments."""
    release: str
    """Of the Strimzi operator."""
    versions: tuple[tuple[str, str], ...]
    """Of what else it was run with, by name."""

    @property
    def passed(self) -> bool:
        return not self.problem

    def save(self, directory: Path) -> None:
        """Put it among the results of its release, in place of an earlier one of its scenario."""
        results = load(directory).get(self.release, {}) | {self.scenario: self}
        directory.mkdir(parents=True, exist_ok=True)
        rows = ",\n".join(json.dumps(asdict(results[key])) for key in sorted(results))
        path = directory / f"{self.release}.json"
        new = path.with_suffix(".new")
        new.write_text(f"[\n{rows}\n]\n", encoding="utf-8")
        new.replace(path)  # a run may be broken off at any moment


def short(problem: str) -> str:
    """Return the reason of a problem in one line, without paths of this machine."""
    reason = reason_in(problem) if '{"message"' in problem else problem
    for path, name in ((sys.executable, "python"), (str(ROOT), ".")):
        reason = reason.replace(path, name)
    line = " ".join(reason.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def load(directory: Path) -> dict[str, dict[str, Result]]:
    """Read all results, by release and scenario; one that cannot be read is a failure."""
    found: dict[str, dict[str, Result]] = {}
    for path in sorted(directory.glob("*.json")):
        of_release = found.setdefault(path.stem, {})
        for data in json.loads(path.read_text(encoding="utf-8")):
            if set(data) != {field.name for field in fields(Result)}:
                raise SystemExit(f"{path.name}: not written by this version of the tests")
            data["events"] = tuple(data["events"])
            data["versions"] = tuple((name, version) for name, version in data["versions"])
            of_release[data["scenario"]] = Result(**data)
    return found


def all_scenarios() -> tuple[Scenario, ...]:
    return tuple(scenario for group in SCENARIOS.values() for scenario in group)


COLD = (
    *("quiesce", "flush", "stop", "save-objects", "snapshot", "wait-snapshots-ready"),
    *("recover-backup", "restart", "run-watchdog", "run-in-one-pod"),
)
"""Scripts of the phases of a backup with a stop, and of its watchdog."""


def digest_steps(files: Mapping[str, str]) -> str:
    """Return a digest of the scripts that COLD runs and of all that these read, by file name.

    The outcome of a scenario depends on no other script, and not on comments.
    """
    reached: dict[str, str] = {}
    names = [f"{name}.sh" for name in COLD]
    while names:
        name = names.pop()
        if name not in reached:
            lines = [line for line in files[name].splitlines() if not line.lstrip().startswith("#")]
            reached[name] = "\n".join(lines)
            read = re.findall(r'(?m)^\s*\. "?\./([^\s"]+\.sh)"?$', reached[name])
            patterns = [re.sub(r"\$\w+", "*", one) for one in read]  # as quiesce-by-$QUIESCE_BY.sh
            names += [one for pattern in patterns for one in fnmatch.filter(files, pattern)]
    return hashlib.sha256(json.dumps(sorted(reached.items())).encode()).hexdigest()[:10]


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedScripts:
    """The scripts of a rendering: what was run with others only tells of those."""

    name: str
    """Of their ConfigMap."""
    steps: str
    """As `digest_steps` returns it."""


def rendered_scripts(text: str) -> RenderedScripts:
    """Return the scripts among the objects that `render` has printed."""
    (found,) = (one for one in yaml.safe_load_all(text) if one and holds_scripts(one))
    return RenderedScripts(name=found["metadata"]["name"], steps=digest_steps(found["data"]))


def present_scripts() -> RenderedScripts:
    """Return what this checkout renders.

    Raises SystemExit if it cannot.
    """
    command = [sys.executable, "-m", "kanister_kafka", "render", "-f", str(EXAMPLE)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{EXAMPLE.name} cannot be rendered:\n{done.stderr}")
    return rendered_scripts(done.stdout)


def present() -> suites.Present:
    """Return what this checkout renders and tests.

    Raises SystemExit if it cannot be rendered, or if the tests cannot be collected.
    """
    return suites.Present(steps=present_scripts().steps, cases=suites.cases())


def shortcomings(results: Mapping[str, Result], steps: str) -> list[str]:
    """Return a line for each scenario of a release that did not pass with these scripts."""
    lines = []
    for scenario in all_scenarios():
        result = results.get(scenario.key)
        if result is None:
            lines.append(f"{scenario.key}: not run")
        elif not result.passed:
            lines.append(f"{scenario.key}: {result.problem}")
        elif result.steps != steps:
            lines.append(f"{scenario.key}: run with other scripts")
    return lines


def page(
    kept: Mapping[str, Mapping[str, Result]],
    tests: Mapping[str, suites.Results],
    this: suites.Present,
) -> str:
    """Return docs/reliability.md, of results by release and scenario, and by release and test."""
    lines = [*_HEAD]
    for release in sorted(kept, key=suites.numbers, reverse=True):
        lines += _section(release, kept[release], this.steps)
    lines += suites.section(tests, this) if tests else []
    return "\n".join(lines)


_HEAD = f"""\
# Reliability

Written by `{COMMAND}` from the results of its tests ([tests/e2e](../tests/e2e)), never by hand.
Each row is a fault on a real cluster that was caused during a backup.

A scenario passed if, at its end, every node of Kafka was Ready without other help than the row
names, each acknowledged message existed once, no annotation of a backup was left, the mirror had
its replicas again, and `kanister-kafka status` reported a running Kafka. A backup that was not
consistent had to fail.

- **Result**: *recovered* if it passed with the scripts of this version. Scenarios that passed with
  others are called *with other scripts* and do not count as passed. Only the scripts that a backup
  with a stop runs are compared, without comments.
- **Seconds**: from the fault until every node was Ready. In brackets, if no node had to be
  started: until everything had its former state. If the watchdog started Kafka, it was set
  to 5 min from the start of the stop. The default is an hour.
- **Ratio**: to the restart without any fault, with the same release.
- **By**: the phase that began the restart, from the state ConfigMap.
- **Reported**: the output of `status` soon after the fault, and the events.

Each row is one run on a small machine with a single Kafka node, which may have had other work, so
only proportions count. In all rows except one the mirror is already paused, so only its replicas
are restored. The other row is about this pause.
""".split("\n")
_HEADINGS = [
    "| Scenario | Phase | Result | Date | Seconds | Ratio | By | Messages | Reported |",
    "|---|---|---|---|---|---|---|---|---|",
]


def _section(release: str, results: Mapping[str, Result], steps: str) -> list[str]:
    lines = [f"## Strimzi {release}", ""]
    lines += [f"**{_counts(results, steps)}.** Run with:", ""]
    lines += [*(f"- {line}" for line in _run_with(results.values())), "", *_HEADINGS]
    for point, scenarios in SCENARIOS.items():
        found = [(s, results[s.key]) for s in scenarios if s.key in results]
        lines += [f"| **{point}** | | | | | | | | |"] if found else []
        lines += [_row(scenario, result, steps) for scenario, result in found]
    if not_run := [s.key for s in all_scenarios() if s.key not in results]:
        lines += ["", f"Not run: {', '.join(not_run)}."]
    if failed := [key for key in results if not results[key].passed]:
        lines += ["", "Failed:", ""]
        lines += [f"- {key}: {_cell(results[key].problem)}" for key in failed]
    return [*lines, ""]


def _counts(results: Mapping[str, Result], steps: str) -> str:
    """Return how many scenarios were run, and how they ended, without what is none."""
    scenarios = all_scenarios()
    run = [results[one.key] for one in scenarios if one.key in results]
    passed = [one for one in run if one.passed]
    now = sum(one.steps == steps for one in passed)
    counts = {
        "run": len(run),
        "passed": now,
        "passed with other scripts": len(passed) - now,
        "failed": len(run) - len(passed),
        "not run": len(scenarios) - len(run),
    }
    always = ("run", "passed")
    return ", ".join(f"{n} {word}" for word, n in counts.items() if n or word in always)


def _row(scenario: Scenario, result: Result, steps: str) -> str:
    verdict = "recovered" if result.passed else "**FAILED**"
    verdict += "" if result.steps == steps else ", with other scripts"
    seconds = f"{result.seconds:.0f}" if result.stopped else f"({result.seconds:.0f})"
    ratio = ""
    if result.stopped and result.reference:
        ratio = f"{result.seconds / result.reference:.1f}"
    headline = result.status.partition(";")[0]
    told = [f"“{headline}”"] if headline else []
    told += [", ".join(result.events)] if result.events else []
    messages = f"{result.found} of {result.written}"
    cells = [scenario.what, scenario.phase, verdict, result.ended[:10], seconds, ratio]
    cells += [result.by, messages, "; ".join(told)]
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _run_with(results: Iterable[Result]) -> list[str]:
    """Return a line for each set of scripts and versions, the last that was run first."""
    last: dict[tuple[str, ...], str] = {}
    for one in results:
        words = (f"`{one.scripts}`", *(f"{name} {version}" for name, version in one.versions))
        last[words] = max(last.get(words, ""), one.ended)
    return [", ".join(words) for words in sorted(last, key=lambda words: last[words], reverse=True)]


def main(arguments: list[str]) -> int:
    kept, this = load(RESULTS), present()
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    text = page(kept, suites.load_all(suites.RESULTS), this)
    if "--check" in arguments:
        return int(old != text)
    PAGE.write_text(text, encoding="utf-8")
    whole = True
    for release, results in kept.items():
        wrong = shortcomings(results, this.steps)
        whole = whole and not wrong
        for line in wrong:
            sys.stderr.write(f"Strimzi {release}: {line}\n")
        count = len(all_scenarios()) - len(wrong)
        sys.stdout.write(f"Strimzi {release}: {count} passed, {len(wrong)} not\n")
    return 0 if whole and kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
