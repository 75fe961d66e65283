"""The wizard: asks what was not given, step by step, with a way back and a summary to confirm."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, field
from textwrap import fill, indent
from typing import TYPE_CHECKING, Any

import questionary
from prompt_toolkit.application import get_app
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.output import create_output

from new_backend.answers import Answer, Answers, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from new_backend.answers import Given
    from new_backend.questions import OpenQuestion, Option, Questionnaire, Value

_BACK = object()
_STYLE = questionary.Style(
    [
        ("disabled", "fg:ansibrightblack"),
        ("instruction", "fg:ansibrightblack"),
        ("answer", "fg:ansicyan"),
        ("highlighted", "fg:ansicyan bold"),
        ("pointer", "fg:ansicyan bold"),
        ("problem", "fg:ansired"),
        ("bottom-toolbar", "noreverse"),
    ]
)


def ask(questionnaire: Questionnaire, given: Given) -> Answers:
    """Ask on the terminal for what was not given, and have all of it confirmed.

    Raises:
        KeyboardInterrupt: The person wants nothing made.
    """
    return _Wizard(questionnaire, given).run()


def confirm(message: str) -> bool:
    """Ask a yes-or-no question; Enter means no."""
    return bool(questionary.confirm(message, default=False, **_terminal()).unsafe_ask())


@dataclass
class _Wizard:
    """What was said so far; a default that was agreed to follows the answers before it."""

    questionnaire: Questionnaire
    given: Given
    typed: dict[str, Answer] = field(default_factory=dict)
    agreed: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    last_value: dict[str, Value] = field(default_factory=dict)
    announced: str = ""

    def run(self) -> Answers:
        self.steps = [
            group.title
            for group in self.questionnaire.groups
            if any(self._unanswered(name) for name in group.questions)
        ]
        _say("Enter takes what is shown, Esc or ← goes back, Ctrl-C leaves and writes nothing.")
        while True:
            for current, answer in self._walk():
                if answer is None:
                    self._ask(current)
                    break
            else:
                if self._confirmed():
                    return self._answers()

    def _walk(self) -> Iterator[tuple[OpenQuestion, Answer | None]]:
        """Give each question that applies, with its answer where it has one that still holds."""
        values: dict[str, Value] = {}
        for current in self.questionnaire.walk(values):
            if not current.applies:
                continue
            name = current.name
            answer = self.typed.get(name) or self.given.answers.get(name)
            if answer is None and (name in self.agreed or self._settled(current)):
                answer = self.given.proposal(current)
            if answer is not None and current.problem(answer.value):
                answer = None
            if answer is not None:
                values[name] = answer.value
            yield current, answer

    def _settled(self, current: OpenQuestion) -> bool:
        """Tell where there is nothing to choose."""
        return bool(current.options) and len(current.allowed) == 1

    def _unanswered(self, name: str) -> bool:
        return any(current.name == name and answer is None for current, answer in self._walk())

    def _answers(self) -> Answers:
        return Answers(
            {current.name: answer for current, answer in self._walk() if answer is not None}
        )

    def _ask(self, current: OpenQuestion) -> None:
        name = current.name
        self._announce(name)
        refused = self.given.answers.get(name)
        if refused is not None and (problem := current.problem(refused.value)):
            _say_problem(f"{refused.label}: {problem}")
        proposal = self.given.proposal(current)
        proposed = proposal.value if proposal is not None else None
        value = _prompt(current, self.last_value.get(name, proposed), can_go_back=bool(self.asked))
        if value is None:
            self._forget(self.asked.pop())
            return
        _say(f"✓ {current.question.help}: {_shown(value)}")
        if name not in self.asked:
            self.asked.append(name)
        if proposal is not None and value == proposal.value and refused is None:
            self.agreed.add(name)
            return
        self.typed[name] = Answer(value, Source.PROMPT, name)

    def _forget(self, name: str) -> None:
        """Ask this question again, beginning with what was answered."""
        for current, answer in self._walk():
            if current.name == name and answer is not None:
                self.last_value[name] = answer.value
        self.typed.pop(name, None)
        self.agreed.discard(name)

    def _announce(self, name: str) -> None:
        title = self._title_of(name)
        if title == self.announced or title not in self.steps:
            return
        self.announced = title
        _say(f"\nStep {self.steps.index(title) + 1} of {len(self.steps)}: {title}", style="bold")

    def _title_of(self, name: str) -> str:
        return next(
            (group.title for group in self.questionnaire.groups if name in group.questions), ""
        )

    def _confirmed(self) -> bool:
        """Show everything; give whether it is right, or ask again for what is to be changed."""
        self.announced = ""
        answers = self._answers()
        width = max(map(len, answers.by_name))
        _say("\nSummary", style="bold")
        for name, answer in answers.by_name.items():
            source = "" if answer.source is Source.PROMPT else f"  ({answer.source.value})"
            _say(f"  {name:<{width}}  {_shown(answer.value)}{source}")
        for name in self.given.answers.keys() - answers.by_name.keys():
            _say(f"  {name} was given and does not apply: left out")
        changeable = [name for name in answers.by_name if name in self.typed or name in self.agreed]
        entries = [questionary.Choice("Create it", "create")]
        if changeable:
            entries.append(questionary.Choice("← Change an answer", "change"))
        entries.append(questionary.Choice("Cancel: nothing is written", "cancel"))
        wish = _select("Shall it be made?", entries)
        if wish == "cancel":
            raise KeyboardInterrupt
        if wish == "change":
            name = _select(
                "Which answer?",
                [
                    questionary.Choice(f"{name}: {_shown(answers[name])}", name)
                    for name in changeable
                ],
            )
            self.asked = changeable[: changeable.index(name)]
            self._forget(name)
        return bool(wish == "create")


def _prompt(current: OpenQuestion, proposed: Value | None, *, can_go_back: bool) -> Value | None:
    """Ask one question; nothing means back."""
    if current.question.type == "bool" or current.options:
        entries = _entries(current)
        default = next((entry for entry in entries if entry.value == proposed), None)
        if can_go_back:
            entries.append(questionary.Choice("← Back", _BACK))
        value = _select(f"{current.question.help}:", entries, default)
    else:
        value = _type(current, str(proposed or ""), can_go_back=can_go_back)
    return None if value is _BACK else value


def _type(current: OpenQuestion, proposed: str, *, can_go_back: bool) -> Any:
    """Ask for text until it is right."""
    value: Any = proposed
    while True:
        value = _type_once(current, value, can_go_back=can_go_back)
        problem = "" if value is _BACK else current.problem(value)
        if not problem:
            return value
        _say_problem(problem)


def _type_once(current: OpenQuestion, proposed: str, *, can_go_back: bool) -> Any:
    """Ask for text; a line below says what is wrong with it as long as it is wrong."""
    question = current.question
    bindings = KeyBindings()
    if can_go_back:
        bindings.add("escape", eager=True)(lambda event: event.app.exit(result=_BACK))

    def below() -> list[tuple[str, str]]:
        text = get_app().current_buffer.text
        problem = current.problem(text) if text else ""
        return [("class:problem", _wrapped(problem))]

    return questionary.text(
        f"{question.help}:",
        default=proposed,
        instruction=f"(such as {question.placeholder})" if question.placeholder else None,
        key_bindings=bindings,
        bottom_toolbar=below,
        reserve_space_for_menu=0,
        **_terminal(),
    ).unsafe_ask()


def _entries(current: OpenQuestion) -> list[Any]:
    if current.question.type == "bool":
        return [questionary.Choice("Yes", value=True), questionary.Choice("No", value=False)]
    width = max(len(option.choice.title) for option in current.options)
    return [_entry(option, width) for option in current.options]


def _entry(option: Option, width: int) -> questionary.Choice:
    """Show a choice with its description, or greyed out with the reason that excludes it."""
    choice = option.choice
    if not option.reason:
        line = f"{choice.title:<{width}}  {choice.description}".rstrip()
        return questionary.Choice(line, choice.value)
    # Where questionary begins the reason; it does not wrap by itself.
    begin = " " * (width + 7)
    reason = fill(option.reason, _width(), initial_indent=begin, subsequent_indent=begin).strip()
    return questionary.Choice(f"{choice.title:<{width}}", choice.value, disabled=reason)


def _select(message: str, entries: list[Any], default: Any = None) -> Any:
    return questionary.select(
        message, entries, default=default, instruction=" ", use_jk_keys=False, **_terminal()
    ).unsafe_ask()


def _terminal() -> dict[str, Any]:
    # Standard output is for the result: questions are shown on standard error.
    return {
        "style": _STYLE,
        "output": create_output(stdout=sys.stderr),
        "erase_when_done": True,
    }


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value or "(empty)"


def _say_problem(problem: str) -> None:
    _say(_wrapped(problem), style="fg:ansired")


def _wrapped(text: str) -> str:
    return indent(fill(text, _width() - 2), "  ")


def _width() -> int:
    return shutil.get_terminal_size().columns - 2


def _say(text: str, style: str | None = None) -> None:
    questionary.print(text, style=style, output=create_output(stdout=sys.stderr))
