"""kubectl as the scripts see it: writes down each call, and answers what a test has told it.

It runs as a program of its own without site-packages (tests/fakes/script_runner.py), so it imports
nothing of ours. What kubectl does by itself, without a cluster, is done here as well.
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
import time

UNTIL = "(something is deleted)\n"
"""In the answer to a watch: what comes after it is shown when something was deleted since."""
CHUNK = 500
"""Objects in a part of a list. kubectl shows a watch each part as if it was one object."""
TYPE_CHECKING = False
if TYPE_CHECKING:  # it starts once for each call, so that each import counts
    from typing import Any


def documents(text: str) -> list[dict[str, Any]]:
    """Read JSON objects that follow each other; a List is taken apart."""
    found, at, decoder = [], 0, json.JSONDecoder()
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        one, at = decoder.raw_decode(text, at)
        found += one["items"] if one.get("kind") == "List" else [one]
    return found


def after(args: list[str], flag: str) -> str:
    return args[args.index(flag) + 1] if flag in args else ""


def names_of(args: list[str]) -> list[str]:
    """Names in `VERB RESOURCE NAME... -n`."""
    rest = args[2:]
    return rest[: next((i for i, word in enumerate(rest) if word.startswith("-")), len(rest))]


def _merged(target: Any, patch: Any) -> Any:
    """Merge as RFC 7386 says."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result


def encoded(text: str) -> str:
    """Return text as a Secret has it."""
    import base64

    return base64.b64encode(text.encode(errors="surrogateescape")).decode()


def parted(resource: str) -> tuple[str, str, str]:
    """Take `PLURAL[.VERSION].GROUP` apart."""
    plural, _, group = resource.partition(".")
    version, _, rest = group.partition(".")
    return (plural, version, rest) if re.fullmatch(r"v[0-9]+\w*", version) else (plural, "", group)


ALL = 'jsonpath={range .items[*]}{@}{"\\n"}{end}'
"""How a list is read as a line for each object."""


def lines_of(resource: str, names: list[str], namespace: str) -> str:
    """Return what kubectl prints of a list with `ALL`."""
    found = [json.dumps(object_of(resource, name, namespace)) for name in names]
    return "".join(f"{one}\n" for one in found)


def object_of(resource: str, name: str, namespace: str) -> dict[str, Any]:
    """Make an object as a cluster has it, with all that another one must not have."""
    plural, version, group = parted(resource)
    found: dict[str, Any] = {
        "apiVersion": f"{group}/{version or 'v1'}" if group else "v1",
        "kind": plural.removesuffix("s"),
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"strimzi.io/cluster": "kept"},
            "annotations": {"own": "kept", "kanister-kafka.io/restart-by": "2026-01-01T00:00:00Z"},
            "uid": "u",
            "resourceVersion": "1",
            "generation": 2,
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "managedFields": [{"manager": "m"}],
            "ownerReferences": [{"uid": "o"}],
            "finalizers": ["strimzi.io/topic-operator"],
        },
        "status": {"observedGeneration": 2},
    }
    if plural == "secrets":
        found["data"] = {"password": encoded(f"s3cr3t-of-{name}")}
    else:
        found["spec"] = {"of": name}
    return found


def _format(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _at(one: Any, path: str) -> Any:
    """Return what is at a path such as `.metadata.name`; dots within a key are escaped."""
    for key in re.split(r"(?<!\\)\.", path)[1:]:
        one = one.get(key.replace("\\.", ".")) if isinstance(one, dict) else None
    return one


def _json_path(template: str, one: Any) -> str:
    """Fill in a template of plain paths, `{@}` and strings."""

    def fill(match: re.Match[str]) -> str:
        inner = match[1]
        if inner.startswith('"'):
            return str(json.loads(inner))
        return _format(one if inner == "@" else _at(one, inner))

    return re.sub(r"\{([^}]*)\}", fill, template)


def _by_itself(args: list[str], text: str) -> str:
    call = " ".join(args)
    if "--local" in args:
        patch = json.loads(after(args, "-p"))
        found = [_merged(one, patch) for one in documents(text)]
        if after(args, "-o").startswith("jsonpath="):
            template = after(args, "-o").removeprefix("jsonpath=")
            return "".join(_json_path(template, one) for one in found)
        return "\n".join(json.dumps(one) for one in found)
    if call.startswith("create secret generic") and "--dry-run=client" in args:
        (source,) = (word for word in args if word.startswith("--from-file="))
        key = source.removeprefix("--from-file=").partition("=")[0]
        metadata = {"name": args[3], "namespace": after(args, "-n")}
        data = {key: encoded(text)}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
        return json.dumps(secret)
    if args[0] == "get" and after(args, "-o") == "json":
        items = [object_of(args[1], name, after(args, "-n")) for name in names_of(args)]
        return json.dumps(items[0] if len(items) == 1 else {"kind": "List", "items": items})
    if args[0] == "get" and after(args, "-o") in (ALL, 'jsonpath={@}{"\\n"}'):
        return lines_of(args[1], names_of(args), after(args, "-n"))
    if call == "get --raw /apis/kafka.strimzi.io":  # as Strimzi 0.49 to 0.51: v1 is preferred
        versions = [{"version": "v1"}, {"version": "v1beta2"}]
        return json.dumps({"versions": versions}, separators=(",", ":"))
    if args[0] == "create" and '"SelfSubjectAccessReview"' in text:
        return "true\n" * len(documents(text))
    return ""


OWN_STATE = "jsonpath={.metadata.resourceVersion}|{.data.state}|{.data.run}"


def _own_state(folder: str) -> str:
    """Return the state ConfigMap as the phases of one run have written it."""
    state = os.environ.get("FAKE_STATE", "quiescing")
    with open(f"{folder}/calls") as log:  # noqa: PTH123
        for args, _text in map(json.loads, log):
            if args[:2] == ["patch", "configmap"] and "-p" in args:
                state = json.loads(after(args, "-p")).get("data", {}).get("state", state)
    return f"7|{state}|{os.environ.get('RUN_ID', '')}"


def _wait_for_deletion(folder: str, out: str, before: int) -> None:
    """Print what is there, and wait until a workload of nodes is deleted or scaled."""
    sys.stdout.write(out)
    sys.stdout.flush()
    for _ in range(600):
        with open(f"{folder}/calls") as log:  # noqa: PTH123
            calls = [json.loads(line)[0] for line in log]
        later = [call for call in calls[before:] if call[0] in ("delete", "patch")]
        if any(call[1].startswith(("strimzipodsets", "statefulsets")) for call in later):
            return
        time.sleep(0.05)


def main() -> int:
    folder, args = os.environ["FAKE"], sys.argv[1:]
    call = " ".join(args)
    comes = "/dev/stdin" in call or "-f -" in call
    text = sys.stdin.buffer.read().decode(errors="surrogateescape") if comes else ""
    file = os.open(f"{folder}/calls", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, json.dumps([args, text]).encode() + b"\n")
    with open(f"{folder}/answers") as told:  # noqa: PTH123 - without pathlib it starts faster
        answers = json.load(told)
    for pattern, replies in answers:
        if re.search(pattern, call):
            with open(f"{folder}/calls") as log:  # noqa: PTH123
                seen = [" ".join(json.loads(line)[0]) for line in log]
            count = sum(bool(re.search(pattern, line)) for line in seen)
            code, out, err = replies[min(count, len(replies)) - 1]
            if "--watch" in args and UNTIL in out:
                out, _, rest = out.partition(UNTIL)
                if "--chunk-size=0" not in args and out.count("\n") > CHUNK:
                    out, rest = "ADDED  ||\n" * math.ceil(out.count("\n") / CHUNK), ""
                _wait_for_deletion(folder, out, len(seen))
                sys.stdout.write(rest)
                sys.stdout.flush()
                time.sleep(20)  # a watch stays open; whoever has opened it ends it
                return 0
            sys.stdout.write(out)
            sys.stderr.write(err)
            return int(code)
    is_own = args[:2] == ["get", "configmap"] and after(args, "-o") == OWN_STATE
    sys.stdout.write(_own_state(folder) if is_own else _by_itself(args, text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
