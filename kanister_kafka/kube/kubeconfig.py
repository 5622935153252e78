"""The way to an API server: which one, as whom, and what its refusals mean."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kanister_kafka.errors import UnreachableError, one_line

TIMEOUTS = (5.0, 30.0)
"""Seconds to connect, and to wait for each part of an answer."""


@dataclass(frozen=True, slots=True)
class ClusterAccess:
    """Options of the connection, except the context, for every API server of this process."""

    kubeconfig: str = ""
    """File; that of KUBECONFIG, or `~/.kube/config`, if it is empty."""
    user: str = ""
    """Whom to impersonate; no one if it is empty."""
    timeout: float = 0.0
    """Seconds for each part of an answer; those of TIMEOUTS if it is 0."""

    @property
    def timeouts(self) -> tuple[float, float]:
        """Seconds to connect, and to wait for each part of an answer."""
        if not self.timeout:
            return TIMEOUTS
        return min(TIMEOUTS[0], self.timeout), self.timeout


class _AccessChoice:
    """The choice for all threads of this process."""

    access = ClusterAccess()


def access() -> ClusterAccess:
    """Return how API servers are asked."""
    return _AccessChoice.access


def set_access(**choices: Any) -> None:
    """Change how API servers are asked from now on, by fields of Access."""
    _AccessChoice.access = replace(_AccessChoice.access, **choices)


def reset_access() -> None:
    """Ask API servers as if nothing had been chosen."""
    _AccessChoice.access = ClusterAccess()


def connect(context: str) -> tuple[Any, str]:
    """Return a client and the namespace of its context, chosen as kubectl does."""
    from kubernetes import client, config
    from urllib3.exceptions import HTTPError

    loading: Any = config.kube_config  # it lets through what its YAML, OIDC and HTTP raise
    foreign = (loading.yaml.YAMLError, loading.oauthlib.oauth2.OAuth2Error, HTTPError)
    places = access().kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
    configuration: Any = client.Configuration()
    configuration.retries = False  # else urllib3 tries thrice more and logs a warning each time
    try:
        namespace = _configure(config, configuration, places, context)
        api: Any = client.ApiClient(configuration)
        if access().user:
            api.set_default_header("Impersonate-User", access().user)
        return api, namespace
    except (config.ConfigException, client.ApiException, OSError, *foreign) as failure:
        raise UnreachableError(f"kubeconfig {places}: {one_line(failure)}") from failure
    except (AttributeError, LookupError, TypeError, ValueError) as failure:
        # The loader trusts the shape of the file, and an exception of Python may quote a
        # credential.
        raise UnreachableError(f"kubeconfig {places}: has not the shape of one") from failure


def contexts() -> tuple[str, ...]:
    """Return the names of the contexts of the kubeconfig; UnreachableError if there is none."""
    from kubernetes import config

    places = access().kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
    loading: Any = config.kube_config
    try:
        merged = loading.KubeConfigMerger(places).config
        return tuple(str(one["name"]) for one in merged.value["contexts"]) if merged else ()
    except (config.ConfigException, loading.yaml.YAMLError, OSError) as failure:
        raise UnreachableError(f"kubeconfig {places}: cannot be read") from failure
    except (AttributeError, LookupError, TypeError, ValueError) as failure:
        raise UnreachableError(f"kubeconfig {places}: has not the shape of one") from failure


def _configure(config: Any, configuration: Any, places: str, context: str) -> str:
    files = config.kube_config.KubeConfigMerger(places)
    chosen = context or access().kubeconfig
    if files.config is None and (chosen or "KUBERNETES_SERVICE_HOST" not in os.environ):
        raise config.ConfigException("does not exist")
    if files.config is None:  # in a pod
        config.load_incluster_config(configuration)
        token = Path(config.incluster_config.SERVICE_TOKEN_FILENAME)
        return token.with_name("namespace").read_text(encoding="utf-8").strip()
    loader = config.kube_config.KubeConfigLoader(
        files.config, context or None, config_base_path=None, config_persister=files.save_changes
    )
    loader.load_and_set(configuration)
    return str(loader.current_context["context"].get("namespace") or "default")


def status_message(failure: Any) -> str:
    """Return the one line that a refusal comes down to."""
    try:
        message = json.loads(failure.body)["message"]  # of a Status: names user, verb and resource
    except (LookupError, TypeError, ValueError):  # the answer of a proxy, for one
        message = failure.reason
    return one_line(message) + (f" (HTTP {failure.status})" if failure.status else "")
