"""What `copier.yml` offers, for programs: questions, rules, the JSON Schema of an answers file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from new_backend.answers_file import RECORDED

if TYPE_CHECKING:
    from new_backend.questions import Question, Questionnaire


def describe(questionnaire: Questionnaire) -> dict[str, Any]:
    """Give all of it as one object."""
    return {
        "groups": [
            {"title": group.title, "questions": list(group.questions)}
            for group in questionnaire.groups
        ],
        "questions": [_question(question) for question in questionnaire.visible],
        "rules": [
            {
                "name": rule.name,
                "question": rule.question,
                "choice": rule.choice,
                "reason": rule.reason,
            }
            for rule in questionnaire.rules
        ],
        "schema": answers_schema(questionnaire),
    }


def answers_schema(questionnaire: Questionnaire) -> dict[str, Any]:
    """Give the JSON Schema of an answers file; the rules between answers are not in it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Answers to new-backend create",
        "type": "object",
        "properties": {
            **{question.name: _property(question) for question in questionnaire.visible},
            **{name: {"description": "Written by Copier, not read"} for name in sorted(RECORDED)},
        },
        "additionalProperties": False,
    }


def _question(question: Question) -> dict[str, Any]:
    return {
        "name": question.name,
        "flag": question.flag,
        "type": question.type,
        "help": question.help,
        "default": question.default,
        "when": question.when,
        "choices": [
            {
                "value": choice.value,
                "title": choice.title,
                "description": choice.description,
            }
            for choice in question.choices
        ],
    }


def _property(question: Question) -> dict[str, Any]:
    described: dict[str, Any] = {
        "type": "boolean" if question.type == "bool" else "string",
        "description": question.help,
    }
    if question.choices:
        described["enum"] = [choice.value for choice in question.choices]
    if question.default is not None and "{" not in str(question.default):
        described["default"] = question.default
    return described
