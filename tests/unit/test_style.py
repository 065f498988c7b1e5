# SPDX-License-Identifier: MIT
"""docs/style.md held against every text of the project: messages, help, comments, pages and tests."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
STYLE = "meta-pantavisor/docs/style.md"
# Published words, texts of others, and the rules with their examples.
OTHERS = ("tests/vectors/", "kas/quickstart/bitbake/lib/", "LICENSE", STYLE, "tests/unit/test_style.py")
BE = r"(?:is|are|was|were|be|been)"
# Pattern -> what else it finds that is meant.
RULES = {
    rf"\b{BE} no [A-Za-z{{%\"'`<]": rf"\b[Tt]here (?:\w+ )?{BE} no |\bno (?:longer|more)\b",
    r"\b(?:[Ww]hoever|[Ss]omebody|[Ee]verybody)\b": r"b?\"\.?somebody's\"",
    r"\b[Nn]obody\b": r"[\"'`,=]nobody\b|mgmt or nobody|user nobody|runs as nobody|nobody:"
    r"|\bnobody[ (]*[=(]|\*nobody",
    r"\b[Ss]ay(?:ing)? --": r"^$",
    r"\b(?:make|made|making) (?:one|them|it) by:": r"^$",
    r"\bsign (?:it|them) by:": r"^$",
    r"\btoo much for\b": r"^$",
    r"\bvouch": r"^$",
    r"\bhalf a character\b": r"^$",
    r"\bstands in\b": r"^$",
    r"\b[Tt]ells?\b|\btelling\b": r"[._]?\btell\(",
    r"hint=f?\"[^\"]*\?\"": r"did you mean",
    r"hint: [a-z][^\"]*\?": r"did you mean|\.replace\(|hint: hint|\(\?|\.\?",
}


def lines() -> Iterator[tuple[str, str]]:
    """Each line of the project's text files with its place."""
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=PROJECT, text=True).split("\0")
    for name in listed:
        path = PROJECT / name
        if (
            not name
            or name.startswith(OTHERS)
            or "/corpus/" in name
            or path.is_symlink()
            or not path.is_file()
        ):
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            yield f"{name}:{number}", line


@pytest.fixture(scope="module")
def texts() -> "list[tuple[str, str]]":
    if not (PROJECT / ".git").exists():
        pytest.skip("the files of the project are listed by git, and this is not a git repository")
    return list(lines())


@pytest.mark.parametrize("pattern", RULES)
def test_texts_are_written_by_the_rules(texts: "list[tuple[str, str]]", pattern: str) -> None:
    rule, meant = re.compile(pattern), re.compile(RULES[pattern])
    found = [
        f"{place}: {line.strip()}" for place, line in texts if rule.search(line) and not meant.search(line)
    ]
    assert not found, "\n".join([f"{STYLE} says how to write these:", *found])


def test_each_rule_finds_what_the_page_has_as_wrong() -> None:
    """What the second column of the page shows is found, so no pattern has gone blind."""
    wrong = [
        '"x" is no revision', "use what somebody made", "a key that nobody knows", "say --raw",
        "make one by: pvr init", "sign it by: pvr", '"web" is too much for pvr status',
        "a root vouches for it", "holds half a character", "it stands in src.json", "it tells why",
        'hint="is it there?"', "hint: is it there?",
    ]  # fmt: skip
    for pattern, example in zip(RULES, wrong):
        assert re.search(pattern, example) and not re.search(RULES[pattern], example), example
