"""Runs scripts and whole phases against tests/fakes/kubectl.py, and holds them to their rights."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from kanister_kafka import BackupPlan, Options, build_plan, load, read_cluster
from kanister_kafka.backup.model import Permission, PlannedPhase
from kanister_kafka.backup.options import KastenOutput, SnapshotProvider
from kanister_kafka.backup.scripts import ScriptsConfigMap
from tests.fakes.kubectl import after, documents, names_of, parted

ROOT = Path(__file__).parent.parent.parent
SCRIPTS = ROOT / "templates" / "scripts"
FILES = {path.name: path for path in sorted(SCRIPTS.glob("*/*.sh"))}
"""Every script by its name, for which there is one directory where they run."""
LIBRARY = tuple(name for name, path in FILES.items() if path.parent.name == "lib")
STUB = SCRIPTS / "stub.sh"
SOURCE = (Path(__file__).parent / "kubectl.py").read_text()
FORBIDDEN = (1, "", "Error from server (Forbidden): it is forbidden: User cannot")
CONFLICT = (1, "", "Error from server (Conflict): Operation cannot be fulfilled on configmaps")
AWAY = (1, "", "The connection to the server was refused")
RUN = "2026-01-02T03:04:05.678Z"
BACKUP = "20260102030405"
POD = "kanister-job-abcde"
"""The pod in which a phase runs."""
Reply = tuple[int, str, str]
REPOSITORY = "s3:https://s3.example.com/bucket/kanister-kafka"
GIVEN = {
    "LOCATION_TYPE": "s3Compliant",
    "LOCATION_ENDPOINT": "https://s3.example.com",
    "LOCATION_BUCKET": "bucket",
    "LOCATION_PREFIX": "",
    "LOCATION_REGION": "",
    "INSECURE_TLS": "false",
    "REPOSITORY": REPOSITORY,
    "CLUSTER_ID": "abc",
    "CLAIMS": "",
    "COPY_UID": "",
}
"""Values that Kanister makes of the Profile, and of the output of the phase before."""


def sourced(script: str, quiesce_by: str = "replicas") -> list[str]:
    """Name the file of a phase and all that it sources, in the order of their code."""
    file, found = f"{script.removesuffix('.sh')}.sh", []
    for each in re.findall(r"\. \"?\./([^ \n\"]+)", FILES[file].read_text()):
        found += sourced(each.replace("$QUIESCE_BY", quiesce_by), quiesce_by)
    return [*dict.fromkeys(found), file]


@cache
def digest() -> str:
    """Return what a Blueprint has for all of the scripts."""
    files = ((name, path.read_text()) for name, path in FILES.items())
    return ScriptsConfigMap(tuple(sorted(files)), "").sha256


@cache
def cycle(**choices: Any) -> BackupPlan:
    """Plan all that there is for a cluster `backup` in `kafka-backup`, with writers elsewhere."""
    usual = {"engine": SnapshotProvider.KANISTER, "kasten": (KastenOutput.RESTORE,)}
    chosen = Options(**{**usual, **choices})
    reading = read_cluster(load([ROOT / "examples" / "mirror-maker-2"]).documents)
    assert reading.cluster is not None, reading.problems
    return build_plan(reading.cluster, chosen)


def plan_with(phase: str, **choices: Any) -> BackupPlan:
    """Plan all that there is: `recover` is only there where no watchdog sees a failed pre-hook."""
    return cycle(**choices, **({"restart_after": 0} if phase == "recover" else {}))


def phases_of(plan: BackupPlan) -> dict[str, PlannedPhase]:
    """Every script by the name of its phase, the watchdog among them."""
    found = {}
    for action in plan.actions:
        for phase in (*action.phases, *([action.defer_phase] if action.defer_phase else [])):
            found |= {part.name: part for part in phase.scripts}
            if phase.parts:
                found[f"pod of {phase.name}"] = phase
    return found | ({plan.switch.phase.name: plan.switch.phase} if plan.switch else {})


SCRIPTS_OF_A_STOP = ("quiesce", "pause", "save-objects", "flush", "flush-online", "stop")
SCRIPTS_OF_A_HOT_BACKUP = ("check-hot", "snapshot-hot", "complete-hot", "recover-hot")
OWN_RUN = r"jsonpath=\{\.metadata\.resourceVersion\}\|\{\.data\.state\}\|\{\.data\.run\}( |$)"
LOCK_OWNER = r"jsonpath=\{\.metadata\.resourceVersion\}\|\{\.data\.run\}( |$)"
"""What a failed phase reads before it stores its failure."""
FIELD_MANAGER = "--field-manager=kanister-kafka"


@dataclass(frozen=True)
class Call:
    """One call of kubectl."""

    args: list[str]
    text: str
    """What came in."""

    def __str__(self) -> str:
        """Return the words, but for the field manager, which is that of every write."""
        return " ".join(word for word in self.args if word != FIELD_MANAGER)

    @property
    def objects(self) -> list[dict[str, Any]]:
        return documents(self.text)

    @property
    def patch(self) -> dict[str, Any]:
        text = self.text if "--patch-file" in self.args else after(self.args, "-p")
        found: dict[str, Any] = json.loads(text)
        return found

    @property
    def writes(self) -> bool:
        """Tell whether it changes anything, save what is told to people."""
        if self.args[0] == "create":
            told = {"Event", "SelfSubjectAccessReview"}
            return (
                bool(self.text)
                and not {"--dry-run=client", "--dry-run=server"} & {*self.args}
                and (not {one["kind"] for one in self.objects} <= told)
            )
        return self.args[0] != "get" and not {"--local", "--dry-run=server"} & {*self.args}

    def needs(self) -> Iterator[tuple[str, str, str, str, str, str]]:
        """Yield verb, group, resource, subresource, name and namespace of each request."""
        verb, home = self.args[0], after(self.args, "-n")
        if {"--local", "--dry-run=client", "--raw"} & {*self.args}:
            return  # nothing is asked, or only what every account may
        if verb in ("create", "replace"):
            for one in self.objects:
                if one["kind"] == "SelfSubjectAccessReview":
                    continue
                group = one["apiVersion"].rpartition("/")[0]
                where = one["metadata"].get("namespace", home)
                name = one["metadata"].get("name", "")
                resource = f"{one['kind'].lower()}s"
                if verb == "create":  # no name: the API cannot limit it
                    yield "create", group, resource, "", "", where
                else:  # which asks for the resourceVersion
                    yield "get", group, resource, "", name, where
                    yield "update", group, resource, "", name, where
            return
        if verb == "exec":
            yield "get", "", "pods", "", self.args[1], home
            yield "create", "", "pods", "exec", "", home
            return
        if verb == "logs":
            job = self.args[1].removeprefix("job/")
            yield "get", "batch", "jobs", "", job, home
            yield "list", "", "pods", "", "", home
            yield "get", "", "pods", "log", "", home
            return
        plural, _version, group = parted(self.args[1])
        resource = plural if plural.endswith("s") else f"{plural}s"
        below = after(self.args, "--subresource")
        names = names_of(self.args)
        verbs = {"patch": ("get", "patch"), "annotate": ("get", "patch")}.get(verb, (verb,))
        if not names:
            verbs = ("list",) if verb == "get" else ("list", *verbs)
        if "--watch" in self.args:
            verbs = (*verbs, "watch")
        for one_verb in verbs:
            for name in names[:1] if verb == "annotate" else names or [""]:
                yield one_verb, group, resource, below, name, home


def is_permitted(need: tuple[str, str, str, str, str, str], rights: tuple[Permission, ...]) -> bool:
    verb, group, resource, below, name, home = need
    return any(
        (right.group, right.resource, right.subresource) == (group, resource, below)
        and right.namespace == home
        and verb in right.verbs
        and (not right.names or name in right.names)
        for right in rights
    )


OWN_ANNOTATION = re.compile(r"strimzi\.io/pause-reconciliation|kanister-kafka\.io/[a-z-]+")
STATUS_OF_A_RESTORE = re.compile(r"status\.(clusterId|nodeIds|roles)")
OPTION_OF_A_HOLD = re.compile(r"spec\.kafka\.config\.[a-z.]+|metadata\.resourceVersion")


def foreign_fields(call: Call, *, restores: bool = False) -> list[str]:
    """Return what a call takes of a custom resource of Strimzi that is not a field of this tool.

    Its own are annotations and `spec.replicas`. A restore also creates resources, and writes ids
    and retention. Field managers stay as they are only if each write names its fields: an apply or
    a replacement would take all fields of the user, the GitOps tool and the operator.
    """
    verb, *words = call.args
    taken = [word for word in call.args if word.startswith(("--server-side", "--force"))]
    taken += [verb] if verb in ("apply", "edit", "set") else []
    if not words or "--local" in words or parted(words[0])[2] != "kafka.strimzi.io":
        return taken
    if verb in ("annotate", "patch") and FIELD_MANAGER not in words:
        taken.append("no field manager of its own")
    if verb == "annotate":
        keys = [re.split("=|-$", word)[0] for word in words[2:] if re.match(r"[a-z.-]+/", word)]
        return taken + [key for key in keys if not OWN_ANNOTATION.fullmatch(key)]
    if verb == "patch":
        taken += [] if after(call.args, "--type") == "merge" else ["a patch that is no merge"]
        return taken + [path for path in leaves(call.patch) if not is_own(path, restores=restores)]
    return taken + ([] if verb == "get" else [verb])


def is_own(path: str, *, restores: bool) -> bool:
    annotation = path.removeprefix("metadata.annotations.")
    if path == "spec.replicas" or (annotation != path and OWN_ANNOTATION.fullmatch(annotation)):
        return True
    of_a_restore = STATUS_OF_A_RESTORE.fullmatch(path) or OPTION_OF_A_HOLD.fullmatch(path)
    return restores and bool(of_a_restore)


def leaves(item: Any, path: str = "") -> Iterator[str]:
    """Yield the path of each value in an object; lists are values."""
    if not isinstance(item, dict):
        yield path
        return
    for key, value in item.items():
        yield from leaves(value, f"{path}.{key}".removeprefix("."))


@dataclass
class Shell:
    """Runs a body after the given script files, or a phase of a plan."""

    folder: Path
    answers: list[tuple[str, list[Reply]]] = field(default_factory=list)
    preamble: str = ""
    """Functions in place of commands and builtins, for every bash."""

    def on(self, pattern: str, *replies: str | Reply) -> Shell:
        """Answer calls that match, one reply after the other, the last one for ever.

        The pattern that was told first counts.
        """
        told = [(0, r, "") if isinstance(r, str) else r for r in replies]
        self.answers.append((pattern, told))
        return self

    def run(self, *files: str, body: str = "", **values: str) -> subprocess.CompletedProcess[str]:
        text = "".join(f". ./{file}\n" for file in files) + body
        shared = {"STATE_CONFIGMAP": "", "WATCHDOG": "", "CLIENTS": values.pop("arguments", "")}
        defaults = {"NAMESPACE": "kafka", "CLUSTER": "my-cluster", **shared}
        return self._bash([text, values.pop("name", "phase")], {**defaults, **values})

    def phase(self, name: str, plan: BackupPlan | None = None, **values: str) -> Any:
        """Run a phase as Kanister does, with short waits; its account must have every right."""
        whole = plan or plan_with(name)
        phase = phases_of(whole)[name]
        own = dict(word.split("=", 1) for word in phase.values)
        known = {"NAMESPACE": whole.cluster.namespace, **dict(whole.shared), **own}
        known |= {key: "30" for key in known if key.endswith("_TIMEOUT")}
        known |= {key: RUN for key in known if known[key] == "{{ .Time }}"}
        given = {"BACKUP": BACKUP, "OVERWRITE": "", "RETENTION": "", "COPY": ""} | GIVEN
        known |= {key: given[key] for key in known.keys() & given if known[key].startswith("{{")}
        if "arguments" in values:
            values["CLIENTS"] = values.pop("arguments")
        unknown = values.keys() - known.keys()
        assert not unknown, f"phase {name} is not given {unknown}"
        locked = (*SCRIPTS_OF_A_STOP, *SCRIPTS_OF_A_HOT_BACKUP)
        state = "quiescing" if phase.script in locked else "running"
        known |= {"FAKE_STATE": "restoring" if "estore" in name else state, **values}
        words = [f"{key}={known.pop(key)}" for key in own]
        self.on(LOCK_OWNER, f"7|{RUN}").on(r"jsonpath=\{\.data\.run\}( |$)", RUN).on(
            r"jsonpath=\{\.data\.pod\}( |$)", POD
        )
        done = self._bash([STUB.read_text(), name, phase.script, *words], known)
        assert "unbound variable" not in done.stderr, done.stderr
        assert "command not found" not in done.stderr, done.stderr
        (account,) = [one for one in whole.accounts if one.name == phase.account]
        restores = phase.script.startswith("restore") or known["FAKE_STATE"] == "restoring"
        for call in self.all():
            assert not foreign_fields(call, restores=restores), call
            for need in call.needs():
                assert is_permitted(need, account.rights), f"{account.name}: {need} for {call}"
        return done

    def stub(self, *words: str, **values: str) -> subprocess.CompletedProcess[str]:
        """Run the stub of a phase with these words after it."""
        return self._bash([STUB.read_text(), *words], values)

    def mount(self) -> Path:
        """Return where the scripts are, as kubelet mounts a ConfigMap."""
        mounted = self.folder / "scripts"
        if not mounted.exists():
            (mounted / "..1").mkdir(parents=True)
            (mounted / "..data").symlink_to("..1")
            for name, path in FILES.items():
                (mounted / "..1" / name).write_bytes(path.read_bytes())
        return mounted

    def _bash(self, words: list[str], values: dict[str, str]) -> subprocess.CompletedProcess[str]:
        (self.folder / "answers").write_text(json.dumps(self.answers))
        (self.folder / "calls").write_text("")
        (self.folder / "preamble").write_text(self.preamble)
        self._program("kubectl", f"#!{sys.executable} -IS\n{SOURCE}")
        self._program("sleep", "#!/bin/sh\nexec /bin/sleep 0.05\n")
        mounted = self.mount()
        return subprocess.run(
            ["bash", "-c", *words],
            cwd=mounted / "..data",
            env={
                "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}",
                "FAKE": str(self.folder),
                "BASH_ENV": str(self.folder / "preamble"),
                "RETRY_TIMEOUT": "2",
                "POD_NAME": POD,
                "SCRIPTS_DIR": str(mounted),
                "SCRIPTS_SHA256": digest(),
                **values,
            },
            capture_output=True,
            text=True,
            timeout=120,
        )

    def _program(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)

    def all(self) -> list[Call]:
        """Return all calls in order, but for the look which API versions are served."""
        return [call for call in self.every() if "--raw" not in call.args]

    def every(self) -> list[Call]:
        """Return all calls in order."""
        lines = (self.folder / "calls").read_text().splitlines()
        return [Call(*json.loads(line)) for line in lines]

    def calls(self, word: str = "") -> list[str]:
        """Return the calls that have this text in them; those of events are left out."""
        return [str(c) for c in self.all() if word in str(c) and '"Event"' not in c.text]

    def writes(self) -> list[Call]:
        """Return the calls that change something on the cluster."""
        return [call for call in self.all() if call.writes]

    def made(self, kind: str) -> list[dict[str, Any]]:
        """Return the objects of a kind that were created."""
        tried = {"--dry-run=client", "--dry-run=server"}
        calls = [c for c in self.all() if c.args[0] == "create" and not tried & {*c.args}]
        return [one for call in calls for one in call.objects if one["kind"] == kind]

    def events(self) -> list[str]:
        """Return the reasons of all events."""
        return [event["reason"] for event in self.made("Event")]

    def recorded(self) -> dict[str, str]:
        """Return what was written into the record, one write over the other."""
        found: dict[str, str] = {}
        for call in self.all():
            if call.args[:2] == ["patch", "configmap"]:
                found |= call.patch.get("data", {})
        return found


def kept(secret: dict[str, Any]) -> str:
    """Return what is in a Secret of a backup."""
    ((key, value),) = secret["data"].items()
    content = base64.b64decode(value)
    return (gzip.decompress(content) if key.endswith(".gz") else content).decode()
