"""GitHub's answers in full: every member that its OpenAPI description requires, from the few that differ.

Source: npm package `@octokit/openapi`; tests/contract holds the answers against it. What nobody deploys by (stars,
wiki, milestones) has one value for all.
"""

from __future__ import annotations

import hashlib
from typing import Any

Json = dict[str, Any]
BOT: Json = {"login": "github-actions[bot]", "id": 41898282, "type": "Bot", "site_admin": False}
PERSON: Json = {"login": "emulator-user", "id": 1000001, "type": "User", "site_admin": False}
APP: Json = {"id": 15368, "slug": "github-actions", "name": "GitHub Actions"}
BEGINNING = "2020-01-01T00:00:00Z"  # of every account and repository

_OF_A_USER = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
_OF_A_REPOSITORY = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
_COUNTS = (
    "forks", "forks_count", "open_issues", "open_issues_count", "size", "stargazers_count", "watchers",
    "watchers_count",
)  # fmt: skip


def number_of(text: str) -> int:
    """The id of a thing that is known by its name: always the same."""
    return int(hashlib.sha1(text.encode()).hexdigest()[:8], 16)


def user(url: str, known: Json) -> Json:
    """A user in the short form, from login, id and type."""
    login = known["login"]
    name = login.removesuffix("[bot]")
    here = f"{url}/api/v3/users/{login}"
    return {
        "login": login,
        "id": known.get("id", number_of(login)),
        "node_id": f"U_{number_of(login):08x}",
        "avatar_url": f"{url}/avatars/{name}",
        "gravatar_id": "",
        "url": here,
        "html_url": f"{url}/apps/{name}" if known.get("type") == "Bot" else f"{url}/{login}",
        "type": known.get("type", "User"),
        "site_admin": known.get("site_admin", False),
        **{name: here + path for name, path in _OF_A_USER.items()},
    }


def private_user(url: str, known: Json) -> Json:
    """A user as they see themselves."""
    counts = (
        "followers", "following", "public_gists", "public_repos", "private_gists", "total_private_repos",
        "owned_private_repos", "disk_usage", "collaborators",
    )  # fmt: skip
    nothing = ("bio", "blog", "company", "email", "hireable", "location", "name")
    return {
        **user(url, known),
        **dict.fromkeys(counts, 0),
        **dict.fromkeys(nothing, None),
        "user_view_type": "private",
        "two_factor_authentication": True,
        "created_at": BEGINNING,
        "updated_at": BEGINNING,
    }


def app(url: str) -> Json:
    """The app that a job's own token belongs to."""
    return {
        **APP,
        "node_id": f"A_{APP['id']:08x}",
        "owner": user(url, {"login": "github", "type": "Organization"}),
        "description": "Automate your workflow from idea to production",
        "external_url": f"{url}/features/actions",
        "html_url": f"{url}/apps/{APP['slug']}",
        "created_at": BEGINNING,
        "updated_at": BEGINNING,
        "permissions": {"contents": "read", "deployments": "write", "issues": "write", "metadata": "read"},
        "events": [],
    }


def repository(url: str, full_name: str) -> Json:
    """A public repository with nothing in it."""
    owner, _, name = full_name.partition("/")
    here, page = f"{url}/api/v3/repos/{full_name}", f"{url}/{full_name}"
    return {
        "id": number_of(full_name),
        "node_id": f"R_{number_of(full_name):08x}",
        "name": name,
        "full_name": full_name,
        "owner": user(url, {"login": owner, "type": "Organization"}),
        "private": False,
        "visibility": "public",
        "default_branch": "main",
        "description": None,
        "fork": False,
        "url": here,
        "html_url": page,
        "clone_url": f"{page}.git",
        "git_url": f"{page}.git",
        "ssh_url": f"{page}.git",
        "svn_url": page,
        "mirror_url": None,
        "homepage": None,
        "language": None,
        "license": None,
        "archived": False,
        "disabled": False,
        "has_issues": True,
        "has_projects": False,
        "has_wiki": False,
        "has_pages": False,
        "has_downloads": False,
        "has_discussions": False,
        "pushed_at": BEGINNING,
        "created_at": BEGINNING,
        "updated_at": BEGINNING,
        **dict.fromkeys(_COUNTS, 0),
        **{member: here + path for member, path in _OF_A_REPOSITORY.items()},
    }


def whole_repository(known: Json) -> Json:
    """A repository as it is told when it is asked for alone."""
    return {**known, "network_count": 0, "subscribers_count": 0}


def issue(url: str, full_name: str, number: int, *, title: str, state: str, comments: int, moment: str) -> Json:
    """An issue; a pull request is one too."""
    here = f"{url}/api/v3/repos/{full_name}/issues/{number}"
    return {
        "id": number_of(f"issue {full_name}#{number}"),
        "node_id": f"I_{number_of(f'{full_name}#{number}'):08x}",
        "number": number,
        "title": title,
        "body": None,
        "state": state,
        "locked": False,
        "user": user(url, PERSON),
        "author_association": "NONE",
        "assignee": None,
        "assignees": [],
        "labels": [],
        "milestone": None,
        "comments": comments,
        "created_at": moment,
        "updated_at": moment,
        "closed_at": None if state == "open" else moment,
        "url": here,
        "html_url": f"{url}/{full_name}/issues/{number}",
        "repository_url": f"{url}/api/v3/repos/{full_name}",
        "comments_url": f"{here}/comments",
        "events_url": f"{here}/events",
        "labels_url": f"{here}/labels{{/name}}",
    }


def pull(url: str, base: Json, number: int, given: Json, moment: str) -> Json:
    """A pull request of the repository `base` as lists have it. `given`: see GitHubState.add_pull."""
    full_name = base["full_name"]
    repos = f"{url}/api/v3/repos/{full_name}"
    here, page = f"{repos}/pulls/{number}", f"{url}/{full_name}/pull/{number}"
    merged = bool(given.get("merged") and given.get("merge_commit_sha"))
    state = given.get("state", "closed" if merged else "open")
    sha = given.get("head_sha") or hashlib.sha1(f"{full_name}#{number}".encode()).hexdigest()
    fork = given.get("fork")
    head = {**repository(url, fork), "fork": True} if fork else base
    addresses = {
        "self": here,
        "html": page,
        "issue": f"{repos}/issues/{number}",
        "comments": f"{repos}/issues/{number}/comments",
        "review_comments": f"{here}/comments",
        "review_comment": f"{repos}/pulls/comments{{/number}}",
        "commits": f"{here}/commits",
        "statuses": f"{repos}/statuses/{sha}",
    }
    return {
        "id": number_of(f"{full_name}#{number}"),
        "node_id": f"PR_{number_of(f'{full_name}#{number}'):08x}",
        "number": number,
        "state": state,
        "locked": False,
        "title": given.get("title", f"Pull request {number}"),
        "body": given.get("body"),
        "draft": False,
        "user": user(url, PERSON),
        "author_association": "NONE",
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "labels": [],
        "milestone": None,
        "auto_merge": None,
        "created_at": moment,
        "updated_at": moment,
        "closed_at": None if state == "open" else moment,
        "merged_at": moment if merged else None,
        "merge_commit_sha": given.get("merge_commit_sha"),
        "url": here,
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        **{f"{name}_url": addresses[name] for name in addresses if name not in ("self", "html")},
        "head": _branch(given.get("head_ref", f"feature-{number}"), sha, head),
        "base": _branch(given.get("base_ref", "main"), number_sha(full_name), base),
        "_links": {name: {"href": address} for name, address in addresses.items()},
    }


def whole_pull(known: Json, comments: int) -> Json:
    """A pull request as it is told when it is asked for alone."""
    merged = known["merged_at"] is not None
    return {
        **known,
        "merged": merged,
        "merged_by": known["user"] if merged else None,
        "mergeable": None,
        "rebaseable": None,
        "mergeable_state": "unknown",
        "maintainer_can_modify": False,
        "comments": comments,
        "review_comments": 0,
        "commits": 1,
        "additions": 1,
        "deletions": 0,
        "changed_files": 1,
    }


def number_sha(text: str) -> str:
    """A commit of that name: always the same."""
    return hashlib.sha1(text.encode()).hexdigest()


def _branch(ref: str, sha: str, repo: Json) -> Json:
    owner = repo["owner"]
    return {"label": f"{owner['login']}:{ref}", "ref": ref, "sha": sha, "user": owner, "repo": repo}
