"""Who runs Kafka: from the manifests to a Blueprint that is on the cluster, and away again."""

from __future__ import annotations

import json

import pytest

from tests.fakes.api_server import running

from .conftest import User

BLUEPRINT = """\
apiVersion: cr.kanister.io/v1alpha1
kind: Blueprint
metadata: {name: dump, namespace: kasten-io}
actions:
  backup:
    phases:
    - func: KubeTask
      name: dump
      args:
        image: registry.example.com/tools:latest
        namespace: "{{ .Deployment.Namespace }}"
        comand: [bash, -o, errexit, -c, "mysqldump --all-databases | gzip >/backup/dump.gz"]
"""


def test_from_manifests_to_files_that_stay_fresh(user: User) -> None:
    user.copy("mirror-maker-2", "kafka")
    plan = user.run("plan", "-f", "kafka")
    for part in ("KafkaMirrorMaker2 kafka-tools/mirror", "KafkaConnect kafka-backup/sink"):
        assert part in plan.stdout
    request = user.run("plan", "-f", "kafka", "-o", "markdown").stdout
    assert "it stops 6 nodes and 3 writers" in request

    made = ("render", "-f", "kafka", "--output-dir", "out")
    first = user.run(*made, "--kasten", "policy").stderr
    assert "wrote out/policy-kafka-backup.backup.yaml" in first
    assert "no problem" in user.run("validate", "out").stderr
    assert "no problem" in user.run("policy", "lint", "out", "kafka").stderr
    user.run(*made, "--kasten", "policy", "--check")

    # The Policy is written elsewhere from now on: nothing of the former one stays.
    user.run(*made, "--check", code=1)
    user.run(*made)
    user.run(*made, "--check")
    assert not list((user.home / "out").glob("policy-*"))

    # Somebody changes the cluster, and the check in CI says that the files are stale.
    user.edit("kafka/kafka.yaml", "name: broker\n", "name: storage\n")
    stale = user.run(*made, "--check", code=1)
    assert "the same command without --check writes 4 anew" in stale.stderr
    user.run(*made)
    user.run(*made, "--check")


def test_a_blueprint_of_ones_own_is_put_right_finding_by_finding(user: User) -> None:
    (user.home / "dump.yaml").write_text(BLUEPRINT)
    report = json.loads(user.run("validate", "dump.yaml", "--format", "json", code=1).stdout)
    found = {one["check"] for one in report}
    assert {"unknown-argument", "missing-argument", "pipeline-failure"} & found, found
    for check in sorted(found):
        assert f"{check} (" in user.run("explain", check).stdout
    user.edit("dump.yaml", "comand", "command")
    user.edit("dump.yaml", "errexit, -c", "errexit, -o, pipefail, -c")
    user.edit("dump.yaml", ":latest", ":1.4.2")
    assert "no problem" in user.run("validate", "dump.yaml", "--fail-on", "warning").stderr


def test_on_the_cluster_and_away_again(
    user: User, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    user.copy("kraft-separate-pools", "kafka")
    folder = tmp_path_factory.mktemp("cluster")
    with running(folder, monkeypatch) as server:
        user.environment["KUBECONFIG"] = str(folder / "kubeconfig")
        assert "created (dry run)" in user.run("apply", "-f", "kafka", "--dry-run").stdout
        assert server.objects == {}
        user.run("apply", "-f", "kafka", "--diff", code=1)
        user.run("apply", "-f", "kafka")
        user.run("apply", "-f", "kafka", "--diff")
        assert (
            "is for rendering" in user.run("delete", "-f", "kafka", "--image", "a", code=2).stderr
        )
        user.run("delete", "-f", "kafka")
        assert server.objects == {}
