"""Stacks and their change sets: CloudFormation's operations, as far as `aws cloudformation deploy` and its friends ask.

A stack is made at once, in the order in which its resources need each other; what fails takes back what was made, as
CloudFormation does. Names, statuses and errors are CloudFormation's. Source: its API reference.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from ..errors import ApiError
from ..places import partition
from ..server.wire import AwsCall, Request, Response, query_response
from . import template as reading
from .resources import KINDS, Kind, Named, Place, Send

LARGEST = 51_200  # bytes of a template that is sent, and not in S3


@dataclass(slots=True, kw_only=True)
class Made:
    """A resource of a stack."""

    type: str
    named: Named
    properties: Mapping[str, Any]
    retained: bool


@dataclass(slots=True, kw_only=True)
class Change:
    """What a change set holds."""

    name: str
    id: str
    text: str
    parameters: Mapping[str, str]
    empty: bool = False
    executed: bool = False


@dataclass(slots=True, kw_only=True)
class Stack:
    name: str
    id: str
    created: str
    status: str = "REVIEW_IN_PROGRESS"
    reason: str = ""
    text: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    made: dict[str, Made] = field(default_factory=dict)
    outputs: list[dict[str, str]] = field(default_factory=list)
    changes: dict[str, Change] = field(default_factory=dict)


class Stacks:
    """CloudFormation of all accounts and regions. `send` makes a request of the caller's to another service."""

    def __init__(self, send: Callable[[AwsCall], Send], now: Callable[[], str]) -> None:
        self._send = send
        self._now = now
        self._stacks: dict[tuple[str, str], dict[str, Stack]] = {}
        self._operations: Mapping[str, Callable[[AwsCall, str, dict[str, str]], Any]] = {
            "CreateChangeSet": self._create_change_set,
            "DescribeChangeSet": self._describe_change_set,
            "ExecuteChangeSet": self._execute_change_set,
            "DescribeStacks": self._describe_stacks,
            "DescribeStackEvents": self._describe_stack_events,
            "ListStackResources": self._list_stack_resources,
            "DeleteStack": self._delete_stack,
            "GetTemplateSummary": self._get_template_summary,
        }

    def reset(self) -> None:
        self._stacks.clear()

    def answer(self, request: Request, call: AwsCall, account: str) -> Response:
        """The answer to an operation. NotImplementedError for one that is not modelled."""
        if call.operation not in self._operations:
            raise NotImplementedError
        fields = dict(parse_qsl(request.body.decode() or request.query_string, keep_blank_values=True))
        result = self._operations[call.operation](call, account, fields)
        return query_response("cloudformation", call.operation, result)

    # Operations

    def _create_change_set(self, call: AwsCall, account: str, fields: dict[str, str]) -> Any:
        name, text = fields["StackName"], fields.get("TemplateBody", "")
        if len(text.encode()) > LARGEST:
            raise _invalid(f"1 validation error detected: Member must have length less than or equal to {LARGEST}")
        here = self._stacks.setdefault((account, call.region), {})
        if fields.get("ChangeSetType") == "CREATE":
            if name in here and here[name].status != "REVIEW_IN_PROGRESS":
                raise ApiError("AlreadyExistsException", f"Stack [{name}] already exists")
            arn = f"arn:{partition(call.region)}:cloudformation:{call.region}:{account}:stack/{name}/{uuid.uuid4()}"
            here.setdefault(name, Stack(name=name, id=arn, created=self._now()))
        stack = self._found(call, account, name)
        parameters = _parameters(fields, stack.parameters)
        sections = reading.read(text)
        self._check_capabilities(sections, fields)
        Plan(self._place(call, account, stack), stack, sections, parameters).names()  # refuses what is wrong with them
        identity = f"{stack.id.replace(':stack/', ':changeSet/')}/{fields['ChangeSetName']}"
        empty = stack.text == text and dict(stack.parameters) == parameters
        change = Change(name=fields["ChangeSetName"], id=identity, text=text, parameters=parameters, empty=empty)
        stack.changes[change.name] = change
        return {"Id": identity, "StackId": stack.id}

    def _describe_change_set(self, call: AwsCall, account: str, fields: dict[str, str]) -> Any:
        stack, change = self._change(call, account, fields)
        why = "The submitted information didn't contain changes. Submit different information to create a change set."
        return {
            "ChangeSetName": change.name,
            "ChangeSetId": change.id,
            "StackId": stack.id,
            "StackName": stack.name,
            "Status": "FAILED" if change.empty else "CREATE_COMPLETE",
            "ExecutionStatus": "UNAVAILABLE" if change.empty else "AVAILABLE",
            **({"StatusReason": why} if change.empty else {}),
            "Changes": [],
        }

    def _execute_change_set(self, call: AwsCall, account: str, fields: dict[str, str]) -> Any:
        stack, change = self._change(call, account, fields)
        if change.empty or change.executed:
            raise ApiError(
                "InvalidChangeSetStatus", f"ChangeSet [{change.id}] cannot be executed in its current status"
            )
        change.executed = True
        place, first = self._place(call, account, stack), not stack.made
        plan = Plan(place, stack, reading.read(change.text), change.parameters)
        try:
            plan.carry_out()
        except ApiError as error:
            stack.reason = error.message
            stack.status = "ROLLBACK_COMPLETE" if first else "UPDATE_ROLLBACK_FAILED"
            if first:
                plan.take_back()
            return {}
        stack.text, stack.parameters, stack.reason = change.text, change.parameters, ""
        stack.status = "CREATE_COMPLETE" if first else "UPDATE_COMPLETE"
        return {}

    def _describe_stacks(self, call: AwsCall, account: str, fields: dict[str, str]) -> Any:
        name = fields.get("StackName")
        here = self._stacks.get((account, call.region), {})
        stacks = [self._found(call, account, name)] if name else list(here.values())
        return {"Stacks": [self._shown(stack) for stack in stacks]}

    def _describe_stack_events(self, call: AwsCall, account: str, fields: dict[str, str]) -> Any:
        stack = self._found(call, account, fields["StackName"])
        itself = {
            "LogicalResourceId": stack.name,
            "PhysicalResourceId": stack.id,
            "ResourceType": "AWS::CloudFormation::Stack",
            "ResourceStatus": stack.status,
            **({"ResourceStatusReason": stack.reason} if stack.reason else {}),
        }
        events = [itself, *self._resources(stack)]
        common = {"StackId": stack.id, "StackName": stack.name, "Timestamp": stack.created}
        return {"StackEvents": [{**common, "EventId": str(number), **each} for number, each in enumerate(events)]}

    def _list_stack_resources(self, call: AwsCall, account: str, fields: dict[str, str]) -> Any:
        stack = self._found(call, account, fields["StackName"])
        common = {"LastUpdatedTimestamp": stack.created}
        return {"StackResourceSummaries": [{**common, **each} for each in self._resources(stack)]}

    def _get_template_summary(self, call: AwsCall, account: str, fields: dict[str, str]) -> Any:
        text = fields.get("TemplateBody") or self._found(call, account, fields.get("StackName", "")).text
        specs = reading.read(text).get("Parameters") or {}
        return {
            "Parameters": [
                {
                    "ParameterKey": name,
                    "ParameterType": spec["Type"],
                    **({"DefaultValue": spec["Default"]} if "Default" in spec else {}),
                }
                for name, spec in specs.items()
            ]
        }

    def _delete_stack(self, call: AwsCall, account: str, fields: dict[str, str]) -> Any:
        name = fields["StackName"]
        stack = self._stacks.get((account, call.region), {}).get(name)
        if stack is not None:
            Plan(self._place(call, account, stack), stack, {"Resources": {}}, {}).carry_out()
            del self._stacks[account, call.region][name]
        return {}

    # Their parts

    def _found(self, call: AwsCall, account: str, name: str) -> Stack:
        for stack in self._stacks.get((account, call.region), {}).values():
            if name in (stack.name, stack.id):
                return stack
        raise _invalid(f"Stack with id {name} does not exist")

    def _change(self, call: AwsCall, account: str, fields: dict[str, str]) -> tuple[Stack, Change]:
        wanted = fields["ChangeSetName"]
        for stack in self._stacks.get((account, call.region), {}).values():
            for change in stack.changes.values():
                if wanted in (change.name, change.id):
                    return stack, change
        raise ApiError("ChangeSetNotFound", f"ChangeSet [{wanted}] does not exist", 404)

    def _place(self, call: AwsCall, account: str, stack: Stack) -> Place:
        return Place(send=self._send(call), account=account, region=call.region, stack=stack.name)

    @staticmethod
    def _check_capabilities(sections: Mapping[str, Any], fields: Mapping[str, str]) -> None:
        given = {value for name, value in fields.items() if name.startswith("Capabilities.member.")}
        text = str(sections.get("Resources"))
        needed = ["CAPABILITY_NAMED_IAM"] if "RoleName" in text else ["CAPABILITY_IAM"] if "AWS::IAM::" in text else []
        if needed == ["CAPABILITY_IAM"] and "CAPABILITY_NAMED_IAM" in given:
            needed = []
        needed += ["CAPABILITY_AUTO_EXPAND"] if sections.get("Transform") else []
        if missing := [each for each in needed if each not in given]:
            raise ApiError("InsufficientCapabilitiesException", f"Requires capabilities : [{', '.join(missing)}]")

    @staticmethod
    def _resources(stack: Stack) -> list[dict[str, str]]:
        return [
            {
                "LogicalResourceId": logical,
                "PhysicalResourceId": made.named.ref,
                "ResourceType": made.type,
                "ResourceStatus": "CREATE_COMPLETE",
            }
            for logical, made in stack.made.items()
        ]

    @staticmethod
    def _shown(stack: Stack) -> dict[str, Any]:
        return {
            "StackName": stack.name,
            "StackId": stack.id,
            "CreationTime": stack.created,
            "StackStatus": stack.status,
            **({"StackStatusReason": stack.reason} if stack.reason else {}),
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value} for key, value in sorted(stack.parameters.items())
            ],
            "Outputs": stack.outputs,
        }


class Plan:
    """One template, carried out on one stack."""

    def __init__(self, place: Place, stack: Stack, sections: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
        self._place = place
        self._stack = stack
        self._busy: list[str] = []
        self._new: list[str] = []
        pseudo = {
            "AWS::Partition": partition(place.region), "AWS::Region": place.region, "AWS::AccountId": place.account,
            "AWS::StackName": stack.name, "AWS::StackId": stack.id, "AWS::URLSuffix": "amazonaws.com",
        }  # fmt: skip
        self._template = reading.Template(
            sections,
            parameters,
            pseudo,
            ref=lambda logical: self._named(logical).ref,
            arn=lambda logical: self._named(logical).arn,
        )
        self._bodies = self._template.names("Resources")
        self._done: set[str] = set()

    def names(self) -> list[str]:
        """The logical IDs; types that are not known here are refused."""
        for logical, (body, _) in self._bodies.items():
            if body["Type"] not in KINDS:
                raise _invalid(f"Template format error: Unrecognized resource types: [{body['Type']}] ({logical})")
        return list(self._bodies)

    def carry_out(self) -> None:
        """Make what is missing, change what differs, take away what the template has no more."""
        for logical in self.names():
            self._named(logical)
        self._stack.outputs = [
            {
                "OutputKey": name,
                "OutputValue": str(self._template.evaluated(body["Value"], loop)),
                "Description": str(body.get("Description", "")),
            }
            for name, (body, loop) in self._template.names("Outputs").items()
        ]
        for logical in [each for each in reversed(self._stack.made) if each not in self._bodies]:
            self._drop(logical, keep=self._stack.made[logical].retained)

    def take_back(self) -> None:
        """After a first attempt that failed: nothing stays."""
        for logical in reversed(self._new):
            self._drop(logical, keep=False)

    def _drop(self, logical: str, *, keep: bool) -> None:
        made = self._stack.made.pop(logical)
        if not keep:
            KINDS[made.type].drop(self._place, made.named, made.properties)

    def _named(self, logical: str) -> Named:
        """A resource's names; it is made if need be, after those that it refers to."""
        made = self._stack.made.get(logical)
        if logical in self._done and made:
            return made.named
        if logical not in self._bodies:
            raise _invalid(f"Template format error: Unresolved resource dependencies [{logical}]")
        if logical in self._busy:
            raise _invalid(f"Circular dependency between resources: [{', '.join(self._busy)}]")
        self._busy.append(logical)
        body, loop = self._bodies[logical]
        properties = self._template.evaluated(body.get("Properties") or {}, loop)
        kind: Kind = KINDS[body["Type"]]
        if made is None:
            named = kind.make(self._place, logical, properties)
            self._new.append(logical)
        else:
            named = made.named
            if made.properties != properties:
                kind.change(self._place, named, properties)
        retained = body.get("DeletionPolicy") == "Retain"
        self._stack.made[logical] = Made(type=body["Type"], named=named, properties=properties, retained=retained)
        self._busy.remove(logical)
        self._done.add(logical)
        return named


def _parameters(fields: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, key in fields.items():
        number = re.fullmatch(r"Parameters\.member\.(\d+)\.ParameterKey", name)
        if number:
            at = f"Parameters.member.{number[1]}"
            previous = fields.get(f"{at}.UsePreviousValue") == "true"
            if previous and key not in before:
                continue  # what was never given keeps its default
            found[key] = before[key] if previous else fields.get(f"{at}.ParameterValue", "")
    return found


def _invalid(message: str) -> ApiError:
    return ApiError("ValidationError", message)
