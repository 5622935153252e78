"""One command in a running container, over the API server's websocket."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from kanister_kafka.errors import (
    ForbiddenError,
    NotFoundError,
    TransientError,
    UnreachableError,
    one_line,
)
from kanister_kafka.kube.kubeconfig import access, connect, status_message

HANDSHAKES = {"403": ForbiddenError, "404": NotFoundError}
"""The client reports a refused websocket without a status, as `Handshake status 403 Forbidden`."""
LINES_OF_A_MESSAGE = 200


@dataclass(frozen=True, slots=True)
class ExecResult:
    """Output and exit code of a command in a container."""

    code: int | None
    """Its exit code; None if it was still running at the end of its time."""
    output: str
    errors: str


def check_exec() -> None:
    """Raise ForbiddenError if no command can be run in a pod by this client."""
    if access().user:  # the websocket of the client would ignore the impersonation
        raise ForbiddenError("with --as no command is run in a pod")


def exec_in_pod(
    pod: str,
    namespace: str,
    command: tuple[str, ...],
    *,
    context: str = "",
    container: str = "",
    seconds: float = 60,
    lines: tuple[str, ...] = (),
) -> ExecResult:
    """Run a command in a container without a terminal, and wait for it.

    `lines` and a last line `end` are its input. The protocol has no end of input, so without lines
    it gets none. A command that outlasts its time is left alone: bound it with `timeout` as well.
    Raises ForbiddenError, NotFoundError, TransientError, UnreachableError.
    """
    from kubernetes import client
    from kubernetes.stream import stream
    from websocket import WebSocketException

    check_exec()
    api, _namespace = connect(context)
    host = api.configuration.host.rpartition("@")[2]
    start = f"{host}: cannot run a command in pod {namespace}/{pod}"
    try:
        socket: Any = stream(
            # Its import costs a second, but nothing else is the same in all its releases.
            client.CoreV1Api(api).connect_get_namespaced_pod_exec,
            pod,
            namespace,
            container=container or None,
            command=list(command),
            stdin=bool(lines),
            stdout=True,
            stderr=True,
            tty=False,
            _preload_content=False,
        )
        for start_of in range(0, len(lines), LINES_OF_A_MESSAGE):
            part = lines[start_of : start_of + LINES_OF_A_MESSAGE]
            socket.write_stdin("".join(f"{line}\n" for line in part))
        if lines:
            socket.write_stdin("end\n")
        socket.run_forever(timeout=seconds)
        code = socket.returncode
        done = ExecResult(code, socket.read_stdout(timeout=0), socket.read_stderr(timeout=0))
        socket.close()
    except client.ApiException as failure:
        words = str(failure.reason)
        status = next((word for word in words.split() if word in HANDSHAKES), "")
        refusal = HANDSHAKES.get(status, UnreachableError)
        raise refusal(f"{start}: {_message(words) or status_message(failure)}") from failure
    except (OSError, WebSocketException) as failure:
        raise TransientError(f"{start}: {one_line(failure)}") from failure
    except (AttributeError, LookupError, TypeError, ValueError) as failure:
        raise UnreachableError(f"{start}: malformed credentials or answer") from failure
    return done


def _message(words: str) -> str:
    """Find the API server's own words in what the websocket library makes of a refusal."""
    match = re.search(r'"message":\s*("(?:[^"\\]|\\.)*")', words)
    try:
        return one_line(json.loads(match[1])) if match else ""
    except ValueError:
        return ""
