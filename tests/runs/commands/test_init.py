"""`init` on a terminal: what it asks, what it does with the answers, what it tells."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from ci_deploy import app, command_line
from ci_deploy.commands import init
from ci_deploy.core.init import choices
from ci_deploy.edge.runner.files import Stdout
from tests.support.golden import Told

# Nobody answers there; and no Git, so that flags and answers alone say where the repository is.
ENVIRON = {"GITHUB_API_URL": "http://127.0.0.1:9", "PATH": "/nonexistent", "AWS_REGION": "eu-central-1"}
PLACE = ["--account-id", "123456789012", "--repository", "my-org/my-repo"]


class Screen(Stdout):
    """Keeps what is written."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def write(self, line: str) -> None:
        self.lines.append(line)


class Person(app.Machine):
    """Somebody at a terminal who answers by the beginning of the question."""

    def __init__(self, answers: dict[str, str]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.screen: list[str] = []

    def ask(self, question: str) -> str:
        self.asked.append(question)
        return next((answer for begin, answer in self.answers.items() if question.startswith(begin)), "")

    def stdout(self) -> Stdout:
        return Screen(self.screen)

    def stderr(self) -> Stdout:
        return Screen(self.screen)


def run(folder: Path, person: Person, *flags: str, **environ: str) -> int:
    return app.run(["init", *flags], {**ENVIRON, **environ}, folder, machine=person)


def test_a_terminal_is_asked_for_what_no_flag_says(tmp_path: Path) -> None:
    person = Person({
        "Lambda function": "checkout", "Does checkout exist": "", "Its code": "src", "AWS account": "123456789012",
        "Repository": "my-org/my-repo",
    })  # fmt: skip
    assert run(tmp_path, person) == 0, person.screen
    assert [question.split(" ")[0] for question in person.asked] == ["Lambda", "Does", "Its", "AWS", "Repository"]
    text = (tmp_path / "ci-deploy.yml").read_text()
    assert "code: src" in text and "aws-region: eu-central-1" in text
    assert not (tmp_path / "src").exists()


def test_a_function_that_does_not_exist_is_made_by_the_template(tmp_path: Path) -> None:
    person = Person({"Lambda function": "checkout", "Does checkout exist": "n"})
    assert run(tmp_path, person, *PLACE) == 0, person.screen
    assert not [question for question in person.asked if question.startswith("Its code")]
    assert (tmp_path / "src" / "index.py").exists()
    assert any("CreateFunctions=true" in line for line in person.screen)
    (again,) = [line for line in person.screen if line.startswith("GH_TOKEN=")]
    assert again.endswith(" ci-deploy init --create-functions true --repository my-org/my-repo")
    assert any(line.startswith("git add .github ci-deploy.yml src ") for line in person.screen)


def test_ids_that_github_does_not_tell_are_told_with_the_way_to_them(tmp_path: Path) -> None:
    person = Person({})
    assert run(tmp_path, person, "--function", "checkout", "--code", "src", *PLACE) == 0
    screen = " ".join(" ".join(person.screen).split())
    assert "(EndpointConnectionError)" in screen
    assert 'GH_TOKEN="$(gh auth token)" ci-deploy init --repository my-org/my-repo' in person.screen
    second = Person({})
    assert run(tmp_path, second, "--repository", "my-org/my-repo", "--owner-id", "1", "--repository-id", "2") == 0
    assert "DeploySubjects=repo:my-org/my-repo:ref:refs/heads/main,repo:my-org@1/my-repo@2" in " ".join(second.screen)
    assert not [line for line in second.screen if "GH_TOKEN" in line]


def test_answers_that_cannot_be_used_write_nothing(tmp_path: Path, told: Told) -> None:
    person = Person({"Lambda function": "check out", "Its code": "src"})
    assert run(tmp_path, person, *PLACE) == 2
    assert person.screen == told
    assert list(tmp_path.iterdir()) == []


def test_two_files_of_the_repository_are_refused(tmp_path: Path) -> None:
    (tmp_path / ".github").mkdir()
    for name in ("ci-deploy.yml", ".github/ci-deploy.yml"):
        (tmp_path / name).write_text("functions: {checkout: {code: src}}\n")
    person = Person({})
    assert run(tmp_path, person, *PLACE) == 2
    assert "is there twice" in person.screen[0]


def test_eleven_functions_need_setup_too(tmp_path: Path) -> None:
    flags = [word for number in range(11) for word in ("--function", f"shop-{number}", "--code", f"src/{number}")]
    person = Person({})
    assert run(tmp_path, person, *flags, *PLACE) == 0, person.screen
    assert any(line.startswith("ci-deploy setup --apply --service-role-arn ") for line in person.screen)


def test_claims_that_are_not_known_need_a_flag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ci_deploy.core.init.subjects import Known
    from ci_deploy.edge.github.subjects import Subjects

    monkeypatch.setattr(Subjects, "known", lambda *_: Known(template=("repo", "actor")))
    person = Person({})
    assert run(tmp_path, person, "--function", "checkout", "--code", "src", *PLACE) == 0
    assert "not known before a job runs (actor)" in " ".join(" ".join(person.screen).split())


def test_the_image_of_the_action_says_where_the_command_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    from ci_deploy.edge.runner import template

    monkeypatch.setattr(template, "_PACKAGE", tmp_path / "package")
    person = Person({})
    assert run(tmp_path, person, "--function", "checkout", "--code", "src", *PLACE) == 2
    assert person.screen == told


def test_every_flag_has_a_kind_and_every_example_can_be_read() -> None:
    flags = {name for flags in command_line._INIT_FLAGS.values() for name in flags}
    assert flags == {*choices.OWN, *choices.SHARED, "create-functions"}
    for line in command_line._INIT_EXAMPLES:
        program, *words = shlex.split(line)
        assert (program, command_line.parse(words, ()).given["command"]) == ("ci-deploy", "init")


@pytest.mark.parametrize(("flag", "meant"), [("--functions", "--function"), ("--subjects", "--subject")])
def test_a_mistyped_flag_is_told_what_it_resembles(flag: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command_line.parse(["init", flag, "x"], ())
    assert f"`{flag}`" in (said := capsys.readouterr().err) and f"`{meant}`" in said


def test_a_missing_file_is_the_templates_only_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other one is a bug, and not an image without the template."""

    def broken(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(init, "run", broken)
    person = Person({})
    with pytest.raises(FileNotFoundError):
        run(tmp_path, person, *PLACE)
    assert person.screen == []
