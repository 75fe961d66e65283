"""The questions, choices and rules of `copier.yml`, evaluated as Copier evaluates them."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatch
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

import yaml

from new_backend.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from jinja2 import Template
    from jinja2.nodes import Template as Syntax
    from jinja2.sandbox import SandboxedEnvironment

    from new_backend.template_source import TemplateSource

Value = str | bool | list[str]
Context = dict[str, Any]
"""The names that a template can use: the answers, and computed values of any type."""

RULE_PREFIX = "rule_"
# The names that Copier adds to the answers in templates.
_OF_COPIER = ("_copier_answers", "_copier_conf")
# The C loader, where PyYAML was built with it, is ten times faster.
_YAML_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TYPES = ("str", "bool", "yaml")
_KEYS = ("type", "help", "default", "choices", "validator", "when", "placeholder", "multiselect")
_KEYS_OF_CHOICE = ("value", "validator")
_BETWEEN_CHOICES = frozenset(",+=")
# YAML's words for a boolean, as Copier casts them (copier/_tools.py, cast_to_bool).
_TRUE = frozenset({"y", "yes", "t", "true", "on", "1"})
_FALSE = frozenset({"n", "no", "f", "false", "off", "0", "~", "null", "none", ""})


@dataclass(frozen=True)
class Choice:
    """A value of a question. `validator` renders to the reason that excludes it, if any."""

    value: str
    title: str
    description: str = ""
    validator: str = ""


@dataclass(frozen=True)
class Question:
    """A question of `copier.yml`. A hidden one is computed, never asked."""

    name: str
    type: str = "str"
    help: str = ""
    default: str | bool | list[str] | None = None
    choices: tuple[Choice, ...] = ()
    validator: str = ""
    when: str | bool = True
    placeholder: str = ""
    multiselect: bool = False
    """Whether its answer is a list of choices."""

    @property
    def hidden(self) -> bool:
        """Whether it is computed: its `when` is the constant false."""
        return self.when is False

    @property
    def flag(self) -> str:
        """Its option on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def has_choices(self) -> bool:
        """Whether it is answered by a choice, or by yes or no."""
        return bool(self.choices) or self.type == "bool"

    def cast(self, raw: object) -> Value:
        """Convert a value of a flag or a file to the type of this question.

        Raises:
            ValueError: It has another type; the message names the right one.
        """
        if raw is None:
            message = "has no value. Add one, or leave the question out"
            raise ValueError(message)
        if self.multiselect:
            return self._cast_list(raw)
        if self.type == "bool":
            if isinstance(raw, bool):
                return raw
            if isinstance(raw, str) and raw.strip().lower() in _TRUE | _FALSE:
                return raw.strip().lower() in _TRUE
            message = f'invalid value "{raw}". Use true or false'
            raise ValueError(message)
        if isinstance(raw, bool):
            word = str(raw).lower()
            message = f'is the boolean {word}, not text. Put it in quotes: "{word}"'
            raise ValueError(message)  # noqa: TRY004 - invalid input, not a bug
        if not isinstance(raw, str):
            kind = "a list" if isinstance(raw, list) else "a table"
            message = f"is {kind}, not text"
            raise ValueError(message)  # noqa: TRY004 - invalid input, not a bug
        return raw

    def _cast_list(self, raw: object) -> list[str]:
        entries: list[Any] = raw if isinstance(raw, list) else [raw]
        if not all(isinstance(entry, str) for entry in entries):
            message = f"is not a list of choices, such as {self.choices[0].value}"
            raise ValueError(message)
        return self.in_order(
            [word.strip() for entry in entries for word in entry.split(",") if word.strip()]
        )

    def in_order(self, values: Iterable[str]) -> list[str]:
        """Return these choices once each, in the order of `copier.yml`, as Copier does."""
        given = dict.fromkeys(values)
        listed = [choice.value for choice in self.choices]
        unknown = [value for value in given if value not in listed]
        return [value for value in listed if value in given] + unknown


@dataclass(frozen=True)
class Group:
    """A step of the wizard."""

    title: str
    questions: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """A named reason that excludes a choice."""

    name: str
    question: str
    choice: str
    reason: str


@dataclass(frozen=True)
class Option:
    """A choice under given answers. `reason` is empty if it is allowed."""

    choice: Choice
    reason: str = ""
    rule: str = ""


@dataclass(frozen=True)
class OpenQuestion:
    """A question together with the answers before it."""

    question: Question
    context: Context
    questionnaire: Questionnaire = field(repr=False)

    @property
    def name(self) -> str:
        """The question's name."""
        return self.question.name

    @cached_property
    def applies(self) -> bool:
        """Whether the question is asked under the answers before it."""
        when = self.question.when
        return when if isinstance(when, bool) else _truth(self._render(when))

    @cached_property
    def options(self) -> tuple[Option, ...]:
        """Its choices, each with the reason that excludes it, if any."""
        return tuple(self._option(choice) for choice in self.question.choices)

    @property
    def allowed(self) -> tuple[str | bool, ...]:
        """The allowed values of a question with choices."""
        if self.question.type == "bool":
            return (True, False)
        return tuple(option.choice.value for option in self.options if not option.reason)

    def offers(self, value: Value) -> bool:
        """Whether the value is one of the choices, excluded or not. Always true without choices."""
        offered = [option.choice.value for option in self.options]
        return not offered or all(each in offered for each in _listed(value))

    @cached_property
    def default(self) -> Any:
        """Its default under these answers; the first allowed choice if a rule excludes it."""
        default = self.question.default
        if isinstance(default, str):
            default = self._render(default)
            if self.question.type == "bool":
                default = _truth(default)
            elif self.question.type == "yaml":
                default = _parsed(self.question, default)
        if self.question.multiselect:
            return self._default_list(default)
        if self.options and default not in self.allowed:
            return next(iter(self.allowed), None)
        return default

    def problem(self, value: Value) -> str:
        """Return what is wrong with a value and what is allowed, or an empty text."""
        for each in _listed(value):
            if not self.offers(each):
                return self._unknown_choice(str(each))
        for option in self.options:
            if option.choice.value in _listed(value) and option.reason:
                rule = f" (rule {option.rule})" if option.rule else ""
                return f'"{option.choice.value}" is not available: {option.reason}{rule}'
        if self.question.validator:
            return self._render(self.question.validator, {self.name: value}).strip()
        return ""

    def _default_list(self, default: Any) -> list[str] | None:
        if default is None:
            return None
        if isinstance(default, str):
            default = _parsed(self.question, default)
        if not isinstance(default, list):
            message = f"copier.yml: the default of {self.name} is not a list of choices"
            raise TemplateError(message)
        values = [self._render(each) if isinstance(each, str) else str(each) for each in default]
        return [each for each in self.question.in_order(values) if each in self.allowed]

    def _unknown_choice(self, value: str) -> str:
        offered = [choice.value for choice in self.question.choices]
        listed = ", ".join(offered)
        by_lower_case = {each.lower(): each for each in offered}
        near = get_close_matches(value.lower(), by_lower_case, n=1, cutoff=0.5)
        suggestion = f' Did you mean "{by_lower_case[near[0]]}"?' if near else ""
        return f'invalid value "{value}".{suggestion} Choose from {listed}'

    def _option(self, choice: Choice) -> Option:
        if not choice.validator:
            return Option(choice)
        reason = self._render(choice.validator).strip()
        rules = self.questionnaire.rules_in(choice.validator)
        rule = next((name for name in rules if self.context.get(name)), "")
        return Option(choice, reason, rule.removeprefix(RULE_PREFIX))

    def _render(self, text: str, extra: Mapping[str, Value] | None = None) -> str:
        return self.questionnaire.render(text, {**self.context, **(extra or {})})


@dataclass(frozen=True)
class Questionnaire:
    """The questions of `copier.yml`, in its order."""

    source: TemplateSource
    questions: tuple[Question, ...]
    groups: tuple[Group, ...]
    combine: tuple[str, ...]
    features: tuple[str, ...]
    subdirectory: str
    exclude: tuple[str, ...]
    kept: tuple[str, ...]
    """The files that belong to the user from the first day, as patterns like those of gitignore."""
    owned: tuple[str, ...]
    """The files that a service is not meant to change, in the same way."""
    fixed: Mapping[str, str]
    """The questions whose answers `add` does not change, with the reason."""
    notes: Mapping[str, str]
    """What `add` says about a new answer, by question."""
    at_root: Mapping[str, str]
    """What to do with a file that is read at the root of a repository only."""
    environment_options: Mapping[str, Any]
    _templates: dict[str, Template] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def read(cls, source: TemplateSource) -> Questionnaire:
        """Read `copier.yml`.

        Raises:
            TemplateError: It cannot be read, or a question has an unknown type or key.
        """
        try:
            data = yaml.load(source.config.read_bytes(), Loader=_YAML_LOADER)  # noqa: S506 - a safe one
        except (OSError, yaml.YAMLError) as error:
            message = f"{source.config} cannot be read: {' '.join(str(error).split())}"
            raise TemplateError(message) from error
        questions = tuple(
            _question(name, details) for name, details in data.items() if not name.startswith("_")
        )
        combine, features = tuple(data["_combine"]), tuple(data.get("_features", ()))
        _refuse_unsuitable(questions, combine, features)
        return cls(
            source=source,
            questions=questions,
            groups=tuple(
                Group(group["title"], tuple(group["questions"])) for group in data["_groups"]
            ),
            combine=combine,
            features=features,
            subdirectory=data.get("_subdirectory", ""),
            exclude=tuple(data.get("_exclude", ())),
            kept=tuple(data.get("_skip_if_exists", ())),
            owned=tuple(data.get("_owned", ())),
            fixed=data.get("_fixed", {}),
            notes=data.get("_notes", {}),
            at_root=data.get("_at_root", {}),
            environment_options=data.get("_envops", {}),
        )

    @property
    def combined(self) -> tuple[str, ...]:
        """The questions that a combination answers: the core and the features."""
        return (*self.combine, *self.features)

    @cached_property
    def visible(self) -> tuple[Question, ...]:
        """The questions that are not hidden."""
        return tuple(question for question in self.questions if not question.hidden)

    @cached_property
    def by_name(self) -> Mapping[str, Question]:
        """All questions by name, including hidden ones."""
        return {question.name: question for question in self.questions}

    def walk(self, answers: Mapping[str, Value]) -> Iterator[OpenQuestion]:
        """Yield each visible question under the answers before it.

        A question without an answer counts by its default. The caller may add the answer to the
        question just yielded: the questions after it use it.
        """
        context: Context = {}
        for question in self.questions:
            current = OpenQuestion(question, dict(context), self)
            asked = not question.hidden and current.applies
            if not question.hidden:
                yield current
            value = answers.get(question.name, current.default) if asked else current.default
            if value is not None:
                context[question.name] = value

    def context(self, answers: Mapping[str, Value]) -> Context:
        """Return the names that a path of the template can use: the answers and computed values."""
        context: Context = {}
        for question in self.questions:
            value = answers.get(question.name)
            if value is None:
                value = OpenQuestion(question, dict(context), self).default
            if value is not None:
                context[question.name] = value
        return context

    def at(self, name: str, answers: Mapping[str, Value]) -> OpenQuestion:
        """Return one question under the answers before it."""
        return next(current for current in self.walk(answers) if current.name == name)

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """All rules, each with the choice that it excludes and the reason."""
        return tuple(
            Rule(rule.removeprefix(RULE_PREFIX), question.name, choice.value, self._reason(rule))
            for question in self.visible
            for choice in question.choices
            for rule in self.rules_in(choice.validator)
        )

    def rules_in(self, text: str) -> tuple[str, ...]:
        """Return the rules in the validator of a choice."""
        return tuple(re.findall(rf"\b{RULE_PREFIX}\w+", text))

    def references(self, text: object) -> frozenset[str]:
        """Return the visible questions that a template depends on, also through hidden ones."""
        if not isinstance(text, str) or ("{{" not in text and "{%" not in text):
            return frozenset()
        found: set[str] = set()
        for name in self._names_in(text):
            question = self.by_name.get(name)
            if question is None:
                continue
            found |= self.references(question.default) if question.hidden else {name}
        return frozenset(found)

    def _names_in(self, text: str) -> set[str]:
        """Return the names that a template uses, also in the partials that it imports."""
        from jinja2 import meta

        tree = self.environment.parse(text)
        found = meta.find_undeclared_variables(tree)
        for name in meta.find_referenced_templates(tree):
            if name is None:  # its name is computed
                found |= {question.name for question in self.visible}
            elif (path := self.source.root / name).is_file():
                found |= self._names_in(path.read_text(encoding="utf-8"))
        return found

    @cached_property
    def unanswered(self) -> tuple[tuple[str, str], ...]:
        """Yield each name that no question defines, and its file: Jinja writes nothing for it.

        What one template sets, another one that it includes may use. A partial counts where a
        template names it, or the beginning of its name.
        """
        from jinja2 import TemplateSyntaxError, meta, nodes

        known = {*self.by_name, *_OF_COPIER}
        used: dict[str, set[str]] = {}
        layers = self.source.root / self.subdirectory
        waiting = [path.relative_to(self.source.root).as_posix() for path in layers.rglob("*")]
        while waiting:
            name = waiting.pop()
            path = self.source.root / name
            if name in used or not path.exists():
                continue
            text = path.read_text(encoding="utf-8") if path.match("*.jinja") else ""
            with suppress(TemplateSyntaxError):  # rendering it reports more
                tree = self.environment.parse(f"{name}\n{text}")
                used[name] = meta.find_undeclared_variables(tree)
                known |= {each.name for each in tree.find_all(nodes.Name) if each.ctx != "load"}
                waiting += filter(None, meta.find_referenced_templates(tree))
                waiting += self._chosen_by_name(tree)
        return tuple(
            (path, name) for path, names in sorted(used.items()) for name in sorted(names - known)
        )

    def _chosen_by_name(self, tree: Syntax) -> Iterator[str]:
        """Yield the templates that can be meant by a name such as `"features/" ~ name`."""
        from jinja2 import nodes

        names = [each.template for each in tree.find_all(nodes.Import)]
        names += [each.template for each in tree.find_all(nodes.FromImport)]
        names += [each.template for each in tree.find_all(nodes.Include)]
        for name in names:
            if isinstance(name, nodes.Concat):
                beginning = name.nodes[0].as_const()
                for path in self.source.root.glob(f"{beginning}*"):
                    yield path.relative_to(self.source.root).as_posix()

    def render(self, text: str, context: Mapping[str, Value]) -> str:
        """Render a template of `copier.yml`.

        Raises:
            TemplateError: It is broken.
        """
        from jinja2 import TemplateError as JinjaError

        try:
            template = self._templates.get(text)
            if template is None:
                template = self._templates[text] = self.environment.from_string(text)
            return template.render(context)
        except JinjaError as error:
            message = f"{self.source.config}: {text!r} cannot be rendered: {error}"
            raise TemplateError(message) from error

    @cached_property
    def layer_files(self) -> tuple[tuple[str, ...], ...]:
        """The files of the layers, each as the parts of its path in their folder."""
        layers = self.source.root / self.subdirectory
        paths = (path.relative_to(layers) for path in sorted(layers.rglob("*")) if path.is_file())
        return tuple(path.parts for path in paths if not self._excludes(path.parts))

    def of_user(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return those of the files that belong to the user from the first day."""
        return {path: files[path] for path in files if _is_listed(path, self.kept)}

    def is_owned(self, path: str) -> bool:
        """Whether a service is not meant to change a file."""
        return _is_listed(path, self.owned)

    def _excludes(self, parts: Sequence[str]) -> bool:
        return any(fnmatch(part, pattern) for part in parts for pattern in self.exclude)

    @cached_property
    def environment(self) -> SandboxedEnvironment:
        """The environment of Jinja.

        It equals the one of Copier (`copier/_main.py`, `Worker.jinja_env`), so that both render
        the same.
        """
        from jinja2 import FileSystemLoader
        from jinja2.sandbox import SandboxedEnvironment

        return SandboxedEnvironment(
            loader=FileSystemLoader(self.source.root),
            extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
            **{"keep_trailing_newline": True, **self.environment_options},
        )

    def _reason(self, rule: str) -> str:
        """Return the reason of a rule, under the first answers that it excludes."""
        names = [
            name for name in self.references(f"{{{{ {rule} }}}}") if self.by_name[name].has_choices
        ]
        values = (_examples(self.by_name[name]) for name in names)
        for picked in product(*values):
            context: Context = dict(zip(names, picked, strict=True))
            for question in self.questions:
                if question.hidden and isinstance(question.default, str):
                    context[question.name] = self.render(question.default, context)
            if reason := str(context[rule]).strip():
                return reason
        return ""


def _question(name: str, details: Any) -> Question:
    if not isinstance(details, dict):
        details = {"default": details}
    kind = details.get("type", "str")
    if kind not in _TYPES:
        message = f'copier.yml: {name} has the unknown type "{kind}". Use {", ".join(_TYPES)}'
        raise TemplateError(message)
    if kind == "yaml" and details.get("when", True) is not False:
        message = f"copier.yml: {name} has the type yaml, which only computed questions can have"
        raise TemplateError(message, hint="Add when: false.")
    _refuse_unknown_keys(name, details, _KEYS)
    choices = tuple(_choices(name, details.get("choices", ())))
    several = details.get("multiselect", False) is True
    if several and (kind != "str" or not choices):
        message = f"copier.yml: {name} is multiselect. Give it choices and the type str"
        raise TemplateError(message)
    for choice in choices if several else ():
        if set(choice.value) & _BETWEEN_CHOICES:
            message = f'copier.yml: {name}: "{choice.value}" cannot be listed with other choices. '
            raise TemplateError(message + "Leave out , + =")
    return Question(
        name=name,
        type=kind,
        help=details.get("help", ""),
        default=details.get("default"),
        choices=choices,
        validator=details.get("validator", ""),
        when=details.get("when", True),
        placeholder=details.get("placeholder", ""),
        multiselect=several,
    )


def _refuse_unsuitable(
    questions: Sequence[Question], combine: Sequence[str], features: Sequence[str]
) -> None:
    by_name = {question.name: question for question in questions}
    for key, names in (("_combine", combine), ("_features", features)):
        for name in names:
            question = by_name.get(name)
            if question is None or question.hidden or not question.has_choices:
                message = f"copier.yml: {key}: {name} is not a question with choices"
                raise TemplateError(message)
            if key == "_combine" and question.multiselect:
                message = f"copier.yml: {name} is multiselect. Move it from _combine to _features"
                raise TemplateError(message)
            if key == "_features" and name in combine:
                message = f"copier.yml: {name} is in _combine and in _features. Remove one"
                raise TemplateError(message)


def _choices(name: str, declared: Any) -> Iterable[Choice]:
    """Return the choices from each form that Copier accepts: a mapping, pairs, or plain values."""
    pairs = declared.items() if isinstance(declared, dict) else declared
    for pair in pairs:
        label, value = pair if isinstance(pair, (list, tuple)) else (pair, pair)
        validator = ""
        if isinstance(value, dict):
            _refuse_unknown_keys(f"{name}: {label}", value, _KEYS_OF_CHOICE)
            validator = value.get("validator", "")
            value = value["value"]
        title, _, description = str(label).partition(": ")
        yield Choice(str(value), title, description, validator)


def _refuse_unknown_keys(name: str, details: Mapping[str, object], known: Sequence[str]) -> None:
    for key in details:
        if key not in known:
            message = f'copier.yml: {name} has the unknown key "{key}". Use {", ".join(known)}'
            raise TemplateError(message)


def _is_listed(path: str, patterns: Sequence[str]) -> bool:
    """Whether a path matches a pattern: one without a slash matches the name of a file."""
    return any(
        fnmatch(path if "/" in pattern else path.rpartition("/")[2], pattern.removeprefix("/"))
        for pattern in patterns
    )


def _listed(value: Value) -> Sequence[Value]:
    return value if isinstance(value, list) else [value]


def _examples(question: Question) -> list[Value]:
    """Return answers under which a rule may have a reason."""
    values = [choice.value for choice in question.choices]
    if question.multiselect:
        return [[], *([value] for value in values), values]
    return [*values] or [True, False]


def _parsed(question: Question, text: str) -> Any:
    try:
        return yaml.load(text, Loader=_YAML_LOADER)  # noqa: S506 - a safe one
    except yaml.YAMLError as error:
        message = f"copier.yml: {question.name} is not YAML: {' '.join(str(error).split())}"
        raise TemplateError(message) from error


def _truth(text: str) -> bool:
    return text.strip().lower() not in _FALSE
