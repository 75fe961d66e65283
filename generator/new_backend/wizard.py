"""The wizard: asks the open questions in steps, with a way back and a summary to confirm."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import questionary

from new_backend import prompts
from new_backend.answers import Answer, Answers, Source
from new_backend.prompts import BACK, HEADING, PROBLEM, Line, Screen, described, wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from new_backend.answers import Given
    from new_backend.questions import OpenQuestion, Questionnaire, Value

_KEYS = (
    "Enter accepts the answer shown. Esc goes back; so does ← in a list. "
    "Ctrl-C exits and writes nothing."
)


def ask(
    questionnaire: Questionnaire,
    given: Given,
    refuse: Callable[[str, Value], str],
    answered: dict[str, Value],
) -> Answers:
    """Ask the open questions on the terminal, then have all answers confirmed.

    Args:
        questionnaire: The questions of the template.
        given: The answers known before.
        refuse: Return what is wrong with an answer that its question allows, or nothing.
        answered: Holds what the user has answered so far, also when this raises.

    Raises:
        KeyboardInterrupt: The user cancels.
        EOFError: The user ends the input.
    """
    with prompts.without_echo():
        return _Wizard(questionnaire, given, refuse, answered).run()


@dataclass
class _Wizard:
    """The answers so far. A default that was accepted follows the answers before it."""

    questionnaire: Questionnaire
    given: Given
    refuse: Callable[[str, Value], str]
    answered: dict[str, Value]
    typed: dict[str, Answer] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)
    last_value: dict[str, Value] = field(default_factory=dict)
    change: _Change | None = None
    screen: Screen = field(default_factory=Screen)
    walked: list[tuple[OpenQuestion, Answer | None]] = field(default_factory=list)
    """The questions that apply now."""

    def run(self) -> Answers:
        self.walked = list(self._walk())
        open_names = {current.name for current, answer in self.walked if answer is None}
        self.steps = [
            group.title
            for group in self.questionnaire.groups
            if not open_names.isdisjoint(group.questions)
        ]
        while True:
            current = next((current for current, answer in self.walked if answer is None), None)
            if current is not None:
                self._ask(current)
            elif self._confirmed():
                return self._answers()
            self.walked = list(self._walk())
            self.answered.clear()
            self.answered.update(
                {name: answer.value for name, answer in self._answers_of_user().items()}
            )

    def _walk(self) -> Iterator[tuple[OpenQuestion, Answer | None]]:
        """Yield each question that applies, with its answer where that is still allowed."""
        values: dict[str, Value] = {}
        for current in self.questionnaire.walk(values):
            if not current.applies:
                continue
            name = current.name
            answer = self.typed.get(name) or self.given.answers.get(name)
            if answer is None and (name in self.accepted or _has_one_choice(current)):
                answer = self.given.proposal(current)
            if answer is not None and self._problem(current, answer.value):
                answer = None
            if answer is not None:
                values[name] = answer.value
            yield current, answer

    def _problem(self, current: OpenQuestion, value: Value) -> str:
        return current.problem(value) or self.refuse(current.name, value)

    def _answers(self) -> Answers:
        return Answers({current.name: answer for current, answer in self.walked if answer})

    def _answers_of_user(self) -> dict[str, Answer]:
        return {
            current.name: answer
            for current, answer in self.walked
            if answer is not None and (current.name in self.typed or current.name in self.accepted)
        }

    def _ask(self, current: OpenQuestion) -> None:
        name = current.name
        lines = self._lines_before(name)
        given = self.given.answers.get(name)
        problem = ""
        if given is not None and (problem := self._problem(current, given.value)):
            problem = f"{given.label}: {problem}"
        proposal = self.given.proposal(current)
        value: Any = self.last_value.get(name, proposal.value if proposal else None)
        before = self._answered_before(name)
        while True:
            error = [(wrapped(problem, indent=2), PROBLEM)] if problem else []
            self.screen.show([*lines, *error])
            value = prompts.ask(
                current,
                value,
                lambda text: self._problem(current, text),
                can_go_back=before is not None or self.change is not None,
            )
            problem = "" if value is BACK else self._problem(current, value)
            if not problem:
                break
        if value is BACK:
            self._go_back(before)
            return
        if self.change is not None:
            self.change.asked.add(name)
        self.typed.pop(name, None)
        if proposal is not None and value == proposal.value and given is None:
            self.accepted.add(name)
        else:
            self.typed[name] = Answer(value, Source.PROMPT, name)

    def _go_back(self, name: str | None) -> None:
        """Ask the question before again, or leave a change at the summary as it was."""
        if self.change is not None and not self.change.asked:
            self.typed, self.accepted = self.change.typed, self.change.accepted
            self.change = None
        elif name is not None:
            self._forget(name)

    def _answered_before(self, name: str | None) -> str | None:
        """Return the last question before another one, or of all, that the user answered."""
        found = None
        for each in self._answers_of_user() if name is None else self._names_before(name):
            if each in self.typed or each in self.accepted:
                found = each
        return found

    def _names_before(self, name: str) -> Iterator[str]:
        for current, _ in self.walked:
            if current.name == name:
                return
            yield current.name

    def _forget(self, name: str) -> None:
        """Ask this question again; its last answer is the proposal."""
        answer = self._answers().by_name.get(name)
        if answer is not None:
            self.last_value[name] = answer.value
        self.typed.pop(name, None)
        self.accepted.discard(name)

    def _lines_before(self, name: str) -> list[Line]:
        """Return the lines above a question: the steps, and what the user answered before."""
        lines: list[Line] = [(wrapped(_KEYS), "")]
        answers = self._answers_of_user()
        title = ""
        for current, _ in self.walked:
            is_asked = current.name == name
            if not is_asked and current.name not in answers:
                continue
            if (step := self._step_of(current.name)) != title and step in self.steps:
                title = step
                number = self.steps.index(title) + 1
                lines.append((f"\nStep {number} of {len(self.steps)}: {title}", HEADING))
            if is_asked:
                break
            answer = described(answers[current.name].value)
            lines.append((wrapped(f"✓ {current.question.help}: {answer}", hanging=2), ""))
        return lines

    def _step_of(self, name: str) -> str:
        return next(
            (group.title for group in self.questionnaire.groups if name in group.questions), ""
        )

    def _confirmed(self) -> bool:
        """Show the summary. Return whether it is confirmed; otherwise a question is open again."""
        self.screen.show(self._summary())
        entries = [questionary.Choice("Create it", "create")]
        changeable = self._answers_of_user()
        if changeable:
            entries.append(questionary.Choice("← Change an answer", "change"))
        entries.append(questionary.Choice("Cancel: nothing is written", "cancel"))
        wish = prompts.choose("Create this service?", entries)
        if wish == "cancel":
            raise KeyboardInterrupt
        if wish is BACK and (last := self._answered_before(None)):
            self.change = None
            self._forget(last)
        if wish == "change":
            name = prompts.choose(
                "Which answer?",
                [
                    questionary.Choice(f"{name}: {described(answer.value)}", name)
                    for name, answer in changeable.items()
                ],
            )
            if name is not BACK:
                values = self._answers().values
                self.change = _Change(name, values, dict(self.typed), set(self.accepted))
                self._forget(name)
        return bool(wish == "create")

    def _summary(self) -> list[Line]:
        answers = self._answers()
        width = max(map(len, answers.by_name))
        lines: list[Line] = [("\nSummary", HEADING)]
        for name, answer in answers.by_name.items():
            source = "" if answer.source is Source.PROMPT else f"  ({answer.source.value})"
            lines.append((_pair(name, f"{described(answer.value)}{source}", width), ""))
        ignored = (name for name in self.given.answers if name not in answers.by_name)
        lines += [
            (wrapped(f"{name} does not apply: ignored", 2, hanging=2), "") for name in ignored
        ]
        if self.change is not None and (also := self.change.consequences(answers.values)):
            lines.append((f"\nAlso changed, because {self.change.name} changed", HEADING))
            lines += [(_pair(name, text, width), "") for name, text in also.items()]
        return lines


@dataclass(frozen=True)
class _Change:
    """A change of an answer at the summary, and the answers before it."""

    name: str
    values: Mapping[str, Value]
    typed: dict[str, Answer]
    accepted: set[str]
    asked: set[str] = field(default_factory=set)

    def consequences(self, values: Mapping[str, Value]) -> dict[str, str]:
        """Return each other answer that is different now and was not asked again."""
        found = {}
        for name in dict.fromkeys([*values, *self.values]):
            if name in self.asked or values.get(name) == self.values.get(name):
                continue
            old = described(self.values[name]) if name in self.values else "(did not apply)"
            new = described(values[name]) if name in values else "(does not apply)"
            found[name] = f"{old} → {new}"
        return found


def _has_one_choice(current: OpenQuestion) -> bool:
    """Whether there is nothing to choose, and no excluded choice to explain next to another."""
    if current.question.multiselect:
        return not current.allowed
    return len(current.options) == 1 and not current.options[0].reason


def _pair(name: str, text: str, width: int) -> str:
    return wrapped(f"{name:<{width}}  {text}", indent=2, hanging=width + 2)
