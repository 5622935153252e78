"""The documentation says what the program does."""

from __future__ import annotations

import ast
import re
import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest
import yaml
from click.testing import CliRunner

import kanister_kafka
from kanister_kafka import constants
from kanister_kafka.cli import main
from kanister_kafka.constants import BackupState
from kanister_kafka.linter.pipeline import all_rules, validate_text
from kanister_kafka.linter.registry import rule_docs
from kanister_kafka.operations.actionset import new_action_set
from kanister_kafka.operations.object_names import default_names
from kanister_kafka.reports.html.rehearsal_page import rehearsal_html
from kanister_kafka.strimzi.discovery import KafkaRef
from tests import fleet_inputs as fleets
from tests.conftest import ROOT
from tests.docs import reference, rehearsal
from tests.reports.test_rehearsal_page import DONE

SECTIONS = (ROOT / "docs" / "rules.md").read_text()
README = (ROOT / "README.md").read_text()
SAFETY_LABEL = "kanister-kafka.io/before-restore"
"""Of snapshots of replaced volumes, which only the scripts of a restore make and delete."""


def reported() -> set[str]:
    """Read every check id from the source: first argument of error, warning, warn and the like."""
    found = set()
    for path in (ROOT / "kanister_kafka").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args:
                name = ast.unparse(node.func).rpartition(".")[2]
                if name in ("error", "warning", "warn", "_report") and isinstance(
                    node.args[0], ast.Constant
                ):
                    found.add(node.args[0].value)
    return found.union({"yaml-limit"}, *(rule.ids for rule in all_rules()))


def test_every_check_has_a_section_and_every_section_a_check() -> None:
    sections = re.findall(r"^### (\S+)$", SECTIONS, re.MULTILINE)
    assert sorted(sections) == sorted(set(sections))
    assert set(sections) == reported()


def test_every_section_is_in_the_catalogue_with_the_severity_of_its_check() -> None:
    assert list(rule_docs()) == re.findall(r"^### (\S+)$", SECTIONS, re.MULTILINE)
    for rule in all_rules():
        for rule_id, severity in rule.ids.items():
            assert rule_docs()[rule_id].severity is severity, rule_id
    for section in rule_docs().values():
        assert re.match(r"[A-Z`.].*[.:]$", section.summary), section.summary


def test_every_section_shows_wrong_and_right() -> None:
    for section in re.split(r"^### ", SECTIONS, flags=re.MULTILINE)[1:]:
        assert "\n# wrong\n" in section, section
        assert "\n# right\n" in section, section
        assert re.search(r"^\*(error|warning|info)\* · ", section, re.MULTILINE), section


def help_of(*words: str) -> str:
    return CliRunner().invoke(main, [*words, "--help"], prog_name="kanister-kafka").output


def every_command(words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Find all commands, those of groups too."""
    found: click.Command | None = main
    for word in words:
        assert isinstance(found, click.Group)
        found = found.get_command(click.Context(found), word)
    yield words
    if isinstance(found, click.Group):
        for name in found.list_commands(click.Context(found)):
            yield from every_command((*words, name))


GROUP = re.compile(r"\n(?=[A-Z][^\n:]*:\n)")
"""Between the groups of options of a help text."""


def cli() -> str:
    """Return the page of all help texts; a group of options of several commands is on it once."""
    helps = {words: GROUP.split(help_of(*words)) for words in every_command()}
    often = Counter(group.strip("\n") for groups in helps.values() for group in groups)
    shared = {group.partition(":")[0]: group for group, number in often.items() if number > 2}
    shared.pop("Options", None)
    parts = ["# Commands\n\nThe help texts of all commands. "]
    parts.append("Options that several commands have are at the [end](#common-options).\n")
    for words, groups in helps.items():
        shown = []
        for group in groups:
            title, text = group.partition(":")[0], group.strip("\n")
            shown.append(f"{title}: see below.\n" if shared.get(title) == text else f"{text}\n")
        parts.append(f"\n## {' '.join(('kanister-kafka', *words))}\n\n```\n")
        parts.append("\n".join(shown) + "```\n")
    parts.append("\n## Common options\n\n```\n" + "\n\n".join(shared.values()) + "\n```\n")
    return "".join(parts)


GENERATED = {"api": reference.api, "cli": cli, "functions": reference.functions}


@pytest.mark.parametrize("page", GENERATED)
def test_reference_is_fresh(page: str, request: pytest.FixtureRequest) -> None:
    path, text = ROOT / "docs" / f"{page}.md", GENERATED[page]()
    if request.config.getoption("--update-blueprints"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text() == text, "run `make blueprints`"


def test_running_shows_a_true_plan(at_root: Path, request: pytest.FixtureRequest) -> None:
    page = at_root / "docs" / "running.md"
    text = page.read_text()
    (block,) = re.findall(r"```\n(\$ kanister-kafka plan .*?)```\n", text, re.DOTALL)
    command = block.splitlines()[0].removeprefix("$ kanister-kafka ")
    output = CliRunner().invoke(main, shlex.split(command)).stdout
    fresh = f"$ kanister-kafka {command}\n{output}"
    if request.config.getoption("--update-blueprints"):
        page.write_text(text.replace(block, fresh), encoding="utf-8")
        block = fresh
    assert block == fresh


def by_kubectl() -> str:
    """Return the section of running.md for kubectl alone."""
    return (ROOT / "docs" / "running.md").read_text().partition("### With kubectl alone\n")[2]


def test_running_shows_the_action_set_of_resume() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", by_kubectl(), re.DOTALL)
    target = KafkaRef("kafka", "my-cluster")
    shown = yaml.safe_load(block)
    made = new_action_set(
        "resume",
        blueprint=default_names(target).blueprint,
        namespace=default_names(target).blueprint_namespace,
        target=target.namespace,
        cluster=target.name,
        job="",
    )
    assert shown["spec"] == made["spec"]
    assert shown["metadata"]["labels"].items() <= made["metadata"]["labels"].items()
    assert shown["metadata"]["namespace"] == made["metadata"]["namespace"]


def test_kubectl_alone_looks_for_a_restore_before_it_changes_anything() -> None:
    before = by_kubectl().partition("kubectl annotate")[0]
    assert "| `state: restoring` |" in before
    assert "kubectl scale" not in before
    rows = "".join(line for line in before.splitlines() if line.startswith("|"))
    assert [state.value for state in BackupState if f"{state.value}`" not in rows] == []


def test_kubectl_alone_uses_the_names_of_the_steps() -> None:
    known = {value for value in vars(constants).values() if isinstance(value, str)}
    text = by_kubectl().replace("\\", "")
    named = set(re.findall(r"(?:kanister-kafka|strimzi)\.io/[a-z-]*[a-z]", text))
    own = {SAFETY_LABEL}
    assert named - known == own
    names = default_names(KafkaRef("kafka", "my-cluster"))
    used = set(re.findall(r"my-cluster-[a-z-]+", text))
    assert {names.state_config_map, names.watchdog} <= used


def test_page_on_ci_shows_a_true_validation(at_root: Path, request: pytest.FixtureRequest) -> None:
    page = at_root / "docs" / "ci.md"
    text = page.read_text()
    (block,) = re.findall(r"```\n(\$ kanister-kafka validate .*?)```\n", text, re.DOTALL)
    command = block.splitlines()[0].removeprefix("$ kanister-kafka ")
    fresh = f"$ kanister-kafka {command}\n{CliRunner().invoke(main, shlex.split(command)).stdout}"
    if request.config.getoption("--update-blueprints"):
        page.write_text(text.replace(block, fresh), encoding="utf-8")
        block = fresh
    assert block == fresh


def test_no_line_of_the_readme_is_wider_than_100_columns() -> None:
    assert [line for line in README.splitlines() if len(line) > 100] == []


def test_the_picture_of_a_rehearsal_is_of_the_report_on_the_pages() -> None:
    """`make rehearsal` writes all three."""
    text = " ".join(ElementTree.parse(rehearsal.PICTURE).getroot().itertext())  # noqa: S314 - ours
    report = rehearsal.REPORT.read_text("utf-8")
    rows = re.findall(r"^(\S+(?: \S+)*)  +\+\S+ +(\S+)  \|", report, re.MULTILINE)
    assert len(rows) > 10
    for name, took in rows:
        assert f"{name.replace('OUTAGE', 'outage')} {took}" in text
    (outage,) = re.findall(r"^Outage: +(.+)$", README, re.MULTILINE)
    assert f"Outage:    {outage}\n" in report and f"Outage: {outage}." in text


def test_a_picture_needs_nothing_but_itself() -> None:
    drawn = rehearsal.timeline(rehearsal_html(DONE))
    root = ElementTree.fromstring(drawn)  # noqa: S314 - ours
    assert root.get("width") == "1000" and "drawing" not in drawn.partition(">")[0]
    assert {at.tag.rpartition("}")[2] for at in root.iter()} <= {
        *("svg", "style", "title", "desc", "defs", "pattern", "rect", "g", "line", "text"),
        *("circle", "polygon", "path"),
    }
    assert not re.search(r"href|@import|url\((?!#hatch-)", drawn)


def test_python_of_the_readme_runs(at_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - it is ours
    assert "kind: Blueprint" in capsys.readouterr().out
    assert at_root.is_dir()


def test_example_of_the_package_runs() -> None:
    assert "kk.to_yaml_stream(kk.render(plan))" in (kanister_kafka.__doc__ or "")


# Not of hidden directories, such as a cache of pytest.
PAGES = sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("[!.]*/*.md"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_commands_of_the_seed_page_run(at_root: Path) -> None:
    text = (at_root / "docs" / "seed.md").read_text()
    (command,) = re.findall(r"```sh\nkanister-kafka (.*?)\n```", text)
    assert CliRunner().invoke(main, shlex.split(command)).exit_code == 0
    instead = command.replace("--kasten policy", "--kasten annotation")
    note = CliRunner().invoke(main, shlex.split(instead)).stderr
    (annotate,) = re.findall(r"```\n(kubectl annotate .*?)\n```", text)
    assert annotate in note


FLEETS = (ROOT / "docs" / "fleets.md").read_text()


def test_page_on_fleets_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its fleet file, with each cluster where the file says, and its commands, one by one."""
    monkeypatch.chdir(tmp_path)
    for number, home in enumerate(("orders", "payments", "all")):
        path = tmp_path / "clusters" / home / "kafka.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(fleets.cluster(8 + number).replace(f"cluster-{8 + number}", home))
    (file,) = re.findall(r"```yaml\n(.*?)```", FLEETS, re.DOTALL)
    (tmp_path / "fleet.yaml").write_text(file)
    (block,) = re.findall(r"```sh\n(.*?)```", FLEETS, re.DOTALL)
    words = [shlex.split(line, comments=True) for line in block.splitlines()]
    ours = [line[1:] for line in words if line[0] == "kanister-kafka"]
    assert len(ours) == 3
    for command in ours:
        if "--from-cluster" not in command:
            result = CliRunner().invoke(main, command)
            assert result.exit_code == 0, result.stderr
    assert len([path for path in (tmp_path / "build").iterdir() if path.is_dir()]) == 3


CI = (ROOT / "docs" / "ci.md").read_text()
CI_EXAMPLES = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", CI, re.DOTALL)]


def commands(value: object) -> Iterator[str]:
    """Find our own commands, wherever a CI system wants them."""
    if isinstance(value, str) and value.startswith("kanister-kafka "):
        yield value
    elif isinstance(value, (dict, list)):
        for child in value.values() if isinstance(value, dict) else value:
            yield from commands(child)


@pytest.mark.parametrize("command", [*commands(CI_EXAMPLES)])
def test_commands_of_the_page_on_ci_run(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "blueprints").symlink_to(ROOT / "blueprints")
    (tmp_path / "kafka").symlink_to(ROOT / "examples" / "kraft-separate-pools")
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command)[1:]
    if "--check" in words:
        stale = CliRunner().invoke(main, words)
        assert (stale.exit_code, stale.stdout[:14]) == (1, "--- /dev/null\n")
        CliRunner().invoke(main, [word for word in words if word != "--check"])
    result = CliRunner().invoke(main, words)
    assert (result.exit_code, result.stdout) == (0, "")
    for report in re.findall(r"findings\.\w+", command):
        assert (tmp_path / report).stat().st_size


def test_examples_of_the_page_on_ci_are_read_by_the_tools_that_they_name() -> None:
    ignoring, hook, fresh, *workflows = CI_EXAMPLES
    assert ignoring["kind"] == "Blueprint"
    used = [hook["repos"][0]["hooks"][0]["id"] for hook in (hook, fresh)]
    ours = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert used == [hook["id"] for hook in ours]
    assert len(list(commands(workflows))) == len(workflows) == 4
    upload = workflows[1]["jobs"]["blueprints"]["steps"][-1]
    assert f"--output {upload['with']['sarif_file']} " in CI


def test_ignore_comments_of_the_page_on_ci_are_needed_and_work() -> None:
    (text,) = re.findall(r"```yaml\n(# kanister-kafka: .*?)```", CI, re.DOTALL)
    bare = re.sub("# kanister-kafka: .*", "#", text)
    asked = set(re.findall(r"ignore=(\S+)", text))
    assert {problem.rule for problem in validate_text(bare)} == asked
    assert {problem.rule for problem in validate_text(text)} <= {"unknown-check"}


def test_the_hook_for_fresh_files_takes_the_words_of_render(at_root: Path, tmp_path: Path) -> None:
    _, hook = yaml.safe_load((at_root / ".pre-commit-hooks.yaml").read_text())
    given = CI_EXAMPLES[2]["repos"][0]["hooks"][0]["args"]
    named = {"kafka": "examples/kraft-separate-pools", "backup": str(tmp_path)}
    words = [*shlex.split(hook["entry"])[1:], *(named.get(word, word) for word in given)]
    assert not hook["pass_filenames"]
    assert CliRunner().invoke(main, words).exit_code == 1
    assert CliRunner().invoke(main, [w for w in words if w != "--check"]).exit_code == 0
    assert CliRunner().invoke(main, words).exit_code == 0


def test_the_hook_of_pre_commit_runs_our_command() -> None:
    hook, _ = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert shlex.split(hook["entry"]) == ["kanister-kafka", "validate"]
    file = str(ROOT / "blueprints/seed/role-my-cluster-kanister-kafka.yaml")
    words = [*shlex.split(hook["entry"])[1:], *CI_EXAMPLES[1]["repos"][0]["hooks"][0]["args"], file]
    assert CliRunner().invoke(main, words).exit_code == 0


POLICIES = (ROOT / "docs" / "policies.md").read_text()


def shell_blocks(page: str) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", page, re.DOTALL)


def test_commands_of_the_page_on_policies_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In their order, in a folder that has the files which the page speaks of."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kafka").symlink_to(ROOT / "examples" / "mirror-maker-2")
    ran = []
    for block in shell_blocks(POLICIES):
        for line in block.replace("\\\n", "").splitlines():
            command, _arrow, file = line.partition(" > ")
            words = shlex.split(command, comments=True)
            if words[:1] != ["kanister-kafka"]:
                continue
            result = CliRunner().invoke(main, words[1:], catch_exceptions=False)
            assert result.exit_code == 0, f"{line}\n{result.output}"
            if file:
                (tmp_path / file).parent.mkdir(exist_ok=True)
                (tmp_path / file).write_text(result.stdout)
            ran.append(words[1])
    assert {"policy", "render", "schema"} <= set(ran)


def test_the_page_on_policies_shows_what_lint_prints(at_root: Path) -> None:  # noqa: ARG001
    ((command, shown),) = re.findall(r"```\n\$ kanister-kafka (.*?)\n(.*?)```", POLICIES, re.DOTALL)
    assert CliRunner().invoke(main, shlex.split(command)).stdout == shown
