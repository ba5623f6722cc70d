"""What to do about a version that is not Active, by Lambda's State and StateReasonCode (botocore's Lambda model)."""

from __future__ import annotations

from collections.abc import Mapping

_REASON = "It is not about the code: mend what the reason names."
_INSTANCES = (
    "Lambda could not start enough managed instances. Raise the limit of the capacity provider or the account's EC2 "
    "quota, or allow more instance types."
)
_KEY = (
    "Lambda cannot use the function's KMS key. Check that the key exists and is enabled, and that its policy and the "
    "function's role allow kms:Decrypt."
)
_FILES = "Lambda cannot use the function's file system. Check its mount targets, security groups and access point."
_IMAGE = "Push the image again under the same digest, or allow Lambda to pull it."

# What passes, or is mended outside of the version.
OUTSIDE: Mapping[str, str] = {
    "CapacityProviderScalingLimitExceeded": _INSTANCES,
    "DependencyError": _REASON,
    "DisabledKMSKey": _KEY,
    "EC2RequestLimitExceeded": _INSTANCES,
    "EFSIOError": _FILES,
    "EFSMountConnectivityError": _FILES,
    "EFSMountFailure": _FILES,
    "EFSMountTimeout": _FILES,
    "EniLimitExceeded": _REASON,
    "ImageAccessDenied": _IMAGE,
    "ImageDeleted": _IMAGE,
    "IncompatibleAcceleratorInstanceTypes": _INSTANCES,
    "InsufficientCapacity": _INSTANCES,
    "InsufficientRolePermissions": _REASON,
    "InternalError": "Lambda had an internal error. If it persists, ask AWS Support.",
    "InvalidStateKMSKey": _KEY,
    "KMSKeyAccessDenied": _KEY,
    "KMSKeyNotFound": _KEY,
    "ServiceQuotaExceededException": _REASON,
    "SubnetOutOfIPAddresses": _REASON,
    "VcpuLimitExceeded": _INSTANCES,
}
# What is wrong with the code, or with a setting that the version has frozen.
INSIDE: Mapping[str, str] = {
    "FunctionError.ExtensionInitError": "An extension does not start. Check the function's layers.",
    "FunctionError.InitResourceExhausted": "The code needs more than it has to start. Give it more memory.",
    "FunctionError.InitTimeout": "The code takes too long to start. Do less outside the handler.",
    "FunctionError.InvalidEntryPoint": "The image has no such entry point. Correct it, or the image.",
    "FunctionError.InvalidWorkingDirectory": "The image has no such working directory. Correct it, or the image.",
    "FunctionError.PermissionDenied": "Lambda may not run or read a file of the code. Check file modes.",
    "FunctionError.RuntimeInitError": "The runtime cannot load the code. Check handler and dependencies.",
    "FunctionError.TooManyExtensions": "The function has too many extensions. Remove layers.",
}


def after_failing(state_code: str) -> str:
    """What to do about a version that did not become active, by Lambda's StateReasonCode."""
    if state_code in OUTSIDE:
        return (
            f"{OUTSIDE[state_code]} Then run again with the same `code`: it is sent anew, and Lambda makes a new "
            "version of it."
        )
    if state_code in INSIDE:
        return f"{INSIDE[state_code]} Then publish a new version, because the same code would fail in the same way."
    return (
        "Change the code, or the setting that the reason names, and publish a new version. The same code would fail in "
        "the same way."
    )


def out_of(state: str, state_code: str, *, function: str, version: str, region: str) -> str:
    """What makes a version of this state serve, or which one to deploy in its place."""
    if state == "Inactive":
        return (
            f"Invoke it once to wake it up (`aws lambda invoke --function-name {function} --qualifier {version} "
            f"--region {region} /dev/null`), then run again."
        )
    if state in ("Deactivating", "Deactivated"):
        # An invocation does not wake it up: its scaling config took its instances away.
        return (
            "Give it instances again, and wait until it is Active: `aws lambda put-function-scaling-config "
            f"--function-name {function} --qualifier {version} --region {region} "
            "--function-scaling-config MinExecutionEnvironments=3`."
        )
    if state == "ActiveNonInvocable":
        return "Only `$LATEST` is meant to be in that state. Publish a new version, and deploy that one."
    if state == "Deleting":
        return "Deploy another version."
    return after_failing(state_code)
