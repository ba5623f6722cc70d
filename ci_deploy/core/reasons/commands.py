"""Commands to paste. Each names its function, region and account: another one of that name is never meant."""

from __future__ import annotations

import shlex

from ..lazy import dataclass

GET_THE_TOOL = "pip install 'ci-deploy[cli]'"


def read_log(function: str, region: str, waited: float = 0.0) -> str:
    """The AWS CLI's command that shows what a function has logged in the last hour, `waited` seconds not counted."""
    where = ["--region", region] if region else []
    hours = 1 + int(waited // 3600)
    return shlex.join(["aws", "logs", "tail", f"/aws/lambda/{function}", "--since", f"{hours}h", *where])


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Whose commands they are. What is not known is left out, and so is an account that is not for everybody."""

    function: str
    alias: str
    application: str = ""
    group: str = ""
    region: str = ""
    account: str = ""

    def status(self) -> str:
        return self._ours("status")

    def follow(self, deployment_id: str) -> str:
        """Follow a deployment that is running; without an id, whichever it is."""
        which = ["--deployment-id", deployment_id] if deployment_id else []
        return self._ours("status", *which, "--wait", "true")

    def stop(self, deployment_id: str) -> str:
        return self._ours("stop", "--deployment-id", deployment_id)

    def rollback(self, version: str = "") -> str:
        """Without a version, to the previous one. On a terminal it asks for the reason."""
        return self._ours("rollback", *(["--version", version] if version else []))

    def set_alias(self, version: str) -> str:
        """The AWS CLI's command that gives all traffic to one version."""
        return self._aws(
            "update-alias",
            *self._alias,
            "--function-version",
            version,
            "--routing-config",
            "AdditionalVersionWeights={}",
        )

    def create_alias(self, version: str) -> str:
        return self._aws("create-alias", *self._alias, "--function-version", version)

    def list_versions(self) -> str:
        return self._aws("list-versions-by-function", "--function-name", self.function)

    @property
    def _alias(self) -> tuple[str, ...]:
        return "--function-name", self.function, "--name", self.alias

    def _aws(self, *command: str) -> str:
        return shlex.join(["aws", "lambda", *command, *(["--region", self.region] if self.region else [])])

    def _ours(self, command: str, *more: str) -> str:
        where = ["--function", self.function, "--alias", self.alias]
        if self.application:
            where += ["--application", self.application, "--deployment-group", self.group]
        where += ["--aws-region", self.region] if self.region else []
        where += ["--account-id", self.account] if self.account else []
        return shlex.join(["ci-deploy", command, *where, *more])


EXAMPLE = Where(function="checkout", alias="live", application="shop", group="checkout", region="eu-central-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """All traffic of an alias is to be put on one version, which somebody has to do."""

    where: Where
    version: str

    @property
    def text(self) -> str:
        return f"Put all traffic on version {self.version} with `{self.where.set_alias(self.version)}`."
