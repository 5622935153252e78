"""With the real Kustomize: the examples, what a user sees who gets it wrong, and bases."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from kanister_kafka.backup.kustomization import rename
from kanister_kafka.cli import main
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.operations.object_names import find_names
from kanister_kafka.strimzi.discovery import KafkaRef
from tests.conftest import ROOT
from tests.fakes.cluster import serving
from tests.integrations.test_krm import COMPANIONS, KAFKA, LOADER

KUSTOMIZE = shutil.which("kustomize")
EXAMPLES = ROOT / "examples" / "kustomize"
PAGE = (ROOT / "docs" / "kustomize.md").read_text()
COMMAND = Path(sys.executable).parent
"""Where the command is that belongs to this very Python."""
needs_kustomize = pytest.mark.skipif(KUSTOMIZE is None, reason="kustomize is not on PATH")
Objects = list[dict[str, Any]]


def build(
    directory: Path, *words: str, path: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `kustomize build` as a user does, with the command on PATH."""
    first = f"{path}{os.pathsep}" if path else ""
    return subprocess.run(
        [KUSTOMIZE or "kustomize", "build", "--enable-alpha-plugins", *words, str(directory)],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": f"{first}{COMMAND}{os.pathsep}{os.environ['PATH']}"},
    )


def objects(text: str) -> Objects:
    return list(yaml.load_all(text, Loader=LOADER))


def names(found: Objects) -> list[tuple[str, str, str]]:
    return sorted(
        (one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"])
        for one in found
    )


def kinds(found: Objects) -> list[str]:
    return sorted(one["kind"] for one in found)


def built(directory: Path, *words: str, path: Path | None = None) -> Objects:
    done = build(directory, *words, path=path)
    assert (done.returncode, done.stderr) == (0, "")
    return objects(done.stdout)


OURS = ["Kafka", "KafkaNodePool", "KafkaNodePool", *COMPANIONS]


@needs_kustomize
def test_the_transformer_adds_to_the_build() -> None:
    found = built(EXAMPLES / "exec-transformer", "--enable-exec")
    assert kinds(found) == sorted([*OURS, "Policy"])
    kafka = next(one for one in found if one["kind"] == "Kafka")
    assert kafka == next(yaml.safe_load_all(KAFKA))


@needs_kustomize
def test_the_generator_makes_what_is_its_own() -> None:
    found = built(EXAMPLES / "generator", "--enable-exec")
    assert kinds(found) == sorted(COMPANIONS)
    (blueprint,) = (one for one in found if one["kind"] == "Blueprint")
    assert "from-europe" in str(blueprint)


@needs_kustomize
def test_the_container_runs_without_arguments_as_an_unprivileged_user(tmp_path: Path) -> None:
    """In place of an engine stands what runs the command and notes how it was called."""
    engine = tmp_path / "docker"
    engine.write_text('#!/bin/sh\necho "$*" >"$(dirname "$0")/words"\nexec kanister-kafka\n')
    engine.chmod(0o755)
    found = built(EXAMPLES / "container", path=tmp_path)
    assert kinds(found) == sorted([*OURS, "Policy"])
    words = (tmp_path / "words").read_text().split()
    config = yaml.safe_load((EXAMPLES / "container" / "kafka-blueprint.yaml").read_text())
    function = config["metadata"]["annotations"]["config.kubernetes.io/function"]
    assert words[-1] == yaml.safe_load(function)["container"]["image"]
    assert "--user nobody --security-opt=no-new-privileges" in " ".join(words)


def test_the_image_holds_all_that_an_installation_needs(tmp_path: Path) -> None:
    """No engine is here: what the Dockerfile copies is installed as it says."""
    dockerfile = (EXAMPLES / "container" / "Dockerfile").read_text()
    copied = [line.split()[1:] for line in re.findall(r"^COPY (?!--from).*", dockerfile, re.M)]
    for *sources, target in copied:
        for source in sources:
            there = tmp_path / "source" / (source if target == "./" else target)
            ignored = shutil.ignore_patterns("__pycache__")
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, there, ignore=ignored)
            else:
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, there)
    assert "pip install --no-cache-dir --disable-pip-version-check '.[topics]'" in dockerfile
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--target", str(tmp_path / "installed")),
            str(tmp_path / "source"),
        ],
        check=True,
        capture_output=True,
    )
    installed = tmp_path / "installed" / "kanister_kafka"
    for file in ROOT.glob("kanister_kafka/**/*.py"):
        assert (installed / file.relative_to(ROOT / "kanister_kafka")).exists()
    for file in ROOT.glob("templates/**/*.j2"):
        assert (installed / file.relative_to(ROOT)).exists()
    assert (installed / "docs" / "rules.md").exists()
    user = re.findall(r"^USER (\d+)", dockerfile, re.M)
    assert user[-1] != "0"
    assert dockerfile.rstrip().endswith('ENTRYPOINT ["kanister-kafka"]')


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    """A kustomization with the function over a base of its own."""
    shutil.copytree(EXAMPLES / "base", tmp_path / "base")
    shutil.copytree(EXAMPLES / "exec-transformer", tmp_path / "overlay")
    return tmp_path / "overlay"


def edit(file: Path, *changes: tuple[str, str]) -> None:
    text = file.read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    file.write_text(text)


WRONG = {
    "misspelt-option": (
        "overlay/kafka-blueprint.yaml",
        [("restartAfter:", "restartafter:")],
        "KafkaBlueprint/kafka-backup: error: spec.restartafter: unknown field; "
        'did you mean "restartAfter"? (unknown-field)',
    ),
    "wrong-value": (
        "overlay/kafka-blueprint.yaml",
        [("restartAfter: 45m", "restartAfter: soon")],
        'KafkaBlueprint/kafka-backup: error: spec.restartAfter: Invalid value: "soon": '
        "must be a duration such as 90s or 1m30s or never (wrong-type)",
    ),
    "no-kafka": (
        "base/kafka.yaml",
        [("kind: Kafka\n", "kind: KafkaTopic\n")],
        "KafkaBlueprint/kafka-backup: error: no kind: Kafka of group kafka.strimzi.io among the "
        "items, spec.paths and spec.resources (no-kafka)",
    ),
    "invalid-kafka": (
        "base/kafka.yaml",
        [("replicas: 3\n  roles: [broker]", "replicas: many\n  roles: [broker]")],
        'KafkaNodePool/shop/broker: error: spec.replicas: Invalid value: "many": must be an '
        "integer (wrong-type)",
    ),
    "no-such-kafka": (
        "overlay/kafka-blueprint.yaml",
        [("spec:\n", "spec:\n  cluster: invoices\n")],
        "Kafka/shop/orders: error: no Kafka invoices in the input, which has shop/orders "
        "(no-kafka)",
    ),
}


@needs_kustomize
@pytest.mark.parametrize(("file", "changes", "line"), WRONG.values(), ids=WRONG)
def test_who_builds_sees_one_clear_line(
    overlay: Path, file: str, changes: list[tuple[str, str]], line: str
) -> None:
    edit(overlay.parent / file, *changes)
    done = build(overlay, "--enable-exec")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [line, "Error: couldn't execute function: exit status 1 "]


@needs_kustomize
def test_two_kafkas_have_a_blueprint_each(overlay: Path) -> None:
    text = (overlay.parent / "base" / "kafka.yaml").read_text()
    (overlay / "second.yaml").write_text(text.replace("shop", "bank"))
    edit(overlay / "kustomization.yaml", ("  - ../base\n", "  - ../base\n  - second.yaml\n"))
    found = built(overlay, "--enable-exec")
    blueprints = [name for kind, _, name in names(found) if kind == "Blueprint"]
    assert blueprints == ["bank.orders", "shop.orders"]
    edit(overlay / "kafka-blueprint.yaml", ("spec:\n", "spec:\n  name: mine\n"))
    done = build(overlay, "--enable-exec")
    assert done.returncode == 1
    assert "would be made for Kafka shop/orders and for Kafka bank/orders" in done.stderr


@needs_kustomize
def test_namespace_and_prefix_of_the_build_are_seen(overlay: Path) -> None:
    """Transformers of Kustomize itself run before: the Blueprint is for what is applied."""
    edit(overlay / "kustomization.yaml", ("transformers:", "namespace: prod\ntransformers:"))
    found = built(overlay, "--enable-exec")
    assert ("Blueprint", "kasten-io", "prod.orders") in names(found)
    assert ("Kafka", "prod", "orders") in names(found)


@needs_kustomize
def test_kustomize_skips_the_function_without_enable_exec() -> None:
    assert kinds(built(EXAMPLES / "exec-transformer")) == sorted(OURS[:3])
    assert "Do not forget `--enable-exec`" in PAGE


@needs_kustomize
def test_twice_in_one_build_is_once(overlay: Path) -> None:
    once = built(overlay, "--enable-exec")
    (overlay.parent / "again").mkdir()
    shutil.copy(overlay / "kafka-blueprint.yaml", overlay.parent / "again")
    (overlay.parent / "again" / "kustomization.yaml").write_text(
        "resources:\n- ../overlay\ntransformers:\n- kafka-blueprint.yaml\n"
    )
    assert built(overlay.parent / "again", "--enable-exec") == once


@needs_kustomize
def test_a_component_gives_it_to_many_builds(overlay: Path) -> None:
    edit(overlay / "kustomization.yaml", ("kind: Kustomization", "kind: Component"))
    edit(overlay / "kustomization.yaml", ("v1beta1", "v1alpha1"), ("resources:\n  - ../base\n", ""))
    (overlay.parent / "app").mkdir()
    app = overlay.parent / "app" / "kustomization.yaml"
    app.write_text("resources:\n- ../base\ncomponents:\n- ../overlay\n")
    found = built(overlay.parent / "app", "--enable-exec")
    assert kinds(found) == sorted([*OURS, "Policy"])


@needs_kustomize
def test_warnings_pass_and_the_build_goes_on(overlay: Path) -> None:
    edit(overlay.parent / "base" / "kafka.yaml", ("    version: 4.2.0\n", ""))
    done = build(overlay, "--enable-exec")
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("Kafka/shop/orders: warning: spec.kafka.version: ")
    assert kinds(objects(done.stdout)) == sorted([*OURS, "Policy"])


# A base.

RENDERED = [
    pytest.param(["--kasten", "policy"], id="policy"),
    pytest.param(["--engine", "kanister", "--kasten", "restore"], id="kanister"),
    pytest.param(["--strategy", "hot", "--label", "on=1e3", "--annotation", "a/b=y"], id="words"),
]


def render(*words: str) -> str:
    given = words if "-f" in words else ("-f", str(EXAMPLES / "base"), *words)
    result = CliRunner().invoke(main, ["render", *given])
    assert result.exit_code == 0, result.output
    return result.stdout


SCHEDULE = [
    *("--engine", "kanister", "--schedule", "0 3 * * *", "--keep-daily", "7"),
    *("--schedule-image", "example.com/kanister-kafka:1"),
    *("--verify-schedule", "0 5 * * 0", "--verify-into", "kk-verify"),
]
BY_CRON_JOB = pytest.param(SCHEDULE, id="cron-job")
SCHEDULED = pytest.param([*SCHEDULE, *("--export-profile", "s3")], id="schedule")


@needs_kustomize
@pytest.mark.parametrize("words", [*RENDERED, SCHEDULED])
def test_a_base_builds_to_what_render_prints(words: list[str], tmp_path: Path) -> None:
    render(*words, "-o", str(tmp_path / "base"), "--kustomization")
    found, expected = built(tmp_path / "base"), objects(render(*words))
    assert names(found) == names(expected)
    found, expected = [*map(started, found)], [*map(started, expected)]
    assert sorted(map(as_json, found)) == sorted(map(as_json, expected))


ONLY_IN_A_BASE = ("KEEP_ACCOUNT", "BLUEPRINT_NAME")


def started(one: dict[str, Any]) -> dict[str, Any]:
    """Put in what the kubelet does when it starts a pod: names from annotations."""
    one = json.loads(json.dumps(one))
    for notes, env, command in pods(one):
        values = {}
        for variable in env:
            path = variable.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath", "")
            if key := re.fullmatch(r"metadata\.annotations\['(.*)'\]", path):
                del variable["valueFrom"]
                values[variable["name"]] = variable["value"] = notes.pop(key[1])
        env[:] = [variable for variable in env if variable["name"] not in ONLY_IN_A_BASE]
        for name, value in values.items():
            command[:] = [word.replace(f"$({name})", value) for word in command]
    return one


def pods(one: dict[str, Any]) -> list[tuple[dict[str, Any], list[dict[str, Any]], list[str]]]:
    """Return annotations, environment and command of each pod that an object makes."""
    if one["kind"] == "Deployment":
        template = one["spec"]["template"]
        (container,) = template["spec"]["containers"]
        return [(template["metadata"]["annotations"], container["env"], container["command"])]
    if one["kind"] == "CronJob":
        template = one["spec"]["jobTemplate"]["spec"]["template"]
        (container,) = template["spec"]["containers"]
        env = container.pop("env", [])  # only in a base
        return [(template["metadata"]["annotations"], env, container["args"])]
    actions = one["actions"].values() if one["kind"] == "Blueprint" else ()
    all_args = [
        phase["args"]
        for action in actions
        for phase in (*action["phases"], action.get("deferPhase"))
        if phase
    ]
    return [
        (args["podAnnotations"], args["podOverride"]["containers"][0]["env"], args["command"])
        for args in all_args
    ]


def renamed(one: dict[str, Any], known: list[str], prefix: str, suffix: str) -> dict[str, Any]:
    """Give the objects of these names others, wherever a whole word names them.

    The Secret for the store has the name of an account, and is not rendered.
    """
    text = json.dumps(one)
    for name in sorted(known, key=len, reverse=True):
        text = re.sub(
            rf"(?<![\w./-])(?<!EXPORT_SECRET=){re.escape(name)}(?![\w./-])",
            f"{prefix}{name}{suffix}",
            text,
        )
    found: dict[str, Any] = json.loads(text)
    return found


EXPORTED = pytest.param(["--engine", "kanister", "--export-profile", "s3"], id="export")
ELSEWHERE = pytest.param(
    ["-f", str(ROOT / "examples" / "mirror-maker-2"), "--kasten", "binding", "--scripts", "own"],
    id="writers-elsewhere",
)


AFFIXES = [
    pytest.param("namePrefix: dev-", "dev-", "", id="prefix"),
    pytest.param("nameSuffix: -dev", "", "-dev", id="suffix"),
    pytest.param("namePrefix: a-\nnameSuffix: -b", "a-", "-b", id="both"),
]


@needs_kustomize
@pytest.mark.parametrize("words", [*RENDERED, ELSEWHERE, EXPORTED, BY_CRON_JOB])
@pytest.mark.parametrize(("lines", "prefix", "suffix"), AFFIXES)
def test_an_overlay_renames_all_that_names_an_object(
    words: list[str], lines: str, prefix: str, suffix: str, tmp_path: Path
) -> None:
    render(*words, "-o", str(tmp_path / "base"), "--kustomization")
    for folder, below in (("over", "base"), ("above", "over")):
        (tmp_path / folder).mkdir()
        text = f"resources: [../{below}]\n{lines}\n"
        (tmp_path / folder / "kustomization.yaml").write_text(text)
    printed = objects(render(*words))
    known = [one["metadata"]["name"] for one in printed]
    for folder, times in (("over", 1), ("above", 2)):
        expected = [started(renamed(one, known, prefix * times, suffix * times)) for one in printed]
        found = [started(one) for one in built(tmp_path / folder)]
        assert sorted(map(as_json, found)) == sorted(map(as_json, expected))


@needs_kustomize
@pytest.mark.parametrize("words", [*RENDERED, ELSEWHERE, EXPORTED, BY_CRON_JOB])
@pytest.mark.parametrize(("lines", "prefix", "suffix"), AFFIXES)
def test_what_check_compares_is_what_an_overlay_makes(
    words: list[str], lines: str, prefix: str, suffix: str, tmp_path: Path
) -> None:
    render(*words, "-o", str(tmp_path / "base"), "--kustomization")
    (tmp_path / "over").mkdir()
    (tmp_path / "over" / "kustomization.yaml").write_text(f"resources: [../base]\n{lines}\n")
    expected = rename(built(tmp_path / "base"), prefix, suffix)
    assert sorted(map(as_json, built(tmp_path / "over"))) == sorted(map(as_json, expected))


@needs_kustomize
def test_the_cron_jobs_of_an_overlay_name_their_blueprint_and_may_read_it(tmp_path: Path) -> None:
    render(*SCHEDULE, "-o", str(tmp_path / "base"), "--kustomization")
    (tmp_path / "over").mkdir()
    text = "resources: [../base]\nnamePrefix: dev-\n"
    (tmp_path / "over" / "kustomization.yaml").write_text(text)
    found = built(tmp_path / "over")
    for kind, own in (("backup", ["backups", "create"]), ("verify", ["verify", "latest"])):
        name = f"dev-orders-kanister-kafka-{kind}"
        (job,) = (started(one) for one in found if ("CronJob", "shop", name) == identity(one))
        (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        assert "--blueprint=dev-shop.orders" in container["args"]
        assert container["args"][:2] == own
        own_role = "Role", "kasten-io", f"dev-shop.orders-kanister-kafka-{kind}"
        (role,) = (one for one in found if identity(one) == own_role)
        named = {rule["resources"][0]: rule.get("resourceNames") for rule in role["rules"]}
        assert named == {"blueprints": ["dev-shop.orders"], "actionsets": None}
        (role,) = (one for one in found if identity(one) == ("Role", "shop", name))
        named = {rule["resources"][0]: rule.get("resourceNames") for rule in role["rules"]}
        assert named["configmaps"] == ["dev-orders-kanister-kafka"]


def identity(one: dict[str, Any]) -> tuple[str, str, str]:
    return one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]


@needs_kustomize
def test_the_commands_find_the_objects_of_an_overlay(
    tmp_path: Path, configure: Callable[[str], Path]
) -> None:
    render("--engine", "kanister", "-o", str(tmp_path / "base"), "--kustomization")
    for folder, below in (("over", "base"), ("above", "over")):
        (tmp_path / folder).mkdir()
        text = f"resources: [../{below}]\nnamePrefix: a-\nnameSuffix: -b\n"
        (tmp_path / folder / "kustomization.yaml").write_text(text)
    with serving() as cluster:
        configure(cluster.url)
        for item in built(tmp_path / "above"):
            if item["kind"] in ("Blueprint", "ConfigMap", "Deployment"):
                cluster.put(item)
        names = find_names(KubeClient(), KafkaRef("shop", "orders"))
        own = "orders-kanister-kafka"
        assert names.state_config_map == f"a-a-{own}-b-b"
        assert names.watchdog == f"a-a-{own}-switch-b-b"
        assert names.blueprint == "a-a-shop.orders-b-b"
        cluster.drop("blueprints", "kasten-io", names.blueprint)
        found = find_names(KubeClient(), KafkaRef("shop", "orders"))
        assert (found.state_config_map, found.watchdog) == (names.state_config_map, names.watchdog)


@needs_kustomize
def test_two_bases_of_a_namespace_need_scripts_of_their_own(tmp_path: Path) -> None:
    text = (EXAMPLES / "base" / "kafka.yaml").read_text().replace("orders", "billing")
    (tmp_path / "billing.yaml").write_text(text)
    (tmp_path / "both").mkdir()
    (tmp_path / "both" / "kustomization.yaml").write_text("resources: [../one, ../other]\n")
    for words, fits in ((["--scripts", "shared"], False), (["--scripts", "own"], True)):
        render(*words, "-o", str(tmp_path / "one"), "--kustomization")
        other = ["-f", str(tmp_path / "billing.yaml"), "-o", str(tmp_path / "other")]
        render(*words, *other, "--kustomization")
        done = build(tmp_path / "both")
        assert (done.returncode == 0) is fits
        assert fits or "already registered id: ConfigMap" in done.stderr


@needs_kustomize
def test_a_namespace_over_a_base_is_an_error(tmp_path: Path) -> None:
    render("-o", str(tmp_path / "base"), "--kustomization")
    (tmp_path / "above").mkdir()
    lines = "resources: [../base]\nnamespace: prod\n"
    (tmp_path / "above" / "kustomization.yaml").write_text(lines)
    done = build(tmp_path / "above")
    result = CliRunner().invoke(main, ["validate", "--kasten", "-"], input=done.stdout)
    assert result.exit_code == 1
    assert "(kasten-namespace)" in result.stdout


def test_an_admission_policy_is_not_for_a_base(tmp_path: Path) -> None:
    words = ["render", "-f", str(EXAMPLES / "base"), "-o", str(tmp_path), "--kustomization"]
    result = CliRunner().invoke(main, [*words, "--admission-policy"])
    assert result.exit_code == 2
    assert "names service accounts in CEL" in result.stderr
    assert not list(tmp_path.iterdir())


def as_json(one: dict[str, Any]) -> str:
    return json.dumps(one, sort_keys=True)


@needs_kustomize
def test_a_base_does_not_start_a_restore(tmp_path: Path) -> None:
    words = ["--kasten", "restore", "--restore-point", "rp", "-o", str(tmp_path)]
    render(*words, "--kustomization")
    assert (tmp_path / "restoreaction-shop.orders.yaml").exists()
    assert "RestoreAction" not in kinds(built(tmp_path))
    assert "TransformSet" in kinds(built(tmp_path))


def test_a_base_lists_its_files_sorted_and_leaves_others_alone(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    for _ in range(2):
        render("-o", str(tmp_path), "--kustomization")
        made = yaml.safe_load((tmp_path / "kustomization.yaml").read_text())
        assert made["resources"] == sorted(
            path.name for path in tmp_path.glob("*.yaml") if not path.name.startswith("kustom")
        )
        assert len(made["resources"]) == len(COMPANIONS)
    assert (tmp_path / "note.txt").read_text() == "mine"


@needs_kustomize
def test_a_base_of_two_blueprints_has_both(tmp_path: Path) -> None:
    def blueprints() -> list[str]:
        return sorted(
            one["metadata"]["name"] for one in built(tmp_path) if one["kind"] == "Blueprint"
        )

    words = ["-o", str(tmp_path), "--kustomization"]
    render(*words)
    hot = [*words, "--strategy", "hot"]
    render(*hot)
    assert blueprints() == ["shop.orders", "shop.orders.hot"]
    for again in (words, hot):
        render(*again, "--check")
    (tmp_path / "kustomization.yaml").write_text(
        (tmp_path / "kustomization.yaml").read_text() + "namePrefix: x-\n"
    )
    accounts = {
        phase["args"]["podOverride"]["serviceAccountName"]
        for one in built(tmp_path)
        if one["kind"] == "Blueprint"
        for action in one["actions"].values()
        for phase in action["phases"]
    }
    assert all(name.startswith("x-") for name in accounts)
    (tmp_path / "blueprint-shop.orders.yaml").unlink()
    render(*hot)
    assert blueprints() == ["shop.orders.hot"]


def conflict(listed: Path) -> None:
    text = listed.read_text()
    assert text.count("resources:\n") == 1
    marks = "resources:\n<<<<<<< HEAD\n=======\n>>>>>>> x\n"
    listed.write_text(text.replace("resources:\n", marks))


def lead_elsewhere(listed: Path) -> None:
    listed.symlink_to(listed.rename(listed.with_name("elsewhere")))


def break_link_target(listed: Path) -> None:
    listed.unlink()
    listed.symlink_to("nowhere")


def empty(listed: Path) -> None:
    listed.write_text(listed.read_text().partition("apiVersion")[0])


def of_another_type(listed: Path) -> None:
    listed.write_text(listed.read_text().replace("resources:\n", "resources: x\nothers:\n"))


def conflict_in_another(listed: Path) -> None:
    conflict_at = listed.with_name("blueprint-kafka.other.yaml")
    conflict_at.write_text(f"<<<<<<< HEAD\n{conflict_at.read_text()}")


def another_leads_elsewhere(listed: Path) -> None:
    lead_elsewhere(listed.with_name("blueprint-kafka.other.yaml"))


SPOILED_LISTS = [
    conflict,
    lead_elsewhere,
    break_link_target,
    empty,
    of_another_type,
    conflict_in_another,
    another_leads_elsewhere,
]


@pytest.mark.parametrize("spoil", SPOILED_LISTS)
def test_a_base_whose_list_cannot_be_read_keeps_the_other_kafkas(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    text = (ROOT / "examples" / "kraft-combined" / "kafka.yaml").read_text()
    base = tmp_path / "base"
    commands = []
    for name in ("my-cluster", "other"):
        (tmp_path / f"{name}.yaml").write_text(text.replace("my-cluster", name))
        words = ("-f", str(tmp_path / f"{name}.yaml"), "--output-dir", str(base), "--kustomization")
        render(*words)
        commands.append(words)
    spoil(base / "kustomization.yaml")
    before = {path: path.is_symlink() or path.read_bytes() for path in base.iterdir()}
    result = CliRunner().invoke(main, ["render", *commands[0]])
    assert (result.exit_code, result.stdout) == (2, "")
    assert str(base) in result.stderr
    assert {path: path.is_symlink() or path.read_bytes() for path in base.iterdir()} == before


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
def test_a_kustomization_of_another_owner_is_not_replaced(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("resources: [mine.yaml]\n")
    words = ["render", "-f", str(EXAMPLES / "base"), "-o", str(tmp_path), "--kustomization"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert str(tmp_path / name) in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "resources: [mine.yaml]\n"


def test_a_kustomization_needs_a_directory() -> None:
    words = ["render", "-f", str(EXAMPLES / "base"), "--kustomization"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert "--kustomization needs --output" in result.stderr


KUBECONFORM = shutil.which("kubeconform")


@pytest.mark.skipif(KUBECONFORM is None, reason="kubeconform is not on PATH")
@pytest.mark.parametrize("is_right", [True, False], ids=["right", "wrong"])
def test_kubeconform_checks_a_configuration_by_our_schema(
    tmp_path: Path,
    is_right: bool,  # noqa: FBT001
) -> None:
    schema = CliRunner().invoke(main, ["schema", "--kind", "KafkaBlueprint"]).stdout
    (tmp_path / "kafkablueprint.json").write_text(schema)
    config = tmp_path / "kafka-blueprint.yaml"
    shutil.copy(EXAMPLES / "exec-transformer" / "kafka-blueprint.yaml", config)
    if not is_right:
        edit(config, ("restartAfter", "restartafter"))
    location = str(tmp_path / "{{.ResourceKind}}.json")
    done = subprocess.run(
        [KUBECONFORM or "", "-strict", "-schema-location", location, str(config)],
        capture_output=True,
        text=True,
    )
    assert (done.returncode == 0) == is_right, done.stdout


@needs_kustomize
@pytest.mark.skipif(KUBECONFORM is None, reason="kubeconform is not on PATH")
@pytest.mark.parametrize("block", re.findall(r"```sh\n(.*?)```", PAGE, re.S))
def test_commands_of_the_page_run(block: str, tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{COMMAND}{os.pathsep}{os.environ['PATH']}"},
    )
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr.replace("0 errors", "")


@needs_kustomize
def test_configuration_of_the_page_builds(overlay: Path) -> None:
    config, kustomization = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    (overlay / "kafka-blueprint.yaml").write_text(config)
    (overlay / "kustomization.yaml").write_text(kustomization)
    assert kinds(built(overlay, "--enable-exec")) == sorted([*OURS, "Policy"])


def test_the_page_shows_a_line_that_is_tested() -> None:
    assert WRONG["misspelt-option"][2] in PAGE


@needs_kustomize
def test_the_overlay_above_that_the_page_warns_of_is_an_error(overlay: Path) -> None:
    (overlay.parent / "above").mkdir()
    (overlay.parent / "above" / "kustomization.yaml").write_text(
        "resources:\n- ../overlay\nnamespace: prod\n"
    )
    done = build(overlay.parent / "above", "--enable-exec")
    result = CliRunner().invoke(main, ["validate", "--kasten", "-"], input=done.stdout)
    assert result.exit_code == 1
    assert "(kasten-namespace)" in result.stdout
