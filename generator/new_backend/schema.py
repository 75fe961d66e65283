"""The questions and rules of `copier.yml` for programs, and the JSON Schema of an answers file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from new_backend.answers_file import RECORDED

if TYPE_CHECKING:
    from new_backend.questions import Question, Questionnaire


def describe(questionnaire: Questionnaire) -> dict[str, Any]:
    """Return groups, questions, rules and the schema as one object."""
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
    """Return the JSON Schema of an answers file, without the rules between answers."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Answers to new-backend create",
        "type": "object",
        "properties": {
            **{question.name: _property(question) for question in questionnaire.visible},
            **{name: {"description": "Written by Copier, ignored"} for name in sorted(RECORDED)},
        },
        "additionalProperties": False,
    }


def _question(question: Question) -> dict[str, Any]:
    return {
        "name": question.name,
        "flag": question.flag,
        "type": question.type,
        "multiselect": question.multiselect,
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
    values = [choice.value for choice in question.choices]
    if question.multiselect:
        described |= {"type": "array", "items": {"enum": values}, "uniqueItems": True}
    elif values:
        described["enum"] = values
    if question.default is not None and "{" not in str(question.default):
        described["default"] = question.default
    return described
