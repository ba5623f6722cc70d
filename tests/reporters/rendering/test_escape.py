"""Nothing gets through a sink as anything but text: as a Markdown renderer sees it."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from mdit_py_plugins.gfm import gfm_plugin

from ci_deploy.core import links
from ci_deploy.reporters.rendering import escape

FRAGMENTS = (
    "::error::x",
    "::set-output name=a::b",
    "::stop-commands::x",
    "##[error]x",
    "::add-mask::x",
    "\n",
    "\r",
    "\r\n",
    "@octocat",
    "@org/team",
    "#1",
    "GH-1",
    "octo/repo#12",
    "fixes #3",
    ":tada:",
    ":+1:",
    "<script>",
    "</code>",
    "</summary>",
    "</details>",
    "<!--",
    "-->",
    "<img src=x onerror=y>",
    "`",
    "``",
    "```",
    "~~~",
    "````\n",
    "|",
    "| a |\n| - |",
    "\\",
    "\\|",
    "*",
    "**b**",
    "_i_",
    "__",
    "~~s~~",
    "[a](https://evil.example)",
    "![a](b)",
    "[^1]",
    "[^1]: x",
    "[a]: b",
    "# h",
    "- x",
    "+ x",
    "1. x",
    "1) x",
    "> q",
    "> [!NOTE]",
    "---",
    "===",
    "\t",
    "    ",
    "&amp;",
    "&#64;octocat",
    "&lt;",
    "$x$",
    "$$",
    "$`x`$",
    "https://evil.example",
    "http://x.yz",
    "www.evil.example",
    "a@b.cd",
    "mailto:a@b.cd",
    "xmpp:a@b.cd",
    "ftp://x.yz",
    "\x00",
    "\x1b[31m",
    "\x1b]0;title\x07",
    "\x1b]8;;http://x\x1b\\",
    "\x9b31m",
    "\x07",
    "\u202e",
    "\u2066",
    "\u200b",
    "\ufeff",
    "\u2028",
    "\x85",
    "\U000e0041",
    "\ud800",
    "é",
    "漢字",
    "🚀",
    "%%{init: {}}%%",
    '"',
    "'",
    "end",
    "click a href",
    ";",
    "{{",
    "}}",
)


def each_fragment(test: Callable[..., None]) -> Callable[..., None]:
    """Has a test of a hostile text tried with every fragment for certain: at its beginning, and inside."""
    for fragment in FRAGMENTS:
        test = example(text=f"{fragment} a {fragment}")(test)
    return test


hostile = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=8)), max_size=8).map("".join)
ZERO_WIDTH = "\u200b"


class Page(HTMLParser):
    """The elements of a page, and its text with the elements that it stands in."""

    VOID = ("br", "hr", "img", "input")

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.texts: list[tuple[str, tuple[str, ...]]] = []
        self.comments: list[str] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.texts.append((data, tuple(self._open)))

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    @property
    def tags(self) -> list[str]:
        return [tag for tag, _ in self.elements]

    @property
    def text(self) -> str:
        return " ".join("".join(text for text, _ in self.texts).replace(ZERO_WIDTH, "").split())

    @property
    def live(self) -> str:
        """The text in which GitHub looks for mentions and references: what is in no code."""
        return "\n".join(text for text, where in self.texts if not {"code", "pre"} & set(where))

    @property
    def mails(self) -> list[str]:
        """What GitHub would link as the address of a mail: it looks for them in code that is written as HTML too."""
        return [text for text, where in self.texts if "pre" not in where and re.search(r"\w@\w", text)]


@cache
def renderer() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).use(gfm_plugin, dollarmath=True)


def github(markdown: str) -> Page:
    return Page(renderer().render(markdown))


@cache
def harmless(place: str, text: str = "word") -> Page:
    """The page of a place in which nothing is foreign."""
    return github(PLACES[place].format(text))


def pings(text: str) -> list[str]:
    """What GitHub would make of text: mentions, references, emoji, links."""
    return re.findall(r"@\w|#\d|(?i:\bgh-\d)|:[\w+-]+:|https?://|ftp://|(?i:www\.)\w|mailto:\w", text)


def words(text: str) -> str:
    return " ".join(text.split())


PLACES: dict[str, str] = {
    "paragraph": "{}",
    "bold": "**{}**",
    "after text": "Reason: {} and more",
    "cell": "| a | b |\n| --- | --- |\n| {} | after |",
    "list": "- {}\n- after",
    "alert": "> [!CAUTION]\n> {}\n>\n> after",
    "heading": "### {} after",
    "sub": "<sub>{}</sub>",
    "summary": "<details><summary>{}</summary>\n\nbody\n\n</details>\n\nafter",
    "link": '<a href="https://example.com/">{}</a>',
}


@each_fragment
@given(text=hostile)
@example("1. x")
@example("- x")
@example("a\n\n# b")
@example("@octocat fixes #1 GH-2 :tada: www.evil.example")
def test_prose_is_text_everywhere(text: str) -> None:
    """Whatever the text, the page has the elements that it has with a harmless word, and reads as the text."""
    shown = escape.prose(text)
    expected = words(escape.plain(text, 2_000)) or "word"
    for place, around in PLACES.items():
        page, same = github(around.format(shown or "word")), harmless(place)
        assert page.tags == same.tags, place
        assert page.comments == [], place
        assert pings(page.live.replace("https://example.com/", "")) == [], place
        assert page.text.replace("after", "") == same.text.replace("word", expected, 1).replace("after", ""), place


@pytest.mark.parametrize("make", [escape.code, escape.html_code])
@each_fragment
@given(text=hostile)
def test_code_is_one_piece_of_code(make: Callable[[str], str], text: str) -> None:
    """A name in code is exactly one `code` element that reads as the name."""
    shown = make(text)
    if not shown:
        return
    for place in ("paragraph", "after text", "cell", "list", "alert", "heading"):
        page = github(PLACES[place].format(shown))
        assert page.tags == harmless(place, "`word`").tags, place
        inside = "".join(piece for piece, where in page.texts if "code" in where).replace(ZERO_WIDTH, "")
        assert words(inside) == words(escape.plain(text, 300)), place
        assert pings(page.live) == [], place
        assert shown.startswith("`") or page.mails == [], place


@given(text=hostile)
def test_code_in_a_summary(text: str) -> None:
    """HTML code works where Markdown does not."""
    page = github(PLACES["summary"].format(escape.html_code(text) or "<code>x</code>"))
    assert page.tags == harmless("summary", "<code>x</code>").tags
    assert page.mails == []


@pytest.mark.parametrize(
    "text", ["mona@example.com is on call", "mailto:mona@example.com?x", "<a@b.cd>", "xmpp:a@b.cd&"]
)
@pytest.mark.parametrize("make", [escape.prose, escape.code, escape.html_code, escape.marked])
def test_no_text_becomes_the_link_of_a_mail(make: Callable[[str], str], text: str) -> None:
    """GitHub links them after entities were decoded, and looks into code that is written as HTML."""
    page = github(re.sub("`[^`]+`", "", make(text)))  # what Markdown itself calls code is left alone
    assert page.mails == []
    assert "a" not in page.tags


@given(text=hostile)
def test_marked_adds_code_at_most(text: str) -> None:
    """Our own sentences may have code in them; foreign text in them still reads as itself, backticks apart."""
    page = github(escape.marked(text) or "word")
    assert set(page.tags) <= {"p", "code"}
    assert page.tags.count("p") == 1
    assert pings(page.live) == []
    expected = words(escape.plain(text, 2_000)) or "word"
    assert page.text.replace("`", "").replace(" ", "") == expected.replace("`", "").replace(" ", "")


def test_marked_shows_names_in_code() -> None:
    """What stands in backticks is code."""
    assert escape.marked("`errors < 1%` or `observe: p99.9 < 1.5x`") == "`errors < 1%` or `observe: p99.9 < 1.5x`"
    assert escape.marked("`errors < <b>`").startswith("&#96;")
    command = "aws lambda update-alias --name live --routing-config 'AdditionalVersionWeights={}'"
    assert github(escape.marked(f"Run `{command}`.")).tags == ["p", "code"]
    assert github(escape.marked(f"Run `{command}`.")).text == f"Run {command}."
    assert escape.marked("Set `hook-logs: on`, or ask @mona") == "Set `hook-logs: on`, or ask @&#8203;mona"


@pytest.mark.parametrize(
    ("address", "label"),
    [
        (links.page("iam/README.md"), "docs/iam/README.md"),
        (links.ISSUES, "github.com/your-org/ci-deploy/issues"),
        (links.AWS_STATUS, "health.aws.amazon.com"),
        (links.GITHUB_STATUS, "www.githubstatus.com"),
    ],
)
def test_an_address_that_our_sentences_name_is_a_link(address: str, label: str) -> None:
    shown = escape.marked(f"It is at {address}.")
    assert f'<a href="{address}">' in shown
    assert github(shown).text == f"It is at {label}."


@pytest.mark.parametrize(
    "address", ["https://example.com/", "http://github.com/your-org/ci-deploy/issues", links.PAGES + "../../x.md"]
)
def test_no_other_address_is_a_link(address: str) -> None:
    assert "<a" not in escape.marked(f"The hook said: see {address}, please")


@given(text=hostile, before=st.sampled_from(["", "text\n\n", "<details><summary>x</summary>\n\n"]))
def test_a_fence_holds(text: str, before: str) -> None:
    """A fenced block ends where we end it and reads as the text, line for line."""
    page = github(f"{before}{escape.fence(text)}\n\nafter")
    assert page.tags[-3:] == ["pre", "code", "p"]
    inside = "".join(piece for piece, where in page.texts if "pre" in where)
    expected = [row.rstrip() for row in escape.plain(text).expandtabs(4).split("\n")]
    assert [row.rstrip() for row in inside.rstrip("\n").split("\n")] == "\n".join(expected).rstrip("\n").split("\n")
    assert page.texts[-2][0] == "after"


@given(url=st.one_of(hostile, hostile.map("https://example.com/".__add__), hostile.map("javascript:".__add__)))
def test_links_lead_to_the_web_only(url: str) -> None:
    """An address is http(s) or no link at all, and stays inside its attribute."""
    page = github(f"| a |\n| --- |\n| {escape.link('name', url)} |\n")
    links = [attrs for tag, attrs in page.elements if tag == "a"]
    assert set(page.tags) <= {"table", "thead", "tbody", "tr", "th", "td", "a"}
    assert page.text == "a name"
    for attrs in links:
        assert [name for name, _ in attrs] == ["href"]
        assert str(attrs[0][1]).startswith(("http://", "https://"))


@given(text=hostile)
def test_plain_is_visible_and_still(text: str) -> None:
    """No control, format or bidi character, no escape sequence and no lone surrogate is left."""
    cleaned = escape.plain(text)
    cleaned.encode("utf-8")
    import unicodedata

    assert not [c for c in cleaned if c not in "\n\t" and unicodedata.category(c)[0] == "C"]


@given(text=hostile)
def test_a_log_line_is_one_line_without_commands(text: str) -> None:
    """One line, on which the runner finds no `##[command]`."""
    shown = escape.line(text)
    assert len(shown.splitlines()) <= 1
    assert "##[" not in shown


@given(text=hostile)
def test_a_mermaid_label_is_a_label(text: str) -> None:
    """Only characters that mean nothing in a diagram."""
    assert set(escape.mermaid(text)) <= set(string.ascii_letters + string.digits + " ._/%-…")
    assert "%%" not in escape.mermaid(text)


def test_ten_megabytes_cost_nothing() -> None:
    """A huge line is cut before anything looks at all of it, and the cut is said."""
    text = "\x1b]" + "`@octocat " * 1_000_000
    for shown in (escape.prose(text), escape.code(text), escape.line(text), escape.fence(text), escape.marked(text)):
        assert len(shown) < 200_000
    assert "characters in all" in escape.prose("a" * 10_000_000)


def test_the_tail_of_a_log_is_kept() -> None:
    """Of a long log the end is shown, with a note of what is missing."""
    shown = escape.fence("\n".join(map(str, range(100))), lines=3, keep="tail")
    assert shown == "```text\n… (97 more lines)\n97\n98\n99\n```"


def test_what_people_read_stays_readable() -> None:
    """Ordinary sentences are not littered with entities in the Markdown source."""
    text = "ALARM_ACTIVE: 2 alarms, 14.5 % of 10,000 requests failed (see checkout-errors)."
    assert escape.prose(text) == text
