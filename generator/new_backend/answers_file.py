"""An answers file: YAML, JSON or TOML, from a path or from standard input."""

from __future__ import annotations

import errno
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from new_backend.errors import InputRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

STANDARD_INPUT = "-"
_MAX_BYTES = 256 * 1024
# Copier writes these next to the answers. A service's .copier-answers.yml is an answers file too.
RECORDED = frozenset({"_commit", "_src_path"})


def read_answers_file(path: str) -> dict[str, object]:
    """Read the answers of a file, without what Copier records next to them.

    Raises:
        InputRefusedError: The file cannot be read, is too large, or is not in its format.
    """
    return {key: value for key, value in read_record(path).items() if key not in RECORDED}


def read_record(path: str) -> dict[str, object]:
    """Read a file with answers, in the format of its suffix. `-` reads standard input.

    Numbers keep their spelling in the file, so that 3.10 does not become 3.1.

    Raises:
        InputRefusedError: The file cannot be read, is too large, or is not in that format.
    """
    name, text = _read(path)
    parse = _sniff(text) if path == STANDARD_INPUT else _BY_SUFFIX.get(Path(path).suffix.lower())
    if parse is None:
        message = f"{name}: unknown format. The suffix must be one of {', '.join(_BY_SUFFIX)}"
        raise InputRefusedError(message)
    try:
        data = parse(text)
    except ValueError as error:
        message = f"{name}: {error}"
        raise InputRefusedError(message) from error
    except RecursionError as error:
        message = f"{name}: nested too deeply. Answers are text, numbers, true or false"
        raise InputRefusedError(message) from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        message = f"{name}: not a table of questions and answers, such as project_name: shop"
        raise InputRefusedError(message)
    return {str(key): value for key, value in data.items()}


def _read(path: str) -> tuple[str, str]:
    name = "standard input" if path == STANDARD_INPUT else path
    try:
        data = _read_bytes(path)
    except OSError as error:
        message = f"{name} cannot be read: {error.strerror}"
        raise InputRefusedError(message) from error
    if len(data) > _MAX_BYTES:
        message = f"{name} is too large for answers: more than {_MAX_BYTES // 1024} KiB"
        raise InputRefusedError(message)
    try:
        return name, data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"{name}: line {line} is not UTF-8 text"
        raise InputRefusedError(message) from error


def _read_bytes(path: str) -> bytes:
    if path != STANDARD_INPUT:
        with Path(path).open("rb") as file:
            return file.read(_MAX_BYTES + 1)
    if sys.stdin is None:  # closed by the caller
        raise OSError(errno.EBADF, "it is closed")
    return sys.stdin.buffer.read(_MAX_BYTES + 1)


def _parse_yaml(text: str) -> object:
    try:
        return yaml.load(text, Loader=_AnswersLoader)  # noqa: S506 - it extends the safe loader
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        message = f"{line}{error.problem or error.context}"
        raise ValueError(message) from error
    except yaml.YAMLError as error:
        message = " ".join(str(error).split())
        raise ValueError(message) from error


def _parse_json(text: str) -> object:
    try:
        return json.loads(
            text,
            parse_float=str,
            parse_int=str,
            parse_constant=str,
            object_pairs_hook=_no_duplicates,
        )
    except json.JSONDecodeError as error:
        message = f"line {error.lineno}: {error.msg}"
        raise ValueError(message) from error


def _parse_toml(text: str) -> object:
    import tomllib

    data: Mapping[str, Any] = tomllib.loads(text, parse_float=str)
    return {
        key: [_spelled(each) for each in value] if isinstance(value, list) else _spelled(value)
        for key, value in data.items()
    }


def _spelled(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            message = f"{key} is answered twice"
            raise ValueError(message)
        found[key] = value
    return found


def _sniff(text: str) -> Callable[[str], object]:
    """Return the parser for a text without a suffix, by its first line of content."""
    lines = (line.strip() for line in text.splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    if first.startswith("{"):
        return _parse_json
    return _parse_toml if re.match(r"""[\w"'-]+\s*=""", first) else _parse_yaml


class _AnswersLoader(yaml.SafeLoader):
    """YAML without duplicate keys, whose numbers and dates keep their spelling."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if key in seen:
                problem = f"{key} is answered twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _spelling(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


for _tag in ("int", "float", "timestamp"):
    _AnswersLoader.add_constructor(f"tag:yaml.org,2002:{_tag}", _spelling)

_BY_SUFFIX: dict[str, Callable[[str], object]] = {
    ".yml": _parse_yaml,
    ".yaml": _parse_yaml,
    ".json": _parse_json,
    ".toml": _parse_toml,
}
SUFFIXES = frozenset(_BY_SUFFIX)
"""The suffixes of the formats."""
