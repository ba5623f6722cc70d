"""The runner's commands and files, and text that must not become a command."""

from __future__ import annotations

import io
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from ci_deploy.core.reasons.phrases import SUMMARY_FULL
from ci_deploy.edge.runner import files as runner
from ci_deploy.edge.runner.files import RunnerFilesOnDisk, RunnerLog, Stdout
from tests.support.hostile import HOSTILE, obeyed


def log(*, actions: bool = True, colour: bool = False) -> tuple[RunnerLog, io.BytesIO]:
    stream = io.BytesIO()
    return RunnerLog(Stdout(stream), actions=actions, colour=colour), stream


def written(stream: io.BytesIO) -> list[str]:
    return stream.getvalue().decode().splitlines()


@pytest.mark.parametrize("text", HOSTILE)
def test_the_log_defuses_lines_titles_and_messages(text: str) -> None:
    sink, stream = log()
    sink.line(text)
    assert not any(obeyed(line) for line in written(stream))
    stream.truncate(0)
    sink.group(text)
    sink.error(text + "\n" + text, title=text)
    for line in written(stream):
        data = line.lstrip("\x00").split("::", 2)[2]
        assert not any(obeyed(part) for part in data.split("%0A"))


def test_commands_are_escaped_as_the_runner_unescapes() -> None:
    assert runner.command("error", "50%\r\n::x", title="a:b,c%") == "::error title=a%3Ab%2Cc%25::50%25%0D%0A::x"
    assert runner.command("endgroup") == "::endgroup::"
    assert runner.command("notice", "x", title="") == "::notice::x"


def test_under_actions_annotations_and_groups_are_commands() -> None:
    sink, stream = log()
    sink.group("Deploy")
    sink.group("Follow")
    sink.endgroup()
    sink.endgroup()
    sink.warning("one\ntwo", title="T")
    sink.notice("n")
    sink.error("e")
    assert written(stream) == [
        "::group::Deploy",
        "::endgroup::",
        "::group::Follow",
        "::endgroup::",
        "::warning title=T::one%0Atwo",
        "::notice::n",
        "::error::e",
    ]


def test_an_annotation_is_cut_before_the_runner_cuts_it() -> None:
    sink, stream = log()
    sink.error("\n".join(["x" * 1000] * 10))
    assert len(written(stream)[0]) < 4096 + 50
    assert written(stream)[0].endswith("…")


def test_what_github_would_not_show_is_a_line() -> None:
    """Of each kind ten annotations, counted apart; the eleventh is in the log all the same."""
    sink, stream = log()
    for number in range(11):
        sink.warning(f"w{number}", title="T")
    sink.error("e")
    assert written(stream)[9:] == ["::warning title=T::w9", "warning: T: w10", "::error::e"]


def test_on_a_terminal_everything_is_plain() -> None:
    sink, stream = log(actions=False)
    sink.group("Deploy")
    sink.line("text")
    sink.endgroup()
    sink.error("one\n::two", title="T")
    assert written(stream) == ["== Deploy", "text", "error: T: one", ": :two"]


def test_secrets_are_masked_line_by_line_and_never_shown_on_a_terminal() -> None:
    sink, stream = log()
    sink.add_mask("one\n\ntwo%")
    sink.add_mask("")
    assert written(stream) == ["::add-mask::one", "::add-mask::two%25"]
    sink, stream = log(actions=False)
    sink.add_mask("secret")
    assert written(stream) == []


class Broken(io.BytesIO):
    """A reader that went away."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error
        self.tries = 0

    def write(self, data: object) -> int:
        self.tries += 1
        raise self.error


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(28, "full"), ValueError("closed")])
def test_a_log_that_nobody_reads_is_survived(error: Exception) -> None:
    stream = Broken(error)
    out = Stdout(stream)
    out.write("a")
    out.write("b")
    assert stream.tries == 1


def test_each_line_is_one_write_and_at_once_visible() -> None:
    class Watched(io.BytesIO):
        def __init__(self) -> None:
            super().__init__()
            self.log: list[bytes | str] = []

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.log.append(data)
            return len(data)

        def flush(self) -> None:
            self.log.append("flush")

    stream = Watched()
    Stdout(stream).write("ä\ud800")
    assert stream.log == ["ä\\ud800\n".encode(), "flush"]


def test_threads_do_not_mix_their_lines() -> None:
    stream = io.BytesIO()
    out = Stdout(stream)
    threads = [threading.Thread(target=lambda: [out.write("x" * 100) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(written(stream)) == {"x" * 100}


def parse_heredocs(text: str) -> dict[str, str]:
    """The file commands as the runner reads them: the value ends at the first line that is the delimiter."""
    lines, found = text.split("\n"), {}
    while lines and lines != [""]:
        name, _, delimiter = lines.pop(0).partition("<<")
        value = []
        while (line := lines.pop(0)) != delimiter:
            value.append(line)
        found[name] = "\n".join(value)
    return found


def test_state_survives_every_text(tmp_path: Path) -> None:
    file = tmp_path / "state"
    files = RunnerFilesOnDisk({"GITHUB_STATE": str(file)})
    values = {"reason": "a\nb<<c\n\nd=e", "empty": "", "result": '{"x": "ä"}', "injection": "x\nEOF\nother=1"}
    for name, value in values.items():
        files.state(name, value)
    assert parse_heredocs(file.read_text()) == values


def test_an_output_is_one_line_that_a_later_step_can_print(tmp_path: Path) -> None:
    """`echo "$REASON"` in somebody's workflow writes it into the log that the runner reads."""
    texts = [*HOSTILE, *(f"harmless\n{text}" for text in HOSTILE), "a\u2028::error::x", "a\x85##[x]"]
    for number, text in enumerate(texts):
        file = tmp_path / f"output-{number}"
        RunnerFilesOnDisk({"GITHUB_OUTPUT": str(file)}).outputs({"reason": text})
        value = parse_heredocs(file.read_text())["reason"]
        assert len(value.splitlines()) == 1 and value.isprintable(), text
        assert not obeyed(value), text


def test_an_output_of_plain_text_is_kept_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "output"
    files = RunnerFilesOnDisk({"GITHUB_OUTPUT": str(file)})
    values = {"reason": "Alarm `5xx` (::) über 14.5%", "empty": "", "result": '{"x": "ä"}', "location": "s3://b/a  b"}
    files.outputs(values)
    assert parse_heredocs(file.read_text()) == values


def test_outputs_that_belong_together_are_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill between two of them would leave a value without its end, and the runner fails a step for that."""
    written: list[bytes] = []
    file = tmp_path / "output"

    class Unbuffered(io.BytesIO):
        def write(self, data: Any) -> int:
            written.append(bytes(data))
            return len(data)

    monkeypatch.setattr(Path, "open", lambda self, mode, buffering=-1: Unbuffered() if not buffering else 1 / 0)
    RunnerFilesOnDisk({"GITHUB_OUTPUT": str(file)}).outputs({"outcome": "cancelled", "deployed": "false"})
    (once,) = written
    assert parse_heredocs(once.decode()) == {"outcome": "cancelled", "deployed": "false"}
    assert once.endswith(b"\n")


def test_a_value_that_holds_the_delimiter_gets_another_one(tmp_path: Path) -> None:
    file = tmp_path / "output"
    delimiters = iter(["d1", "d2", "d3"])
    files = RunnerFilesOnDisk({"GITHUB_STATE": str(file)}, delimiter=lambda: next(delimiters))
    files.state("name-d2", "x\nd1\nevil=1")
    assert parse_heredocs(file.read_text()) == {"name-d2": "x\nd1\nevil=1"}
    assert file.read_text().startswith("name-d2<<d3\n")


@pytest.mark.parametrize("name", ["", "a b", "a<<b", "a\nb", "a=b", "ä"])
def test_a_name_that_would_break_the_file_is_a_bug(name: str, tmp_path: Path) -> None:
    files = RunnerFilesOnDisk({"GITHUB_OUTPUT": str(tmp_path / "o")})
    with pytest.raises(ValueError, match="name"):
        files.outputs({name: "x"})


def test_files_that_the_runner_did_not_name_are_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = RunnerFilesOnDisk({"GITHUB_OUTPUT": "", "GITHUB_STATE": " "})
    files.outputs({"a": "b"})
    files.state("a", "b")
    files.summary("c")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_warned_about_once(tmp_path: Path) -> None:
    warned: list[str] = []
    files = RunnerFilesOnDisk({"GITHUB_STATE": str(tmp_path / "no" / "state")}, warn=warned.append)
    files.state("a", "b")
    files.state("a", "b")
    assert len(warned) == 1
    assert "GITHUB_STATE" in warned[0]


def test_state_is_appended_whole_from_any_thread(tmp_path: Path) -> None:
    file = tmp_path / "state"
    files = RunnerFilesOnDisk({"GITHUB_STATE": str(file)})
    threads = [threading.Thread(target=files.state, args=(f"k{number}", "v" * 1000)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert parse_heredocs(file.read_text()) == {f"k{number}": "v" * 1000 for number in range(20)}


def test_a_summary_is_cut_before_github_drops_it_whole(tmp_path: Path) -> None:
    file = tmp_path / "summary"
    files = RunnerFilesOnDisk({"GITHUB_STEP_SUMMARY": str(file)})
    files.summary("# Deployed")
    files.summary("\n".join(["ü" * 1000] * 1000))
    data = file.read_bytes()
    assert len(data) <= runner.SUMMARY_LIMIT
    text = data.decode()
    assert text.startswith("# Deployed\n")
    assert "Cut here" in text.splitlines()[-1]
    files.summary("more")
    assert file.stat().st_size <= runner.SUMMARY_LIMIT


def test_a_summary_without_room_is_left_as_it_is_and_said_so(tmp_path: Path) -> None:
    """Earlier steps of the job do not share it, but earlier parts of this one do."""
    file, warned = tmp_path / "summary", list[str]()
    file.write_bytes(b"x" * (runner.SUMMARY_LIMIT - 50))
    files = RunnerFilesOnDisk({"GITHUB_STEP_SUMMARY": str(file)}, warn=warned.append)
    files.summary("fits\n")
    assert warned == []
    files.summary("# does not fit\n" * 10)
    assert file.read_bytes() == b"x" * (runner.SUMMARY_LIMIT - 50) + b"fits\n"
    assert warned == [SUMMARY_FULL]


def test_the_event_is_read_or_it_is_empty(tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    for content, expected in (
        (b'{"a": 1}', {"a": 1}),
        (b"\xef\xbb\xbf{}", {}),
        (b"[1]", {}),
        (b"{", {}),
        (b"\xff", {}),
    ):
        file.write_bytes(content)
        assert runner.read_event({"GITHUB_EVENT_PATH": str(file)}) == expected
    assert runner.read_event({"GITHUB_EVENT_PATH": str(tmp_path / "none")}) == {}
    assert runner.read_event({"GITHUB_EVENT_PATH": str(tmp_path)}) == {}
    assert runner.read_event({}) == {}


def test_a_job_began_when_the_runner_made_the_folder_of_its_event(tmp_path: Path) -> None:
    """Later steps overwrite the event, which leaves the folder's time as it is."""
    folder = tmp_path / "_github_workflow"
    folder.mkdir()
    file = folder / "event.json"
    file.write_text("{}")
    os.utime(folder, (1_800_000_000.0, 1_800_000_000.0))
    file.write_text('{"later": true}')
    assert runner.job_began({"GITHUB_EVENT_PATH": str(file)}) == 1_800_000_000.0


def test_where_the_event_is_elsewhere_no_job_is_known(tmp_path: Path) -> None:
    for path in ("", str(tmp_path / "event.json"), str(tmp_path / "gone" / "_github_workflow" / "event.json")):
        assert runner.job_began({"GITHUB_EVENT_PATH": path}) is None
    assert runner.job_began({}) is None


def test_a_deeply_nested_event_is_no_event(tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_text("[" * 200_000)
    assert runner.read_event({"GITHUB_EVENT_PATH": str(file)}) == {}


@pytest.mark.parametrize(
    ("environ", "terminal", "expected"),
    [
        ({"GITHUB_ACTIONS": "true"}, False, True),
        ({"GITHUB_ACTIONS": "true", "NO_COLOR": "1"}, False, False),
        ({}, True, True),
        ({}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, False, False),
    ],
)
def test_colour_is_wanted_in_the_job_log_and_on_terminals(
    environ: dict[str, str], terminal: bool, expected: bool
) -> None:
    assert runner.wants_colour(environ, terminal=terminal) is expected


def test_json_outputs_are_kept_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "output"
    RunnerFilesOnDisk({"GITHUB_OUTPUT": str(file)}).outputs({"result": json.dumps({"a": "b\n"})})
    assert json.loads(parse_heredocs(file.read_text())["result"]) == {"a": "b\n"}
