"""Phases of a Blueprint as pods of their own, and what each of them asks of the API server.

A pod has the image, scripts, environment and security context of the phase and runs as its account;
only a kubectl that writes its requests down goes before the real one on PATH. So a phase can be run
again with one right less, within seconds.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from . import lab

WRAPPER = r"""#!/bin/bash
exec 3>&1
REAL -v=6 "$@" 2>&1 >&3 3>&- | while IFS= read -r line; do
  case $line in
    [IWE][0-9][0-9][0-9][0-9]\ *.go:*) printf '%s\n' "$line" >>/trace/log ;;
    *) printf '%s\n' "$line" >&2 ;;
  esac
done
exit "${PIPESTATUS[0]}"
"""
PROLOGUE = r"""
printf 'SEEN user %s\n' "$(id -u)"
sed -n -E 's/^(NoNewPrivs|Seccomp|CapEff):\s*/SEEN \1 /p' /proc/self/status
touch /written 2>/dev/null && echo 'SEEN root writable' || echo 'SEEN root read-only'
mkdir /trace/bin && printf '%s' "$WRAPPER" | sed "s,REAL,$(command -v kubectl)," >/trace/bin/kubectl
chmod +x /trace/bin/kubectl && touch /trace/log
PATH=/trace/bin:$PATH ${LIMIT:+timeout "$LIMIT"} "$@"
status=$?
sed 's/^/REQUEST /' /trace/log
exit "$status"
"""
METHODS = {"POST": "create", "PUT": "update", "PATCH": "patch"}
REQUEST = re.compile(
    r"\] (?P<method>[A-Z]+) (?P<url>https://\S+) (?P<status>\d{3})\b"  # to kubectl 1.32
    r'|verb="(?P<method2>[A-Z]+)" url="(?P<url2>[^"]+)" status="(?P<status2>\d{3})'
)
PATH = re.compile(
    r"/(?:api/v1|apis/(?P<group>[^/]+)/[^/]+)/namespaces/(?P<namespace>[^/]+)"
    r"/(?P<resource>[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<subresource>[^/]+))?)?$"
)


@dataclass(frozen=True, order=True)
class Grant:
    """A verb on a resource, as a Role grants it or a request needs it."""

    namespace: str
    group: str
    resource: str
    """With its subresource after a slash."""
    verb: str
    names: tuple[str, ...] = ()

    def covers(self, request: Grant) -> bool:
        mine = (self.namespace, self.group, self.resource, self.verb)
        theirs = (request.namespace, request.group, request.resource, request.verb)
        return mine == theirs and (not self.names or set(request.names) <= set(self.names))

    def __str__(self) -> str:
        names = " ".join(self.names) or "*"
        return f"{self.verb} {self.resource} {names} in {self.namespace}"


@dataclass(frozen=True)
class Answer:
    """A request that was made, and the status of its answer."""

    request: Grant
    status: int


@dataclass(frozen=True)
class Run:
    """How the pod of a phase ended."""

    exit_code: int
    log: str
    """What the phase printed."""
    seen: tuple[str, ...]
    """What the pod found out about its own confinement."""
    answers: tuple[Answer, ...]

    def requests(self) -> set[Grant]:
        """What was asked for and granted."""
        return {answer.request for answer in self.answers if answer.status < 300}

    def refused(self) -> set[Grant]:
        return {answer.request for answer in self.answers if answer.status == 403}


@dataclass(frozen=True)
class Task:
    """A phase: the specification of its pod, as Kanister would make it from the arguments."""

    name: str
    account: str
    spec: dict

    def run(self, namespace: str, values: Mapping[str, str], limit: int = 0) -> Run:
        """Run it with values in place of templates and of what is to be otherwise.

        After `limit` seconds, where there is one, it is ended with the code of `timeout`, 124.
        """
        name = f"phase-{self.name.lower()}-{uuid.uuid4().hex[:6]}"
        spec = json.loads(json.dumps(self.spec))
        container = spec["containers"][0]
        command = [_replaced(word, values) for word in container["command"]]
        container["command"] = ["bash", "-c", PROLOGUE, "traced", *command]
        container["env"] = [
            *({**one, **_told(one["name"], values)} for one in container["env"]),
            {"name": "WRAPPER", "value": WRAPPER},
            {"name": "LIMIT", "value": str(limit or "")},
        ]
        container["volumeMounts"].append({"name": "trace", "mountPath": "/trace"})
        spec["volumes"].append({"name": "trace", "emptyDir": {}})
        spec["restartPolicy"] = "Never"
        spec["terminationGracePeriodSeconds"] = 1
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
        where = ("-n", namespace)
        lab.kubectl("create", "-f", "-", *where, stdin=json.dumps(pod))
        try:
            lab.wait_until(f"{name} has ended", lambda: _ended(name, namespace), 900)
            log = lab.kubectl("logs", name, *where)
            code = _ended(name, namespace)["exitCode"]
        finally:
            lab.kubectl("delete", "pod", name, *where, "--wait=false")
        lines = log.splitlines()
        return Run(
            code,
            "\n".join(line for line in lines if not line.startswith(("SEEN ", "REQUEST "))),
            tuple(line[5:] for line in lines if line.startswith("SEEN ")),
            tuple(_answers(line for line in lines if line.startswith("REQUEST "))),
        )


def tasks(blueprint: dict) -> Iterator[tuple[str, Task]]:
    """Yield action and phase of all phases of a Blueprint."""
    for action, body in blueprint["actions"].items():
        for phase in [*body["phases"], body.get("deferPhase")]:
            if phase:
                args = phase["args"]
                override = args["podOverride"]
                container = {
                    **override["containers"][0],
                    "image": args["image"],
                    "command": args["command"],
                }
                spec = {**override, "containers": [container]}
                yield action, Task(phase["name"], override["serviceAccountName"], spec)


def grants(role: dict) -> Iterator[tuple[int, Grant]]:
    """Yield the number of the rule and each single verb of a Role."""
    for number, rule in enumerate(role["rules"]):
        for verb in rule["verbs"]:
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    names = tuple(rule.get("resourceNames", ()))
                    namespace = role["metadata"]["namespace"]
                    yield number, Grant(namespace, group, resource, verb, names)


def without(role: dict, number: int, verb: str) -> list[dict]:
    """Return the rules of a Role, one verb of one of them left out."""
    rules = [dict(rule) for rule in role["rules"]]
    rules[number]["verbs"] = [v for v in rules[number]["verbs"] if v != verb]
    return [rule for rule in rules if rule["verbs"]]


def _ended(name: str, namespace: str) -> dict:
    statuses = lab.get("pod", name, "-n", namespace)["status"].get("containerStatuses", [{}])
    return statuses[0].get("state", {}).get("terminated") or {}


def _replaced(word: str, values: Mapping[str, str]) -> str:
    key, equals, value = word.partition("=")
    if equals and key in values:
        return f"{key}={values[key]}"
    assert not equals or not key.isidentifier() or "{{" not in value, f"{word}: no value is known"
    return word


def _told(name: str, values: Mapping[str, str]) -> dict[str, str]:
    return {"value": values[name]} if name in values else {}


def _answers(lines: Iterable[str]) -> Iterator[Answer]:
    for line in lines:
        found = REQUEST.search(line)
        if not found:
            continue
        url = urlsplit(found["url"] or found["url2"])
        path = PATH.fullmatch(url.path)
        if path:  # all else is discovery and reviews
            name, below = path["name"], path["subresource"]
            verb = _verb(found["method"] or found["method2"], name, parse_qs(url.query))
            resource = f"{path['resource']}/{below}" if below else path["resource"]
            names = (name,) if name else ()
            grant = Grant(path["namespace"], path["group"] or "", resource, verb, names)
            yield Answer(grant, int(found["status"] or found["status2"]))


def _verb(method: str, name: str | None, query: Mapping[str, list[str]]) -> str:
    if method == "GET":
        watch = query.get("watch", [""])[0] in ("1", "true")
        return "watch" if watch else "get" if name else "list"
    if method == "DELETE":
        return "delete" if name else "deletecollection"
    return METHODS[method]
