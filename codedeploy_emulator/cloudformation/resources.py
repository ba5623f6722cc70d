"""The types of resources that a stack can have here: each is made, changed and taken away by the service's own API."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

from ..errors import ApiError
from ..places import partition
from ..server.wire import Response

# service, method, path, body, headers -> the answer
Send = Callable[[str, str, str, bytes, dict[str, str]], Response]
Properties = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What Ref and GetAtt Arn answer."""

    ref: str
    arn: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a stack's resources are made; `stack` is what names begin with that the template leaves open."""

    send: Send
    account: str
    region: str
    stack: str

    def arn(self, service: str, rest: str, *, everywhere: bool = False) -> str:
        return f"arn:{partition(self.region)}:{service}:{'' if everywhere else self.region}:{self.account}:{rest}"

    def own_name(self, logical: str, longest: int) -> str:
        end = hashlib.sha256(f"{self.stack}/{logical}".encode()).hexdigest()[:12].upper()
        return f"{self.stack}-{logical}"[: longest - 13] + f"-{end}"

    def iam(self, action: str, **fields: str) -> None:
        self._asked(
            "iam", "POST", "/", urlencode({"Action": action, "Version": "2010-05-08", **fields}).encode(), _FORM
        )

    def codedeploy(self, operation: str, params: Mapping[str, Any]) -> None:
        headers = {"X-Amz-Target": f"CodeDeploy_20141006.{operation}", "Content-Type": "application/x-amz-json-1.1"}
        self._asked("codedeploy", "POST", "/", json.dumps(params).encode(), headers)

    def rest(self, service: str, method: str, path: str, body: bytes = b"", content: str = "application/json") -> None:
        self._asked(service, method, path, body, {"Content-Type": content})

    def _asked(self, service: str, method: str, path: str, body: bytes, headers: dict[str, str]) -> None:
        answer = self.send(service, method, path, body, headers)
        if answer.status >= 300:
            raise ApiError("ResourceFailed", answer.body.decode("utf-8", "replace")[:500])


_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Kind:
    """A type of resource. `change` is for what may change without being made anew."""

    def make(self, place: Place, logical: str, properties: Properties) -> Named:
        raise NotImplementedError

    def change(self, place: Place, named: Named, properties: Properties) -> None:
        raise ApiError("ResourceFailed", f"The emulator does not change a {type(self).__name__} of a stack.")

    def drop(self, place: Place, named: Named, properties: Properties) -> None:
        raise NotImplementedError


class OidcProvider(Kind):
    def make(self, place: Place, logical: str, properties: Properties) -> Named:
        clients = {f"ClientIDList.member.{n}": each for n, each in enumerate(properties["ClientIdList"], 1)}
        place.iam(
            "CreateOpenIDConnectProvider", Url=properties["Url"], **clients, **{"ThumbprintList.member.1": "0" * 40}
        )
        arn = place.arn("iam", f"oidc-provider/{properties['Url'].removeprefix('https://')}", everywhere=True)
        return Named(ref=arn, arn=arn)

    def drop(self, place: Place, named: Named, properties: Properties) -> None:
        place.iam("DeleteOpenIDConnectProvider", OpenIDConnectProviderArn=named.arn)


class Role(Kind):
    def make(self, place: Place, logical: str, properties: Properties) -> Named:
        name = properties.get("RoleName") or place.own_name(logical, 64)
        place.iam("CreateRole", RoleName=name, AssumeRolePolicyDocument=_text(properties["AssumeRolePolicyDocument"]))
        for arn in properties.get("ManagedPolicyArns", []):
            place.iam("AttachRolePolicy", RoleName=name, PolicyArn=arn)
        self._put(place, name, properties)
        return Named(ref=name, arn=place.arn("iam", f"role/{name}", everywhere=True))

    def change(self, place: Place, named: Named, properties: Properties) -> None:
        document = _text(properties["AssumeRolePolicyDocument"])
        place.iam("UpdateAssumeRolePolicy", RoleName=named.ref, PolicyDocument=document)
        self._put(place, named.ref, properties)

    def drop(self, place: Place, named: Named, properties: Properties) -> None:
        for arn in properties.get("ManagedPolicyArns", []):
            place.iam("DetachRolePolicy", RoleName=named.ref, PolicyArn=arn)
        for policy in properties.get("Policies", []):
            place.iam("DeleteRolePolicy", RoleName=named.ref, PolicyName=policy["PolicyName"])
        place.iam("DeleteRole", RoleName=named.ref)

    @staticmethod
    def _put(place: Place, name: str, properties: Properties) -> None:
        for policy in properties.get("Policies", []):
            document = _text(policy["PolicyDocument"])
            place.iam("PutRolePolicy", RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=document)


class ManagedPolicy(Kind):
    def make(self, place: Place, logical: str, properties: Properties) -> Named:
        name = properties.get("ManagedPolicyName") or place.own_name(logical, 128)
        arn = place.arn("iam", f"policy/{name}", everywhere=True)
        self._create(place, arn, properties)
        return Named(ref=arn, arn=arn)

    def change(self, place: Place, named: Named, properties: Properties) -> None:
        self.drop(place, named, properties)
        self._create(place, named.arn, properties)

    def drop(self, place: Place, named: Named, properties: Properties) -> None:
        for role in properties.get("Roles", []):
            place.iam("DetachRolePolicy", RoleName=role, PolicyArn=named.arn)
        place.iam("DeletePolicy", PolicyArn=named.arn)

    @staticmethod
    def _create(place: Place, arn: str, properties: Properties) -> None:
        document = _text(properties["PolicyDocument"])
        place.iam("CreatePolicy", PolicyName=arn.rpartition("/")[2], PolicyDocument=document)
        for role in properties.get("Roles", []):
            place.iam("AttachRolePolicy", RoleName=role, PolicyArn=arn)


class Bucket(Kind):
    def make(self, place: Place, logical: str, properties: Properties) -> Named:
        name = properties.get("BucketName") or place.own_name(logical, 63).lower()
        where = f"<LocationConstraint>{place.region}</LocationConstraint>" if place.region != "us-east-1" else ""
        body = f"<CreateBucketConfiguration>{where}</CreateBucketConfiguration>" if where else ""
        place.rest("s3", "PUT", f"/{name}", body.encode(), "application/xml")
        if status := properties.get("VersioningConfiguration", {}).get("Status"):
            text = f"<VersioningConfiguration><Status>{escape(status)}</Status></VersioningConfiguration>"
            place.rest("s3", "PUT", f"/{name}?versioning", text.encode(), "application/xml")
        return Named(ref=name, arn=f"arn:{partition(place.region)}:s3:::{name}")

    def drop(self, place: Place, named: Named, properties: Properties) -> None:
        place.rest("s3", "DELETE", f"/{named.ref}")


class BucketPolicy(Kind):
    """Kept by the stack alone: moto enforces it without its conditions, and TLS is what clients here never have."""

    def make(self, place: Place, logical: str, properties: Properties) -> Named:
        return Named(ref=f"{properties['Bucket']}-policy")

    def drop(self, place: Place, named: Named, properties: Properties) -> None:
        """Nothing was made."""


class Function(Kind):
    def make(self, place: Place, logical: str, properties: Properties) -> Named:
        name = properties.get("FunctionName") or place.own_name(logical, 64)
        module = str(properties["Handler"]).partition(".")[0]
        suffix = "py" if str(properties["Runtime"]).startswith("python") else "js"
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(f"{module}.{suffix}", properties["Code"]["ZipFile"])
        body = {
            "FunctionName": name,
            "Code": {"ZipFile": base64.b64encode(packed.getvalue()).decode()},
            **{
                key: properties[key]
                for key in ("Runtime", "Handler", "Role", "Timeout", "Environment")
                if key in properties
            },
        }
        place.rest("lambda", "POST", "/2015-03-31/functions", json.dumps(body).encode())
        return Named(ref=name, arn=place.arn("lambda", f"function:{name}"))

    def drop(self, place: Place, named: Named, properties: Properties) -> None:
        place.rest("lambda", "DELETE", f"/2015-03-31/functions/{quote(named.ref)}")


class Application(Kind):
    def make(self, place: Place, logical: str, properties: Properties) -> Named:
        name = properties.get("ApplicationName") or place.own_name(logical, 100)
        place.codedeploy("CreateApplication", {**_camel(properties), "applicationName": name})
        return Named(ref=name)

    def drop(self, place: Place, named: Named, properties: Properties) -> None:
        place.codedeploy("DeleteApplication", {"applicationName": named.ref})


class DeploymentGroup(Kind):
    def make(self, place: Place, logical: str, properties: Properties) -> Named:
        name = properties.get("DeploymentGroupName") or place.own_name(logical, 100)
        place.codedeploy("CreateDeploymentGroup", {**_camel(properties), "deploymentGroupName": name})
        return Named(ref=name)

    def change(self, place: Place, named: Named, properties: Properties) -> None:
        params = {**_camel(properties), "currentDeploymentGroupName": named.ref}
        params.pop("deploymentGroupName", None)
        place.codedeploy("UpdateDeploymentGroup", params)

    def drop(self, place: Place, named: Named, properties: Properties) -> None:
        params = {"applicationName": properties["ApplicationName"], "deploymentGroupName": named.ref}
        place.codedeploy("DeleteDeploymentGroup", params)


KINDS: Mapping[str, Kind] = {
    "AWS::IAM::OIDCProvider": OidcProvider(),
    "AWS::IAM::Role": Role(),
    "AWS::IAM::ManagedPolicy": ManagedPolicy(),
    "AWS::S3::Bucket": Bucket(),
    "AWS::S3::BucketPolicy": BucketPolicy(),
    "AWS::Lambda::Function": Function(),
    "AWS::CodeDeploy::Application": Application(),
    "AWS::CodeDeploy::DeploymentGroup": DeploymentGroup(),
}


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


def _camel(value: Any) -> Any:
    """CloudFormation's names of members, as the service's own API has them."""
    if isinstance(value, Mapping):
        return {key[0].lower() + key[1:]: _camel(each) for key, each in value.items()}
    return [_camel(each) for each in value] if isinstance(value, list) else value
