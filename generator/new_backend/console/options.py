"""The questions with their choices, and the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from new_backend.console.printing import print_json, print_wrapped

if TYPE_CHECKING:
    from new_backend.questions import Question, Questionnaire


def print_options(questionnaire: Questionnaire, *, as_json: bool) -> None:
    """Print every question with its choices, and the rules."""
    from new_backend.schema import describe

    if as_json:
        print_json(describe(questionnaire))
        return
    for group in questionnaire.groups:
        print(group.title)
        for name in group.questions:
            _print_question(questionnaire, questionnaire.by_name[name])
        print()
    if questionnaire.rules:
        print("Rules")
        for rule in questionnaire.rules:
            print_wrapped(f"{rule.name}: {rule.question} {rule.choice}: {rule.reason}", 2)


def _print_question(questionnaire: Questionnaire, question: Question) -> None:
    from new_backend.answers import described_default

    default = described_default(questionnaire, question)
    print_wrapped(f"{question.flag}: {question.help}" + (f" [{default}]" if default else ""), 2)
    width = max((len(choice.value) for choice in question.choices), default=0)
    for choice in question.choices:
        print_wrapped(f"{choice.value:<{width}}  {choice.description or choice.title}", 6)
