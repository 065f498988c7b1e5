# SPDX-License-Identifier: MIT
"""docs/style.md held against every text of the project: messages, help, comments, pages and tests."""

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from sim import user_strings

PROJECT = Path(__file__).resolve().parents[2]
STYLE = "meta-pantavisor/docs/style.md"
# Published words, texts of others, and the rules with their examples.
OTHERS = ("tests/vectors/", "kas/quickstart/bitbake/lib/", "LICENSE", STYLE, "tests/unit/test_style.py")
COLUMNS = 108
BE = r"(?:is|are|was|were|be|been)"
# Pattern -> what else it finds that is meant.
RULES = {
    rf"\b{BE} no [A-Za-z{{%\"'`<]": rf"\b[Tt]here (?:\w+ )?{BE} no |\bno (?:longer|more)\b",
    rf"\b{BE} none\b": rf"\b[Tt]here (?:\w+ )?{BE} none",
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
    r"\b[Tt]ells?\b|\btelling\b": r"\.tell\(",
    r"hint=f?\"[^\"]*\?\"": r"^$",
    r"hint: [a-z][^\"]*\?": r"\.replace\(|hint: hint|\(\?|\.\?",
}
# For what exists; "there is" begins a sentence, and a place is not meant.
THERE = (
    r"\b(?:is|are|be|being|was|not) (?:already )?there\b(?! (?:is|are|was|were)\b)"
    r"|\bthere (?:already|(?:is|are)$)"
)
# What users read is held more strictly: messages, hints, help. Pattern -> what else it finds that is meant.
FOR_USERS = {
    r"\b[Ss](?:ays?|aid|aying)\b": r"^$",
    r"\b[Tt](?:ells?|old|elling)\b": r"^$",
    r"\b[Bb]esides?\b": r"^$",
    r"\b[Ww]anted\b": r"^$",
    THERE: r"^$",
    r"\bstands?\b": r"^$",
    r"\b[Aa]new\b": r"^$",
    r"\b[Hh]ouse\b|\bground\b|\brooms\b": r"^$",
    r"\bmeans? nothing\b": r"^$",
    r"[a-z}]\?(?:[\"'\\]|$)": r"^$",  # hints are instructions
    r"\b[Ff]olders?\b": r"^$",
    r"\b[Bb]ehind\b": r"left behind|hide its addresses behind",
    r"\b(?:is|are) in no\b|\bbelongs? to no\b|\b[Kk]nows? no": r"^$",
    r"\ba text\b": r"^$",
    r"\b[Mm]end(?:s|ed|ing)?\b": r"^$",
    r"\b[Mm]a[dk]e\w* [^.]*\bby:": r"^$",
    r"\b[Bb]y way of\b|\bbroke off\b": r"^$",
}
# Pages are held to most of it.
FOR_PAGES = {
    r"\b[Ss](?:ays?|aid|aying)\b": r"A device that says hello",
    r"\b[Tt](?:ells?|old|elling)\b": r"^$",
    r"\b[Bb]esides?\b": r"^$",
    r"\b[Ww]anted\b": r"^$",
    THERE: r"^$",
    r"\bstands?\b": r"^$",
    r"\b[Aa]new\b": r"^$",
    r"\b[Ss]trangers?\b": r"^$",
    r"\b[Ff]olders?\b": r"^$",
    r"\b[Mm]end(?:s|ed|ing)?\b": r"^$",
}
# Comments and docstrings of what is delivered; "said", "beside" and "wanted" are names in its code as well.
FOR_CODE = {
    r"\b[Ss]ay(?:s|ing)?\b": r"\bsay\(|\bsay[:=]|, say$",
    r"\b[Tt]old\b": r"^$",
    r"\b[Bb]esides\b": r"^$",
    r"\b[Aa]new\b": r"^$",
    r"\b[Ss]trangers?\b": r"^$",
    r"\b[Mm]end(?:s|ed|ing)?\b": r"^$",
    r"\bbelongs? to no\b": r"^$",
    r"\b(?:end|header|[Ll]ikewise|zeros|bytes|lies?|comes?) behind\b": r"^$",
}
CODE = (
    *(f"meta-pantavisor/{folder}" for folder in ("lib/", "classes/", "conf/", "recipes-")),
    "scripts/",
    "kas/",
)
SHOWN = (".py", ".c", ".h", ".bb", ".bbclass", ".inc", ".cfg", ".sh")  # and what has no suffix: commands


def files() -> Iterator[tuple[str, str]]:
    """The project's text files: name and content."""
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=PROJECT, text=True).split("\0")
    for name in listed:
        path = PROJECT / name
        if name.startswith(OTHERS) or "/corpus/" in name or path.is_symlink() or not path.is_file():
            continue
        try:
            yield name, path.read_text()
        except UnicodeDecodeError:
            continue


@pytest.fixture(scope="module")
def sources() -> "list[tuple[str, str]]":
    if not (PROJECT / ".git").exists():
        pytest.skip("the files of the project are listed by git, and this is not a git repository")
    return list(files())


@pytest.fixture(scope="module")
def shown(sources: "list[tuple[str, str]]") -> "list[tuple[str, str]]":
    """Each string for users with its place, of the files in which a rule finds anything at all."""
    any_rule = re.compile("|".join(FOR_USERS))
    return [
        (f"{name}:{number}", string)
        for name, text in sources
        if name.endswith(SHOWN) or "." not in Path(name).name
        if not name.startswith("tests/") and "/test/" not in name and any_rule.search(text)
        for number, string in user_strings.of(name, text)
    ]


@pytest.mark.parametrize("pattern", RULES)
def test_texts_are_written_by_the_rules(sources: "list[tuple[str, str]]", pattern: str) -> None:
    check(lines(sources, pattern), pattern, RULES[pattern])


@pytest.mark.parametrize("pattern", FOR_USERS)
def test_what_users_read_is_written_by_the_rules(shown: "list[tuple[str, str]]", pattern: str) -> None:
    check(shown, pattern, FOR_USERS[pattern])


@pytest.mark.parametrize("pattern", FOR_PAGES)
def test_pages_are_written_by_the_rules(sources: "list[tuple[str, str]]", pattern: str) -> None:
    pages = [(name, text) for name, text in sources if name.endswith(".md")]
    check(lines(pages, pattern), pattern, FOR_PAGES[pattern])


@pytest.mark.parametrize("pattern", FOR_CODE)
def test_comments_are_written_by_the_rules(sources: "list[tuple[str, str]]", pattern: str) -> None:
    delivered = [
        source
        for source in sources
        if source[0].startswith(CODE) and "/test/" not in source[0] and source[0][-3:] != ".md"
    ]
    check(lines(delivered, pattern), pattern, FOR_CODE[pattern])


def test_lines_of_shell_bitbake_and_c_are_as_narrow_as_those_of_python(
    sources: "list[tuple[str, str]]",
) -> None:
    """Tables of C too, which clang-format passes over. A command of a demonstration's Dockerfile is its
    image's.
    """
    suffixes = (".bb", ".bbclass", ".inc", ".conf", ".cfg", ".sh", ".c", ".h")
    wide = [
        f"{name}:{number}"
        for name, text in sources
        if name.endswith(suffixes) or ("." not in Path(name).name and re.match(r"#!.*sh\b", text))
        for number, line in enumerate(text.splitlines(), 1)
        if len(line.expandtabs(8)) > COLUMNS
    ]
    assert not wide, "\n".join([f"more than {COLUMNS} columns:", *wide])


def lines(sources: "list[tuple[str, str]]", pattern: str) -> Iterator[tuple[str, str]]:
    """Each line with its place, of the files in which the rule finds anything at all."""
    rule = re.compile(pattern, re.MULTILINE)
    for name, text in sources:
        if rule.search(text):
            yield from ((f"{name}:{number}", line) for number, line in enumerate(text.splitlines(), 1))


def check(texts: "Iterable[tuple[str, str]]", pattern: str, exceptions: str) -> None:
    rule, meant = re.compile(pattern), re.compile(exceptions)
    found = [
        f"{place}: {text.strip()}" for place, text in texts if rule.search(text) and not meant.search(text)
    ]
    assert not found, "\n".join([f"{STYLE} lists how to write these:", *found])


def test_strings_for_users_are_found_in_every_language() -> None:
    python = '"""x says so."""\ndef f():\n    """It says."""\n    g(f"it {x} says", "two words")  # says\n'
    assert list(user_strings.of("a.py", python)) == [(4, "it {} says"), (4, "two words")]
    c = '/* "it says\n */\nf("it \\"says\\" http://x", "word", \'"\'); // "it says"\n'
    assert list(user_strings.of("a.c", c)) == [(3, 'it \\"says\\" http://x')]
    shell = '#!/bin/sh\n# it says\necho "it says"\n'
    assert list(user_strings.of("x", shell)) == [(3, 'echo "it says"')]


def test_each_rule_finds_what_the_page_has_as_wrong() -> None:
    """What the second column of the page shows is found, so no pattern has gone blind."""
    wrong = [
        '"x" is no revision', "a part that is none", "use what somebody made", "a key that nobody knows",
        "say --raw",
        "make one by: pvr init", "sign it by: pvr", '"web" is too much for pvr status',
        "a root vouches for it", "holds half a character", "it stands in src.json", "it tells why",
        'hint="is it there?"', "hint: is it there?",
    ]  # fmt: skip
    for_users = [
        "only say what", "it tells why", "one beside another", "what is wanted", "what is there",
        "as it stands", "made anew", "in this house", "a size that means nothing", "run it again?",
        "an empty folder", "those behind a minus", "it is in no state", "not a text", "what you can mend",
        "make one now by: x", "by way of a proxy",
    ]  # fmt: skip
    for_pages = [
        "as the log says", "GRUB is told", "a file beside it", "as wanted", "where it is there",
        "a member stands twice", "made anew", "JSON of strangers", "an empty folder",
        "it was mended",
    ]  # fmt: skip
    for_code = ["as its name says", "is told", "others besides", "made anew", "of a stranger", "is mended",
                "belongs to no part", "what comes behind"]  # fmt: skip
    for rules, examples in (
        (RULES, wrong),
        (FOR_USERS, for_users),
        (FOR_PAGES, for_pages),
        (FOR_CODE, for_code),
    ):
        assert len(rules) == len(examples)
        for pattern, example in zip(rules, examples):
            assert re.search(pattern, example) and not re.search(rules[pattern], example), example
