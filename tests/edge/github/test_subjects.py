"""What GitHub says of a repository's subjects: ids, templates, and every way of saying nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from ci_deploy.core.init.subjects import Known, Remote
from ci_deploy.edge.github.subjects import Subjects

HERE = Remote(owner="my-org", name="my-repo")
REPOSITORY = {"id": 345, "owner": {"id": 12}, "visibility": "private"}
PATH = "https://api.github.com/repos/my-org/my-repo"
TEMPLATE, ORGANIZATION = (
    f"{PATH}/actions/oidc/customization/sub",
    "https://api.github.com/orgs/my-org/actions/oidc/customization/sub",
)


class Api:
    """Answers by URL; everything else is not found."""

    def __init__(self, answers: Mapping[str, object]) -> None:
        self.answers = answers
        self.asked: dict[str, Mapping[str, str]] = {}

    def __call__(self, url: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        self.asked[url] = headers
        if url not in self.answers:
            return 404, b'{"message": "Not Found"}'
        answer = self.answers[url]
        return 200, answer if isinstance(answer, bytes) else json.dumps(answer).encode()


WITHOUT = {"PATH": "/nonexistent"}  # whoever runs the tests may be logged in with GitHub's command line


def asked(answers: Mapping[str, object], token: str = "") -> tuple[Known, Api]:
    api = Api(answers)
    return Subjects({**WITHOUT, "GITHUB_TOKEN": token}, fetch=api).known(HERE), api


def test_a_public_repository_tells_its_ids_to_everybody() -> None:
    known, api = asked({PATH: REPOSITORY})
    assert known == Known(owner_id="12", repository_id="345", visibility="private")
    assert list(api.asked) == [PATH, TEMPLATE]
    assert "Authorization" not in api.asked[PATH]


def test_what_is_hidden_is_unknown_with_why() -> None:
    known, _ = asked({})
    assert known == Known(why="HTTP 404")


@pytest.mark.parametrize(
    ("repository", "organization", "template"),
    [
        ({"use_default": True, "include_claim_keys": ["actor"]}, {"include_claim_keys": ["repo"]}, None),
        ({"use_default": False, "include_claim_keys": ["repo", "context"]}, {}, ("repo", "context")),
        ({"use_default": False}, {"include_claim_keys": ["repository_id"]}, ("repository_id",)),
        ({"use_default": False, "include_claim_keys": []}, {}, None),
        ({}, {"include_claim_keys": ["repo"]}, None),
    ],
)
def test_a_token_reads_the_template(
    repository: dict[str, Any], organization: dict[str, Any], template: tuple[str, ...] | None
) -> None:
    known, api = asked({PATH: REPOSITORY, TEMPLATE: repository, ORGANIZATION: organization}, "token")
    assert known.template == template
    assert known.repository_id == "345"
    assert {headers["Authorization"] for headers in api.asked.values()} == {"Bearer token"}


@pytest.mark.parametrize("answer", [b"<html>", b"[]", {"id": True, "owner": "me"}])
def test_an_answer_of_another_shape_says_nothing(answer: object) -> None:
    known, _ = asked({PATH: answer})
    assert known.template is None
    assert (known.owner_id, known.repository_id) == ("", "")


def test_a_network_that_is_down_keeps_nobody_from_working() -> None:
    def down(url: str, _headers: Mapping[str, str]) -> tuple[int, bytes]:
        raise EndpointConnectionError(endpoint_url=url)

    assert Subjects(WITHOUT, fetch=down).known(HERE) == Known(why="EndpointConnectionError")


def test_the_environment_says_where_the_api_is() -> None:
    api = Api({})
    Subjects({"GITHUB_API_URL": "https://ghes.example.com/api/v3/"}, fetch=api).known(HERE)
    assert list(api.asked) == ["https://ghes.example.com/api/v3/repos/my-org/my-repo"]


@pytest.mark.parametrize("logged_in", [True, False])
def test_githubs_own_command_line_is_asked_where_there_is_no_token(tmp_path: Path, logged_in: bool) -> None:
    """And the network without a login where it has no answer."""
    gh = tmp_path / "gh"
    script = f"#!{sys.executable}\nimport sys\nif sys.argv[-1] == 'repos/my-org/my-repo' and {logged_in}:\n"
    gh.write_text(script + f"    print({json.dumps(json.dumps(REPOSITORY))})\nelse:\n    sys.exit(4)\n")
    gh.chmod(0o755)
    api = Api({})
    known = Subjects({"PATH": str(tmp_path)}, fetch=api).known(HERE)
    if logged_in:
        assert known == Known(owner_id="12", repository_id="345", visibility="private")
        assert api.asked == {}
    else:
        assert known == Known(why="HTTP 404")
