"""Run once inside the image's build stage: makes the installed environment small, and proves that it still works.

botocore is 31 MB, most of it API models of services that are never called. This keeps those that are, makes every
client of them, installs the product beside them, drops what nothing reads at run time, and compiles with hashes
instead of time stamps, so that the same lock gives the same bytes.
"""

from __future__ import annotations

import compileall
import os
import py_compile
import shutil
import sys
import sysconfig
from pathlib import Path

# sso, sso-oidc and signin are for botocore's credential providers.
KEEP = ("codedeploy", "lambda", "s3", "sts", "sso", "sso-oidc", "signin", "cloudwatch", "logs", "iam")
REGIONS = ("us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1")


def prune(packages: Path) -> None:
    """Remove models, examples, tests and type stubs; packaging tools never were in this environment."""
    data = packages / "botocore" / "data"
    for folder in data.iterdir():
        if folder.is_dir() and folder.name not in KEEP:
            shutil.rmtree(folder)
    shutil.rmtree(packages / "boto3" / "data", ignore_errors=True)
    shutil.rmtree(packages / "boto3" / "examples", ignore_errors=True)
    for pattern in ("**/examples-1.json", "**/examples-1.json.gz", "**/*.pyi", "**/*.pyx", "**/*.pxd"):
        for path in packages.glob(pattern):
            path.unlink()
    for path in [*packages.glob("**/tests"), *packages.glob("**/__pycache__")]:
        shutil.rmtree(path)
    for path in (Path(sys.prefix) / "bin").iterdir():
        if not path.name.startswith("python"):
            path.unlink()
    for path in packages.glob("*.dist-info/RECORD"):
        path.unlink()  # it lists what is gone, and nothing here installs or removes packages


def install(product: Path, packages: Path) -> None:
    """The product is plain Python: copying is installing."""
    shutil.copytree(product, packages / product.name, ignore=shutil.ignore_patterns("__pycache__"))


def smoke() -> None:
    """Every client can be made, in every partition, and the product can be imported."""
    import botocore.session

    from ci_deploy import __main__, app

    session = botocore.session.Session()
    session.set_credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    for service in KEEP:
        for region in REGIONS:
            session.create_client(service, region_name=region)
    # Other packages make it easy to import what the lock does not have.
    missing = [name for name in ("pip", "setuptools") if name in sys.modules]
    assert not missing, missing
    assert callable(app.run)
    assert callable(__main__.main)


def compile_all(packages: Path) -> None:
    """Byte code that depends on the sources alone."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    good = compileall.compile_dir(packages, quiet=1, force=True, invalidation_mode=mode, stripdir=str(packages.parent))
    assert good, "something does not compile"


def settle(root: Path) -> None:
    """One time stamp for every file."""
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    for path in [root, *root.rglob("*")]:
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def main(product: Path) -> None:
    packages = Path(sysconfig.get_path("purelib"))
    prune(packages)
    install(product, packages)
    smoke()
    compile_all(packages)
    settle(Path(sys.prefix))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
