#!/usr/bin/env -S python3 -I -S
"""`gh` for the release workflow's steps: GitHub's Git database API on a local repository ($ORIGIN), and its releases.

Answers as api.github.com does: a reference that exists cannot be created (422), nor one that does not be moved. The
file `releases` beside the repository has a line for each release, `attested` one for each image that was attested.
"""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

ORIGIN = os.environ["ORIGIN"]


def git(*arguments: str, text: bytes = b"", index: str = "") -> str:
    environ = {**os.environ, "GIT_DIR": ORIGIN, **({"GIT_INDEX_FILE": index} if index else {})}
    done = subprocess.run(["git", *arguments], input=text, env=environ, capture_output=True)
    if done.returncode:
        fail(done.stderr.decode())
    return done.stdout.decode().strip()


def fail(why: str) -> None:
    print(f"gh: {why} (HTTP 422)", file=sys.stderr)
    sys.exit(1)


def exists(ref: str) -> bool:
    environ = {**os.environ, "GIT_DIR": ORIGIN}
    return subprocess.run(["git", "rev-parse", "-q", "--verify", ref], env=environ, capture_output=True).returncode == 0


def fields(arguments: list[str]) -> dict[str, str]:
    pairs = [arguments[at + 1] for at, word in enumerate(arguments) if word in ("-f", "-F")]
    return dict(pair.split("=", 1) for pair in pairs)


def api(path: str, given: dict[str, str], method: str) -> str:
    _, owner, name, *rest = path.split("/")
    assert f"{owner}/{name}" == os.environ["GITHUB_REPOSITORY"]
    match rest:
        case ["git", "blobs"]:
            assert given["encoding"] == "base64"
            return git("hash-object", "-w", "--stdin", text=base64.b64decode(given["content"], validate=True))
        case ["git", "trees"]:
            index = f"{ORIGIN}/index-of-tree"
            git("read-tree", f"{given['base_tree']}", index=index)
            assert git("cat-file", "-t", given["base_tree"]) == "tree"
            entry = f"{given['tree[][mode]']},{given['tree[][sha]']},{given['tree[][path]']}"
            git("update-index", "--add", "--cacheinfo", entry, index=index)
            return git("write-tree", index=index)
        case ["git", "commits"]:
            return git("commit-tree", given["tree"], "-p", given["parents[]"], "-m", given["message"])
        case ["git", "refs"]:
            if exists(given["ref"]):
                fail("Reference already exists")
            git("update-ref", given["ref"], given["sha"])
        case ["git", "refs", *ref] if method == "PATCH":
            if not exists("refs/" + "/".join(ref)):
                fail("Reference does not exist")
            git("update-ref", "refs/" + "/".join(ref), given["sha"])
        case ["releases"]:
            return Path(ORIGIN, "releases").read_text().strip()
        case ["contents", file]:
            name, _, ref = file.partition("?ref=")
            return git("show", f"{ref}:{name}")
        case ["commits", ref]:
            return git("rev-parse", f"{ref}^{{commit}}")
        case _:
            fail(f"no such route: {path}")
    return ""


def main(arguments: list[str]) -> None:
    match arguments:
        case ["api", *rest]:
            method = rest[rest.index("--method") + 1] if "--method" in rest else ""
            path = next(word for word in rest if word.startswith("repos/"))
            answer = api(path, fields(rest), method)
            print(answer if {"--jq", "--header"} & set(rest) else json.dumps({"sha": answer}))
        case ["attestation", "verify", image, "--repo", _, "--signer-workflow", workflow, "--source-ref", ref]:
            assert workflow.endswith("/.github/workflows/release.yml")
            assert ref == "refs/heads/main"
            if image not in Path(ORIGIN, "attested").read_text().splitlines():
                fail("no attestations found")
        case ["release", "create", tag, "--draft", "--verify-tag", "--title", title, "--notes-file", notes]:
            if not exists(f"refs/tags/{tag}"):
                fail(f"tag {tag} doesn't exist")
            Path(ORIGIN, "draft").write_text(f"{title}\n{Path(notes).read_text()}")
        case _:
            fail(f"not understood: {arguments}")


main(sys.argv[1:])
