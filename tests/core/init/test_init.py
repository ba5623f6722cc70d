"""What `init` writes and prints, from flags and from what the repository already has."""

from __future__ import annotations

import json
from typing import Any

import botocore.loaders
import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ci_deploy.core.errors import InvalidInput
from ci_deploy.core.given.files import manifest
from ci_deploy.core.init import account, files
from ci_deploy.core.init.choices import Choices, decide, found_remote, from_root, missing, wildcard
from ci_deploy.core.init.choices import again as again_of
from ci_deploy.core.init.existing import Existing, read
from ci_deploy.core.init.subjects import Known, Remote
from ci_deploy.core.reasons import init as words
from tests.support.golden import Told

HERE = Remote(owner="my-org", name="my-repo")
FLAGS = {"function": "checkout", "code": "src", "aws-region": "eu-central-1", "account-id": "012345678901"}
PATHS = {kind: f".github/workflows/{kind}.yml" for kind in ("deploy", "plan", "rollback")}
NOTHING = Existing(said={}, workflows={})
SCHEMA = jsonschema.Draft202012Validator(manifest.schema())


def chosen(existing: Existing = NOTHING, there: Remote | None = HERE, **more: str) -> Choices:
    flags = {**({} if existing.entries else FLAGS), **{name.replace("_", "-"): text for name, text in more.items()}}
    return decide(flags, existing, there, "main")


def refused(existing: Existing = NOTHING, there: Remote | None = HERE, **more: str) -> list[str]:
    with pytest.raises(InvalidInput) as error:
        chosen(existing, there, **more)
    return [str(problem) for problem in error.value.problems]


def written(choices: Choices, existing: Existing = NOTHING, taken: tuple[str, ...] = ()) -> dict[str, str]:
    return files.missing(choices, existing, taken, "TEMPLATE")


def again(texts: dict[str, str], target: str = "") -> Existing:
    """The repository as a second run finds it."""
    workflows = {path: text for path, text in texts.items() if path.startswith(files.WORKFLOWS)}
    file = files.MANIFEST if files.MANIFEST in texts else ""
    return read(file, texts.get(files.MANIFEST), workflows, target)


def step(text: str) -> dict[str, Any]:
    """The step of ci-deploy, in a workflow with one job."""
    (job,) = yaml.safe_load(text)["jobs"].values()
    found: dict[str, Any] = job["steps"][-1]
    return found


# --- Choices


def test_what_is_missing_is_named_at_once() -> None:
    assert missing({}, NOTHING, None) == ("function", "code", "aws-region", "account-id", "repository")
    assert missing(FLAGS, NOTHING, HERE) == ()
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:checkout"
    assert missing({"function": arn, "code": "src"}, NOTHING, HERE) == ()
    assert missing({"function": "f", "create-functions": "true"}, NOTHING, HERE) == ("aws-region", "account-id")
    with pytest.raises(InvalidInput) as error:
        decide({}, NOTHING, None, "")
    assert [problem.where for problem in error.value.problems] == [
        f"flag `--{name}`" for name in ("function", "code", "aws-region", "account-id", "repository")
    ]


@pytest.mark.parametrize(
    ("text", "application", "group", "told"),
    [
        ("functions:\n  a: {code: a}\n  b: {code: b}\n", "", "", []),
        (
            "functions:\n  a: {code: a, application: x, deployment-group: g}\n",
            "x",
            "g",
            ["Application=x", "DeploymentGroup=g"],
        ),
        (
            "functions:\n  a: {code: a, deployment-group: g}\n  b: {code: b, deployment-group: g}\n",
            "",
            "g",
            ["DeploymentGroup=g"],
        ),
        (
            "defaults: {application: x}\nfunctions:\n  a: {code: a}\n  b: {code: b}\n",
            "x",
            "",
            ["Application=x", "CreateGroups=false"],
        ),
        (
            "defaults: {application: x}\nfunctions:\n  a: {code: a}\n  b: {code: b, alias: prod}\n",
            "x",
            "*",
            ["Application=x", "DeploymentGroup='*'", "CreateGroups=false"],
        ),
    ],
)
def test_roles_and_groups_have_the_names_that_the_file_gives_them(
    text: str, application: str, group: str, told: list[str]
) -> None:
    """Where they are not the functions' and the alias's; what the stack cannot make it leaves alone."""
    run = 'run: {account-id: "012345678901", aws-region: eu-central-1}\n'
    choices = chosen(read("ci-deploy.yml", run + text, {}, ""))
    assert (choices.application, choices.group) == (application, group)
    trust = account.Trusted(deploy=("a:b",), read=(), rollback=())
    names = ("Application=", "DeploymentGroup=", "CreateGroups=")
    lines = [line.strip(" \\") for line in account.command(choices, trust).splitlines()]
    assert [line for line in lines if line.startswith(names)] == told
    assert choices.creates_groups is ("CreateGroups=false" not in told)


def test_flags_that_name_them_are_in_the_file_of_a_second_run() -> None:
    first = chosen(application="shop", deployment_group="checkout", alias="prod")
    second = chosen(again(written(first)))
    assert (second.functions, second.application, second.group) == (first.functions, "shop", "checkout")
    usual = chosen(application="checkout", deployment_group="prod", alias="prod")
    assert (usual.application, usual.group) == ("", "")


def test_applications_that_one_stack_cannot_know_are_refused() -> None:
    text = (
        'run: {account-id: "012345678901", aws-region: eu-central-1}\nfunctions: {a: {application: x}, b: {code: b}}\n'
    )
    assert refused(read("ci-deploy.yml", text, {}, "")) == [
        f"flag `--application` {words.APPLICATIONS} {words.BY_HAND}"
    ]


@pytest.mark.parametrize(
    ("folder", "code", "there"),
    [
        (".", "src", "src"),
        ("services/pay", ".", "services/pay"),
        ("services/pay", "../lib\n./build/app.zip", "services/lib\nservices/pay/build/app.zip"),
        ("services/pay", "s3://bucket/key", "s3://bucket/key"),
        ("services/pay", "$LATEST", "$LATEST"),
        ("services/pay", "s3://", "s3://"),
        ("services/pay", "", ""),
    ],
)
def test_code_is_named_from_the_root_wherever_one_stands(folder: str, code: str, there: str) -> None:
    """A monorepo's file is at its root, and so is every path in it."""
    assert from_root({"function": "f", "code": code}, folder) == {"function": "f", "code": there}
    assert from_root({"function": "f"}, folder) == {"function": "f"}


def test_every_partition_of_aws_is_known_by_its_regions() -> None:
    loader = botocore.loaders.create_loader()
    for partition in loader.load_data("partitions")["partitions"]:
        for region in partition["regions"].keys() - {f"{partition['id']}-global"}:
            assert chosen(aws_region=region).partition == partition["id"], region


def test_an_arn_says_region_and_account() -> None:
    choices = chosen(function="arn:aws-cn:lambda:cn-north-1:123456789012:function:f", aws_region="", account_id="")
    assert (choices.region, choices.account) == ("cn-north-1", "123456789012")
    assert choices.functions[0].name == "f"
    assert choices.role("deploy") == "arn:aws-cn:iam::123456789012:role/deploy-f"


def test_partitions() -> None:
    assert chosen(aws_region="us-gov-west-1").role("read").startswith("arn:aws-us-gov:iam::")
    assert chosen().role("read") == "arn:aws:iam::012345678901:role/read-checkout"


def test_without_a_file_nothing_is_there() -> None:
    assert read("", None, {}, "") == NOTHING


def test_flags_name_the_repository_else_its_remote() -> None:
    url = "git@ghes.example.com:my-org/my-repo.git"
    ghes = Remote(owner="my-org", name="my-repo", host="ghes.example.com")
    assert found_remote({}, url) == ghes
    assert found_remote({"repository": "a/b"}, url) == Remote(owner="a", name="b", host="ghes.example.com")
    assert found_remote({"github-server": "other.example.com"}, url) == Remote(
        owner="my-org", name="my-repo", host="other.example.com"
    )
    assert found_remote({"repository": "a/b"}, "") == Remote(owner="a", name="b")
    assert found_remote({"repository": "my-repo"}, url) == ghes
    assert found_remote({}, "") is None


def test_several_functions_have_a_code_each(told: Told) -> None:
    choices = chosen(function="cart\ncheckout", code="build/cart.zip\nbuild/checkout.zip")
    assert [(each.name, each.code) for each in choices.functions] == [
        ("cart", "build/cart.zip"),
        ("checkout", "build/checkout.zip"),
    ]
    assert choices.name == "my-repo"
    assert refused(function="cart\ncheckout") == told
    assert refused(function="cart\ncart", code="a\nb") == told


def test_functions_that_are_to_be_made_need_no_code() -> None:
    assert [each.code for each in chosen(code="", create_functions="true").functions] == ["src"]
    made = chosen(function="a,b", code="", create_functions="true")
    assert [each.code for each in made.functions] == ["src/a", "src/b"]
    texts = written(made)
    assert "def handler(event, context)" in texts["src/a/index.py"]
    assert "src/b/index.py" not in written(made, taken=("src/b/index.py",))


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("aws-region", "Frankfurt"), ("account-id", "12345678901"), ("function", "check out"), ("alias", "7"),
        ("name", "a b"), ("branch", "a b"), ("environment", "a b"), ("repository", "only-a-name"),
        ("github-server", "https://ghes.example.com"), ("action", "ci-deploy"), ("oidc-provider-arn", "arn:x"),
        ("owner-id", "me"), ("subject", "repo:my-org/*:ref:refs/heads/main"), ("read-subject", "x"),
        ("bucket", "My_Bucket"), ("deployment-config", "canary 10%"), ("code", "https://example.com/x.zip"),
    ],
)  # fmt: skip
def test_a_flag_that_is_misspelt_is_told_with_its_form(flag: str, value: str) -> None:
    problems = refused(**{flag.replace("-", "_"): value})
    assert len(problems) == 1
    assert problems[0].startswith(f"flag `--{flag}`: `{value}` ")
    assert "Write " in problems[0]


def test_the_bucket_has_a_name_that_s3_allows() -> None:
    assert chosen().bucket == "ci-deploy-checkout-012345678901-eu-central-1"
    long = chosen(function="My_Function-" + "x" * 50).bucket
    assert len(long) <= 63 and long.startswith("ci-deploy-my-function-x")
    assert chosen(bucket="ours/releases").bucket == "ours/releases"


def test_a_name_is_as_long_as_a_stack_and_roles_have_room_for() -> None:
    assert chosen(function="x" * 41).name == "x" * 40


def test_a_place_in_an_arn_that_the_file_denies_is_told() -> None:
    there = again(written(chosen()))
    arn = "arn:aws:lambda:us-east-1:012345678901:function:checkout"
    with pytest.raises(InvalidInput) as error:
        decide({"function": arn}, there, HERE, "main")
    assert "flag `--aws-region`" in [problem.where for problem in error.value.problems]


def test_a_jobs_branch_is_in_the_subjects_whose_template_asks_for_it() -> None:
    assert account.trusted(chosen(), Known(template=("ref",)), PATHS).deploy == ("ref:refs/heads/main",)


def test_many_functions_are_one_pattern(told: Told) -> None:
    names = [f"shop-{number}" for number in range(11)]
    choices = chosen(function="\n".join(names), code="\n".join(f"build/{name}.zip" for name in names))
    assert wildcard(choices.functions) == "shop-*"
    assert wildcard(choices.functions[:10]) == ""
    command = account.command(choices, account.trusted(choices, Known(), PATHS))
    assert yaml.safe_load(written(choices)[files.MANIFEST])["defaults"]["deployment-config"] == "canary 10% 5m"
    assert "'Functions=shop-*'" in command and "CreateGroups=false" in command
    assert "ServiceRoleArnshop'" in account.setup(choices)
    assert account.setup(chosen()) == ""
    assert refused(function="\n".join(names), code="", create_functions="true") == told
    strangers = [f"{letter}-function" for letter in "abcdefghijk"]
    assert refused(function="\n".join(strangers), code="\n".join(strangers)) == told


# --- Files


@settings(max_examples=30, deadline=None)
@given(
    function=st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    code=st.from_regex(r"[A-Za-z0-9_./#' -]{1,30}", fullmatch=True).filter(lambda text: text.strip()),
    alias=st.from_regex(r"(?!\d+$)[A-Za-z0-9_-]{1,20}", fullmatch=True),
    branch=st.from_regex(r"[A-Za-z0-9._/-]{1,30}", fullmatch=True),
    environment=st.from_regex(r"[A-Za-z0-9._/-]{0,20}", fullmatch=True),
)
def test_what_is_written_says_what_was_chosen(
    function: str, code: str, alias: str, branch: str, environment: str
) -> None:
    """The file by its schema and by its reader, the workflows by YAML; and a second run finds the same."""
    choices = chosen(function=function, code=code, alias=alias, branch=branch, environment=environment)
    texts = written(choices)
    SCHEMA.validate(yaml.safe_load(texts[files.MANIFEST]))
    (entry,) = manifest.read(texts[files.MANIFEST], {}, where="ci-deploy.yml").entries
    assert (entry.inputs.function, str(entry.inputs.code), entry.inputs.alias) == (function, code.strip(), alias)
    assert (entry.inputs.aws_region, entry.inputs.account_id) == ("eu-central-1", "012345678901")
    deploy = yaml.load(texts[PATHS["deploy"]], yaml.BaseLoader)
    assert deploy["on"]["push"]["branches"] == [branch]
    assert deploy["jobs"]["deploy"].get("environment", "") == environment
    existing = again(texts)
    assert decide({}, existing, HERE, "other") == choices
    assert written(choices, existing, tuple(texts)) == {}


def test_the_workflows_do_what_they_are_called() -> None:
    texts = written(chosen(environment="production", target="prod"))
    assert step(texts[PATHS["deploy"]])["with"] == {
        "target": "prod",
        "rollback-workflow": "rollback.yml",
        "role-to-assume": "arn:aws:iam::012345678901:role/deploy-checkout",
    }
    assert step(texts[PATHS["plan"]])["with"] == {
        "command": "plan",
        "target": "prod",
        "role-to-assume": "arn:aws:iam::012345678901:role/read-checkout",
    }
    assert step(texts[PATHS["rollback"]])["with"] == {
        "command": "rollback",
        "target": "prod",
        "version": "${{ inputs.version }}",
        "reason": "${{ inputs.reason }}",
        "hold": "${{ inputs.hold && 'set' || '' }}",
        "role-to-assume": "arn:aws:iam::012345678901:role/rollback-checkout",
    }
    assert "trusts\n# the environment production alone." in texts[PATHS["rollback"]]
    assert texts[files.TEMPLATE] == "TEMPLATE"


def test_the_rollback_of_several_functions_asks_which() -> None:
    texts = written(chosen(function="cart,checkout", code="a,b"))
    assert step(texts[PATHS["rollback"]])["with"]["only"] == "${{ inputs.only }}"


def test_alias_and_config_stand_in_the_file_where_they_are_chosen() -> None:
    text = written(chosen(alias="prod", deployment_config="canary 10% 7m"))[files.MANIFEST]
    assert yaml.safe_load(text)["defaults"] == {
        "bucket": "ci-deploy-checkout-012345678901-eu-central-1",
        "create-alias": True,
        "alias": "prod",
        "deployment-config": "canary 10% 7m",
    }


# --- What is there already


def test_a_second_run_writes_what_is_missing_with_the_files_values() -> None:
    first = chosen(environment="production", name="shop", branch="trunk", action="acme/ci-deploy@v1.2.3")
    texts = written(first)
    del texts[PATHS["rollback"]]
    existing = again(texts)
    choices = decide({}, existing, HERE, "main")
    assert choices == first
    more = written(choices, existing, tuple(texts))
    assert list(more) == [PATHS["rollback"]]
    assert step(more[PATHS["rollback"]])["uses"] == "acme/ci-deploy@v1.2.3"
    assert "rollback-shop" in more[PATHS["rollback"]] and "environment: production" in more[PATHS["rollback"]]


def test_another_run_needs_the_flags_that_no_file_remembers() -> None:
    flags = {**FLAGS, "create-functions": "true", "subject": "repo:a/b:x\nrepo:a/b:y", "name": "shop"}
    assert again_of(flags) == "ci-deploy init --create-functions true --subject repo:a/b:x --subject repo:a/b:y"
    assert again_of(FLAGS) == "ci-deploy init"


def test_the_same_flags_may_be_given_again() -> None:
    texts = written(chosen())
    assert decide(FLAGS, again(texts), HERE, "main") == chosen()


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("aws_region", "us-east-1"),
        ("name", "shop"),
        ("function", "cart"),
        ("code", "lib"),
    ],
)
def test_a_flag_that_denies_a_file_is_refused(flag: str, value: str, told: Told) -> None:
    (problem,) = refused(again(written(chosen())), **{flag: value})
    assert problem.startswith(f"flag `--{flag.replace('_', '-')}` ")
    assert problem == told


def test_a_workflow_of_somebody_else_keeps_its_name() -> None:
    others = {PATHS["deploy"]: "on: push\njobs: {build: {steps: [{run: make}]}}\n", PATHS["plan"]: "]["}
    existing = read("", None, others, "")
    assert existing.workflows == {}
    texts = written(chosen(), existing, tuple(others))
    assert {path for path in texts if path.startswith(files.WORKFLOWS)} == {
        ".github/workflows/deploy-lambda.yml",
        ".github/workflows/plan-lambda.yml",
        PATHS["rollback"],
    }


def test_a_workflow_that_uses_ci_deploy_is_found_by_what_it_does() -> None:
    text = """
on: {push: {branches: [main, next]}}
jobs:
  build: {steps: not-a-list}
  ship:
    environment: {name: production, url: x}
    steps:
      - uses: actions/checkout@v6
      - uses: my-org/ci-deploy@main
        with: {role-to-assume: "arn:aws:iam::012345678901:role/custom"}
      - uses: my-org/ci-deploy@main
        with: {command: status}
  again:
    environment: ${{ inputs.environment }}
    steps:
      - uses: other/ci-deploy@v9
"""
    existing = read("", None, {".github/workflows/a.yml": text, ".github/workflows/b.yml": "just text"}, "")
    assert existing.workflows == {"deploy": ".github/workflows/a.yml"}
    said = {name: each.value for name, each in existing.said.items()}
    assert said == {"action": "my-org/ci-deploy@main", "environment": "production"}


def test_a_file_that_links_the_button_keeps_its_link() -> None:
    text = "run: {rollback-workflow: back.yml, aws-region: eu-central-1}\nfunctions: {checkout: {code: src}}\n"
    existing = read(".github/ci-deploy.yml", text, {}, "")
    assert missing({}, existing, HERE) == ("account-id",)
    choices = chosen(existing, account_id="012345678901")
    texts = written(choices, existing)
    assert files.MANIFEST not in texts
    assert "rollback-workflow" not in step(texts[PATHS["deploy"]])["with"]


def test_a_file_with_environments_needs_the_target() -> None:
    text = json.dumps(
        {
            "functions": {"checkout": {"code": "src"}},
            "environments": {"prod": {"run": {"aws-region": "eu-central-1", "account-id": "012345678901"}}},
        }
    )
    existing = read("ci-deploy.yml", text, {}, "prod")
    choices = chosen(existing, target="prod")
    assert choices.region == "eu-central-1"
    assert step(written(choices, existing)[PATHS["deploy"]])["with"]["target"] == "prod"
    with pytest.raises(InvalidInput):
        read("ci-deploy.yml", text, {}, "")


# --- The account


def test_the_command_has_everything_in_it() -> None:
    choices = chosen()
    command = account.command(choices, account.trusted(choices, Known(owner_id="1", repository_id="2"), PATHS))
    for part in (
        "--region eu-central-1 --stack-name ci-deploy-checkout",
        "--template-file .github/ci-deploy-roles.yml",
        "Name=checkout",
        "Functions=checkout",
        "BucketName=ci-deploy-checkout-012345678901-eu-central-1",
        "':oidc-provider/token.actions.githubusercontent.com'",
        "DeploySubjects=repo:my-org/my-repo:ref:refs/heads/main,repo:my-org@1/my-repo@2:ref:refs/heads/main",
        "RollbackSubjects=repo:my-org/my-repo:ref:refs/heads/main,repo:my-org@1/my-repo@2:ref:refs/heads/main",
        "ReadSubjects=repo:my-org/my-repo:pull_request,repo:my-org@1/my-repo@2:pull_request,"
        "repo:my-org/my-repo:ref:refs/heads/main,repo:my-org@1/my-repo@2:ref:refs/heads/main",
    ):
        assert part in command
    for part in ("Alias=", "Issuer=", "CreateFunctions=", "CreateGroups="):
        assert part not in command


def test_the_command_says_what_differs_from_the_default() -> None:
    provider = "arn:aws:iam::012345678901:oidc-provider/x"
    ghes = Remote(owner="my-org", name="my-repo", host="ghes.example.com")
    choices = chosen(
        there=ghes, alias="prod", environment="production", name="my_shop", oidc_provider_arn=provider,
        create_functions="true",
    )  # fmt: skip
    command = account.command(choices, account.trusted(choices, Known(), PATHS))
    for part in (
        "--stack-name ci-deploy-my-shop",
        "Alias=prod",
        "CreateFunctions=true",
        "Issuer=ghes.example.com/_services/token",
        f"OidcProviderArn={provider} ",
        "DeploySubjects=repo:my-org/my-repo:environment:production",
    ):
        assert part in command


def test_subjects_that_are_given_are_the_ones() -> None:
    choices = chosen(subject="repo:a/b:x\nrepo:a/b:y", read_subject="repo:a/b:z")
    trust = account.trusted(choices, Known(template=("actor",)), PATHS)
    assert trust.deploy == trust.rollback == ("repo:a/b:x", "repo:a/b:y")
    assert trust.read == ("repo:a/b:z",)
    assert trust.unknown == ()


def test_a_template_that_cannot_be_known_names_its_claims() -> None:
    choices = chosen()
    trust = account.trusted(choices, Known(template=("actor",)), PATHS)
    assert trust.unknown == ("actor",)
    assert "Subjects=" not in account.command(choices, trust)


def test_a_file_that_cannot_be_used_says_why() -> None:
    assert words.unusable("Permission denied") == "cannot be used: Permission denied."
