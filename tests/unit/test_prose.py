"""The prose check of `make check`, with words of its own."""

from pathlib import Path

import pytest

from tools.prose import exception_of, expressions, findings, long_sentences

WORDS = expressions({"zaps?": "sends", "(?<!there[\\s_])is zero": "is 0"})


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ("The client zaps.", 1, "zaps"),
        ("# The first line.\n# Zap it.\n", 2, "Zap"),
        ("    # The count is\n    # zero\n", 1, "is # zero"),
        ('message = (\n    "a.yml is "\n    "zero"\n)\n', 2, 'is " "zero'),
        ("def test_count_is_zero() -> None: ...\n", 1, "is_zero"),
        ("zap = repr(answers)\n", 1, "zap"),
    ],
)
def test_finds_word_in_comment_message_and_name(text: str, line: int, found: str) -> None:
    (finding,) = findings(text, WORDS)

    assert (finding.line, finding.found) == (line, found)


@pytest.mark.parametrize(
    "text", ["zapped", "unzaps", "there is zero", "there_is_zero", "This zero"]
)
def test_ignores_other_words(text: str) -> None:
    assert not list(findings(text, WORDS))


def test_exception_allows_only_its_text() -> None:
    found = findings("client.zap\nThe client zaps.\n", WORDS, exception=r"\.zap")

    assert [finding.line for finding in found] == [2]


def test_exception_applies_to_files_of_its_pattern() -> None:
    exceptions = {"a/{{b}}/*": "zap", "a/c.py": "zip"}

    assert exception_of("a/{{b}}/src/d.py", exceptions) == "zap"
    assert exception_of("a/c.py", exceptions) == "zip"
    assert exception_of("a/d.py", exceptions) == ""


def test_suggests_shorter_sentences_outside_code() -> None:
    sentence = " ".join(["word"] * 26)
    text = f"# Title\n\n{sentence}.\nShort.\n\n```\n{sentence}\n```\n\n- One.\n- {sentence}.\n"

    found = list(long_sentences(Path("a.md"), text))

    assert [finding.line for finding in found] == [3, 10]
    assert all(str(finding).endswith("26 words") for finding in found)
