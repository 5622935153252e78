"""How pods fit into a namespace: what is read, what is refused, and where it arrives."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

import click
import pytest
import yaml

from kanister_kafka import BackupPlan, Options, build_plan, load, read_cluster, render
from kanister_kafka.cli.options import pod_options_from, with_suitable_image
from kanister_kafka.gotemplate import parse
from kanister_kafka.gotemplate.runtime import evaluate
from kanister_kafka.gotemplate.runtime.values import GoMap
from kanister_kafka.kanister.template_context import KANISTER
from kanister_kafka.kanister.template_functions import TEMPLATE_FUNCTIONS
from kanister_kafka.kube.pod_options import (
    DEFAULT_IMAGE,
    MAX_SKEW,
    TAGS,
    TAGS_DATE,
    PodOptions,
    Toleration,
    image_for,
    minor_of_client,
    minor_of_image,
    minor_of_server,
    parse_resources,
    parse_toleration,
    quantity,
)
from kanister_kafka.linter import LintSettings
from kanister_kafka.linter.pipeline import validate_loaded
from kanister_kafka.topics.job import OF_A_JOB
from tests.conftest import ROOT

ALL = {
    "pod_labels": (("team", "a"),),
    "pod_annotations": (("note", "b: c"),),
    "image_pull_secrets": ("registry",),
    "tolerations": ("dedicated=kafka:NoSchedule", "spot", "x=:NoExecute"),
    "node_selector": (("pool", "on"),),
    "priority_class": "high",
    "requests": (("cpu", "1"),),
    "pod_limits": (("memory", "1Gi"),),
}
SPEC = {
    "imagePullSecrets": [{"name": "registry"}],
    "tolerations": [
        {"key": "dedicated", "operator": "Equal", "value": "kafka", "effect": "NoSchedule"},
        {"key": "spot", "operator": "Exists"},
        {"key": "x", "operator": "Equal", "effect": "NoExecute"},
    ],
    "nodeSelector": {"pool": "on"},
    "priorityClassName": "high",
}
RESOURCES = {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}}


def plan_of(**choices: Any) -> BackupPlan:
    reading = read_cluster(load([ROOT / "examples" / "kraft-separate-pools"]).documents)
    assert reading.cluster is not None
    return build_plan(reading.cluster, Options(**choices), reading.problems)


def rendered(**choices: Any) -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {}
    for manifest in render(plan_of(**choices)):
        found.setdefault(manifest.kind, []).append(yaml.safe_load(manifest.text))
    return found


def arguments(found: dict[str, list[dict]]) -> list[dict]:
    (blueprint,) = found["Blueprint"]
    actions = blueprint["actions"].values()
    phases = [p for a in actions for p in (*a["phases"], a.get("deferPhase")) if p]
    return [phase["args"] for phase in phases]


def switch(found: dict[str, list[dict]]) -> dict:
    return found["Deployment"][0]["spec"]["template"]


def test_no_mesh_adds_a_container_by_default() -> None:
    found = rendered()
    for args in arguments(found):
        assert args["podLabels"] == {"sidecar.istio.io/inject": "false"}
        assert args["podAnnotations"] == {"linkerd.io/inject": "disabled"}
        assert args["podOverride"]["containers"][0]["resources"] == {
            "requests": {"cpu": "100m", "memory": "64Mi"}
        }
        assert not set(SPEC) & set(args["podOverride"])
    metadata = switch(found)["metadata"]
    assert metadata["labels"]["sidecar.istio.io/inject"] == "false"
    assert metadata["annotations"] == {"linkerd.io/inject": "disabled"}
    assert not [one for one in found["ServiceAccount"] if "imagePullSecrets" in one]


def test_every_step_and_the_switch_have_it_all() -> None:
    found = rendered(**ALL)
    for args in arguments(found):
        assert args["podLabels"] == {"team": "a"}
        assert args["podAnnotations"] == {"note": "b: c"}
        override = args["podOverride"]
        assert {key: override[key] for key in SPEC} == SPEC
        assert override["containers"][0]["resources"] == RESOURCES
    template = switch(found)
    assert template["metadata"]["labels"]["team"] == "a"
    assert template["metadata"]["annotations"] == {"note": "b: c"}
    assert {key: template["spec"][key] for key in SPEC} == SPEC
    assert template["spec"]["containers"][0]["resources"] == RESOURCES
    secrets = [one["imagePullSecrets"] for one in found["ServiceAccount"]]
    assert secrets == [[{"name": "registry"}]] * len(plan_of().accounts)


@pytest.mark.parametrize("text", ["{{", "{{{", "{{{{ .Time }}}}", "a {{- b -}} c", "}} {"])
def test_braces_of_an_annotation_are_not_a_template(text: str) -> None:
    """Kanister runs every string of the arguments as a template, the Deployment is none."""
    found = rendered(pod_annotations=(("note", text),))
    for args in arguments(found):
        written = args["podAnnotations"]["note"]
        parsed = parse(written, KANISTER)
        assert not parsed.errors
        assert evaluate(written, parsed.nodes, GoMap({}), TEMPLATE_FUNCTIONS).text == text
    assert switch(found)["metadata"]["annotations"]["note"] == text


def test_without_labels_older_kanister_takes_it() -> None:
    """KubeTask has podLabels and podAnnotations since 0.111."""
    messages = {}
    for labels in ((), (("a", "b"),)):
        manifests = render(plan_of(pod_labels=labels, pod_annotations=()))
        blueprint = next(one for one in manifests if one.kind == "Blueprint")
        problems = validate_loaded(blueprint.loaded, LintSettings(release="0.110")).problems
        messages[bool(labels)] = {p.rule for p in problems}
    assert messages == {False: set(), True: {"unknown-argument"}}


def test_without_requests_there_are_no_resources() -> None:
    for args in arguments(rendered(requests=())):
        assert "resources" not in args["podOverride"]["containers"][0]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a", Toleration("a", "Exists")),
        ("a:NoExecute", Toleration("a", "Exists", effect="NoExecute")),
        ("a.b/c=d", Toleration("a.b/c", "Equal", "d")),
        ("a=:NoSchedule", Toleration("a", "Equal", "", "NoSchedule")),
        ("", None),
        ("=b", None),
        (":NoSchedule", None),
        ("a:Never", None),
        ("a=b c", None),
        ("a=b=c", None),
        ("a b", None),
    ],
)
def test_toleration(text: str, found: Toleration | None) -> None:
    assert parse_toleration(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1", 1),
        ("100m", Fraction(1, 10)),
        ("0.5", Fraction(1, 2)),
        ("1k", 1000),
        ("1M", 10**6),
        ("64Mi", 64 * 2**20),
        ("2Ei", 2 * 2**60),
        ("", None),
        ("Mi", None),
        ("-1", None),
        ("1 Gi", None),
        ("1GB", None),
    ],
)
def test_quantity(text: str, found: int | None) -> None:
    assert quantity(text) == found


def test_resources_are_read_as_kubectl_set_resources_reads_them() -> None:
    assert parse_resources("cpu=1,memory=1Gi") == (("cpu", "1"), ("memory", "1Gi"))
    for wrong in ("cpu", "cpu=", "=1", "cpu=1,", ","):
        assert parse_resources(wrong) is None


@pytest.mark.parametrize(
    ("choices", "path"),
    [
        ({"pod_labels": (("strimzi.io/cluster", "a"),)}, "pod-label"),
        ({"pod_labels": (("kanister-kafka.io/switch", "a"),)}, "pod-label"),
        ({"pod_labels": (("a", "b c"),)}, "pod-label"),
        ({"pod_annotations": (("a b", "c"),)}, "pod-annotation"),
        ({"image_pull_secrets": ("A",)}, "image-pull-secret"),
        ({"tolerations": ("a:b",)}, "toleration"),
        ({"node_selector": (("a", "b c"),)}, "node-selector"),
        ({"priority_class": "A"}, "priority-class"),
        ({"requests": (("cpu", "x"),)}, "requests"),
        ({"pod_limits": (("c p u", "1"),)}, "limits"),
        ({"pod_limits": (("cpu", "99m"),)}, "limits"),
    ],
)
def test_what_no_pod_may_have_is_reported(choices: dict[str, Any], path: str) -> None:
    assert {problem.path for problem in Options(**choices).problems()} == {path}


LONG = "a" * 64
WRONG_KEYS = (LONG, f"a/{LONG}", "a..b/x", "-a/x", "a-/x", "A/x", "/x", f"{'a' * 254}/x")
RIGHT_KEYS = ("a" * 63, "A_b.c", f"{'a' * 253}/x", "a.b/x")


@pytest.mark.parametrize(
    ("field", "option"),
    [
        ("labels", "label"),
        ("annotations", "annotation"),
        ("pod_labels", "pod-label"),
        ("pod_annotations", "pod-annotation"),
        ("node_selector", "node-selector"),
    ],
)
def test_keys_follow_the_rules_of_kubernetes(field: str, option: str) -> None:
    for key in WRONG_KEYS:
        problems = Options(**{field: ((key, "x"),)}).problems()
        assert {problem.path for problem in problems} == {option}, key
    for key in RIGHT_KEYS:
        assert not Options(**{field: ((key, "x"),)}).problems(), key


@pytest.mark.parametrize(
    ("field", "option"),
    [("labels", "label"), ("pod_labels", "pod-label"), ("node_selector", "node-selector")],
)
def test_values_follow_the_rules_of_kubernetes(field: str, option: str) -> None:
    for value in (LONG, "-a", "a-", "a b", "a/b"):
        problems = Options(**{field: (("key", value),)}).problems()
        assert {problem.path for problem in problems} == {option}, value
    for value in ("", "a" * 63, "A_b.c"):
        assert not Options(**{field: (("key", value),)}).problems(), value


def test_tolerations_follow_the_rules_of_kubernetes() -> None:
    for key in WRONG_KEYS:
        assert parse_toleration(key) is None, key
        assert parse_toleration(f"{key}=x:NoSchedule") is None, key
    for key in RIGHT_KEYS:
        assert parse_toleration(key) is not None, key
    assert parse_toleration(f"key={LONG}") is None


def test_resources_have_the_names_of_kubernetes() -> None:
    assert {p.path for p in Options(requests=(("a..b/x", "1"),)).problems()} == {"requests"}


def test_pods_of_a_job_have_words_of_their_own() -> None:
    words: dict[str, Any] = {
        "pod_labels": ("none", ("a", "b")),
        "pod_annotations": (),
        "image_pull_secrets": ("r",),
        "tolerations": ("t",),
        "node_selector": (),
        "priority_class": "",
        "requests": "",
        "pod_limits": "memory=2Gi",
    }
    assert pod_options_from(OF_A_JOB, **words) == PodOptions(
        labels=(("a", "b"),),
        pull_secrets=("r",),
        tolerations=(Toleration("t", "Exists"),),
        requests=OF_A_JOB.requests,
        limits=(("memory", "2Gi"),),
    )
    for wrong in ({"tolerations": ("t:x",)}, {"requests": "cpu"}, {"requests": "memory=3Gi"}):
        with pytest.raises(click.BadParameter):
            pod_options_from(OF_A_JOB, **{**words, **wrong})


# kubectl beside the API server


@pytest.mark.parametrize("minor", range(20, 50))
def test_image_follows_the_server_as_far_as_tags_are_known(minor: int) -> None:
    image = image_for(minor)
    found = minor_of_image(image)
    assert found is not None
    if abs(34 - minor) <= MAX_SKEW:
        assert image == DEFAULT_IMAGE, "the one that files alone are rendered with"
    elif min(TAGS) - MAX_SKEW <= minor <= max(TAGS) + MAX_SKEW:
        assert abs(found - minor) <= MAX_SKEW
    else:
        assert image == DEFAULT_IMAGE


def test_tags_are_of_their_minor_version() -> None:
    assert all(tag.startswith(f"1.{minor}.") for minor, tag in TAGS.items())


def test_tags_cover_kubernetes_without_a_gap_and_are_not_old() -> None:
    assert list(TAGS) == [*range(25, max(TAGS) + 1)]
    age = datetime.now(timezone.utc).date() - TAGS_DATE
    assert timedelta() <= age < timedelta(days=183), "compare TAGS with the published tags"


def test_versions_are_read() -> None:
    assert minor_of_image("docker.io/alpine/k8s:1.34.11@sha256:abc") == 34
    assert minor_of_image("registry:5000/bitnami/kubectl:v1.30.2-r1") == 30
    for other in ("example.com/tools:1.34.1", "alpine/k8s", "alpine/k8s:latest"):
        assert minor_of_image(other) is None
    assert minor_of_client("Client Version: v1.34.1") == 34
    assert minor_of_client("bash: kubectl: not found") is None
    assert minor_of_server({"major": "1", "minor": "33+"}) == 33
    for strange in ({}, {"minor": ""}, [], None, {"minor": None}):
        assert minor_of_server(strange) is None


def test_image_that_was_given_stays() -> None:
    assert with_suitable_image(Options(), 31).image == image_for(31) != DEFAULT_IMAGE
    assert (
        with_suitable_image(Options(image="example.com/tools:1"), 31).image == "example.com/tools:1"
    )
    assert with_suitable_image(Options(), None) == Options()
    command = click.Command("render", params=[click.Option(["--image"])])
    with command.make_context("render", ["--image", DEFAULT_IMAGE]):
        assert with_suitable_image(Options(), 31).image == DEFAULT_IMAGE
