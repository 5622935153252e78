"""Waiting and retrying, by a clock that passes only while they sleep."""

from __future__ import annotations

import pytest

from kanister_kafka.errors import ConflictError, ForbiddenError, TransientError
from kanister_kafka.kube.pods import WaitReason, wait_for_phase, wait_reason
from kanister_kafka.kube.wait import Grace, poll, retry
from tests.fakes.fake_time import FakeTime


def answering(*answers):
    """Return each answer in turn, the last one again and again; raise those that are errors."""
    left = list(answers)

    def ask():
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask


def test_poll_outlasts_an_api_server_that_is_away():
    time = FakeTime()
    look = answering(None, TransientError("away"), 0, "there")
    assert poll(look, timeout=10, interval=2, clock=time.clock) == "there"
    assert time.slept == [2, 2, 2]


def test_poll_looks_once_more_when_the_time_is_over():
    time = FakeTime()
    assert poll(answering(None), timeout=4, interval=2, clock=time.clock) is None
    assert time.slept == [2, 2]


def test_poll_passes_other_errors_on():
    with pytest.raises(ForbiddenError):
        poll(answering(ForbiddenError("no")), timeout=4, interval=2, clock=FakeTime().clock)


@pytest.mark.parametrize(
    ("answers", "slept"),
    [(["a"], []), ([TransientError("x"), "a"], [1]), ([TransientError("x")] * 2 + ["a"], [1, 5])],
)
def test_retry_pauses_between_tries(answers, slept):
    time = FakeTime()
    assert retry(answering(*answers), (1, 5), clock=time.clock) == "a"
    assert time.slept == slept


def test_retry_raises_the_last_error_and_others_at_once():
    time = FakeTime()
    with pytest.raises(TransientError):
        retry(answering(TransientError("x")), (1, 5), clock=time.clock)
    with pytest.raises(ConflictError):
        retry(answering(ConflictError("x"), "a"), (1, 5), clock=time.clock)
    assert time.slept == [1, 5]


def test_a_complaint_that_ends_meanwhile_begins_anew():
    time = FakeTime()
    grace = Grace(10, time.clock)
    found = []
    for complains in (True, True, False, True, True, True):
        found.append(grace.is_over(complains=complains))
        time.sleep(6)
    assert found == [False, False, False, False, False, True]


def pod(phase="Pending", **state):
    waiting = {"image": "i:1", "state": {"waiting": state} if state else {}}
    return {"status": {"phase": phase, "containerStatuses": [waiting]}}


def test_a_container_that_only_starts_does_not_hide_the_one_that_cannot():
    found = pod(reason="ContainerCreating")
    found["status"]["containerStatuses"] += pod(reason="ErrImagePull")["status"][
        "containerStatuses"
    ]
    assert wait_reason(found) == WaitReason("ErrImagePull", "", "i:1")


@pytest.mark.parametrize(
    ("answers", "reached", "hopeless", "reason", "seconds"),
    [
        ([None, pod(), pod("Running")], True, False, "", 2),
        ([pod(reason="InvalidImageName")], False, True, "InvalidImageName", 0),
        ([pod(reason="ErrImagePull", message="no")], False, True, "ErrImagePull: no", 6),
        ([pod(reason="ErrImagePull"), pod()], False, False, "the pod is Pending", 20),
        ([None], False, False, "its pod was not created", 20),
        ([TransientError("away")], False, False, "away", 20),
    ],
    ids=["runs", "hopeless", "complains", "recovers", "none", "away"],
)
def test_wait_for_a_phase(answers, reached, hopeless, reason, seconds):
    time = FakeTime()
    begun = time.now
    done = wait_for_phase(
        answering(*answers),
        ("Running",),
        timeout=20,
        interval=1,
        complaints=("ErrImagePull",),
        grace=5,
        clock=time.clock,
    )
    assert (done.reached, done.hopeless, done.reason) == (reached, hopeless, reason)
    assert time.now - begun == seconds
