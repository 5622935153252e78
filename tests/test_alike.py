"""What is taken for sound because it is like what was validated, and what is not."""

from __future__ import annotations

from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kanister_kafka as kk
from kanister_kafka.alike import Sound, likeness_of, names_of
from kanister_kafka.errors import InternalError, TemplateError
from kanister_kafka.plan.origin import input_hash

from . import fleets

NAME = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
TEXT = st.text(st.sampled_from("ab-1: \n"), max_size=30)
render = import_module("kanister_kafka.render")


def planned(number: int, **options: object) -> kk.Plan:
    text = fleets.cluster(number)
    reading = kk.read(kk.loads(text, f"{number}.yaml").documents)
    assert reading.cluster is not None
    return kk.build(reading.cluster, kk.Options(**options), reading.problems)


def kind(plan: kk.Plan) -> bytes | None:
    texts = [manifest.text for manifest in kk.render(plan)]
    return likeness_of(texts, (*names_of(plan), input_hash(plan)))


def test_clusters_of_one_making_are_alike():
    first, second = planned(11), planned(19)
    assert first.cluster.writers
    assert kind(first) == kind(second) is not None


def test_another_choice_is_not_alike():
    assert kind(planned(11)) != kind(planned(19, restart_after=7200))


def test_a_name_of_another_length_is_not_alike():
    assert kind(planned(11)) != kind(planned(107))


@pytest.mark.parametrize("other", ["kafka.b", "4afka-b", "kafkaab-"])
def test_a_name_of_another_outline_is_not_alike(other):
    name = "kafka-b"
    assert likeness_of([f"name: {name}"], [name]) != likeness_of([f"name: {other}"], [other])


def test_a_name_that_is_a_word_of_ours_is_not_alike():
    """`kafka` stands in places where no other name would."""
    text = "kafka.strimzi.io/{}"
    assert likeness_of([text.format("kafka")], ["kafka"]) != likeness_of(
        [text.format("corfu")], ["corfu"]
    )


def test_a_name_that_is_a_part_of_another_is_its_own():
    def of(home: str, name: str) -> bytes | None:
        return likeness_of([f"{home}/{name} {home}"], [home, name])

    assert of("kafka", "kafka-b") == of("corfu", "corfu-b") == of("kafka", "corfu-b")
    assert of("kafka", "kafka-b") != likeness_of(["kafka/kafka-c kafka"], ["kafka", "kafka-b"])


@pytest.mark.parametrize("text", ["\0", "\1", "\2"])
def test_what_looks_like_a_gap_is_told_of_nothing(text):
    assert likeness_of([text], ["kafka"]) is None
    assert likeness_of(["kafka"], [f"kafka{text}"]) is None


def test_texts_are_kept_apart():
    assert likeness_of(["a", "b"], ["x"]) != likeness_of(["ab"], ["x"])


@given(st.lists(TEXT, min_size=1, max_size=3), NAME, NAME, st.integers(-1, 30))
def test_alike_is_one_text_with_the_other_name(some, one, other, at):
    """Where two are alike, either is the other with its name replaced: nothing else differs."""
    some[0] += one
    others = [text.replace(one, other) for text in some]
    if at >= 0:
        others[-1] = others[-1][:at] + "a" + others[-1][at + 1 :]
    if likeness_of(some, [one]) == likeness_of(others, [other]):
        assert [text.replace(one, other) for text in some] == others
        assert [text.replace(other, one) for text in others] == some


def test_few_are_remembered(monkeypatch):
    monkeypatch.setattr("kanister_kafka.alike.MOST", 3)
    sound = Sound()
    for number in range(10):
        sound.add(b"%d" % number)
        assert b"%d" % number in sound
    assert sum(b"%d" % number in sound for number in range(10)) <= 3


@pytest.fixture
def counted(monkeypatch):
    """How often something was validated, from nothing remembered."""
    told = []
    ours = render.validate_texts

    def validate(texts, *words, **more):
        told.append(tuple(texts))
        return ours(texts, *words, **more)

    monkeypatch.setattr(render, "_SOUND", Sound())
    monkeypatch.setattr(render, "validate_texts", validate)
    return told


def test_alike_is_validated_once(counted):
    for number in (11, 19, 27):
        kk.render(planned(number))
    assert len(counted) == 1


def test_all_that_is_taken_for_sound_is_sound():
    """For every shape of a fleet: what was not validated has no fault when it is."""
    for number in range(2 * len(fleets.SHAPES)):
        manifests = kk.render(planned(number + 10))
        texts = {manifest.file_name: manifest.text for manifest in manifests}
        found = render.validate_texts(texts, least=kk.Severity.ERROR)
        assert not found


def test_what_is_not_sound_is_never_remembered(counted, tmp_path):
    (tmp_path / "configmap.yaml.j2").write_text("apiVersion: v1\nkind: [\n")
    for number in (11, 19, 19):
        with pytest.raises(TemplateError, match="is not valid"):
            kk.render(planned(number), tmp_path)
    assert len(counted) == 3


@pytest.mark.usefixtures("counted")
def test_a_site_template_that_minds_a_name_is_validated(tmp_path):
    """One cluster's text is broken by its name alone."""
    spelled = (
        render.Path(kk.__file__).parent.parent / "templates" / "configmap.yaml.j2"
    ).read_text()
    odd = "<% if plan.cluster.name == 'cluster-24' %>kind: Other\n<% endif %>"
    (tmp_path / "configmap.yaml.j2").write_text(odd + spelled)
    kk.render(planned(16), tmp_path)
    with pytest.raises((TemplateError, InternalError), match="already set"):
        kk.render(planned(24), tmp_path)
