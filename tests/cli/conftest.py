"""Fixtures of the commands: an API server with a healthy Kafka, and its broker."""

from __future__ import annotations

import pytest

from kanister_kafka.kube import exec as executing
from kanister_kafka.kube.exec import ExecResult
from tests.fakes.http_api import serving, write_kubeconfig


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Serve a healthy cluster to which the Blueprint is applied."""
    from tests.fakes.checked_server import NAMESPACE, CheckedServer  # slow to import

    with serving(CheckedServer()) as server:
        path = tmp_path / "config"
        write_kubeconfig(path, server.url, namespace=NAMESPACE)
        monkeypatch.setenv("KUBECONFIG", str(path))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        server.fill()
        yield server


@pytest.fixture
def broker(monkeypatch):
    """Answer for the broker: every replica is in sync."""
    asked = []

    def run(pod, namespace, _command, **more):
        asked.append((pod, namespace, more))
        return ExecResult(0, "", "")

    monkeypatch.setattr(executing, "exec_in_pod", run)
    return asked
