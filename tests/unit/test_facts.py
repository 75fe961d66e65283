"""`template/verify.yml`: what a template says about its services."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from new_backend.questions import Questionnaire
from new_backend.template_source import TemplateSource
from new_backend.verify.databases import Server
from new_backend.verify.facts import Facts
from tests.harness.toys import LAYERS, copy_questions, write_layers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.toys import Run

SERVER = "{name: Cache, variable: CACHE, address: 'redis://127.0.0.1:6379', start: redis-server}"


def template(root: Path, facts: str) -> TemplateSource:
    copy_questions(root)
    write_layers(root, LAYERS)
    (root / "template" / "verify.yml").write_text(facts, encoding="utf-8")
    return TemplateSource(root)


def test_template_without_the_file_has_no_facts(tmp_path: Path) -> None:
    source = template(tmp_path, "")
    (tmp_path / "template" / "verify.yml").unlink()

    assert Facts.read(Questionnaire.read(source)) == Facts()


def test_service_needs_the_server_of_its_choice(tmp_path: Path) -> None:
    source = template(tmp_path, f"servers: {{ auth=session: {SERVER} }}")
    facts = Facts.read(Questionnaire.read(source))

    (server,) = facts.servers_of({"auth": "session", "database": "sqlite"})
    assert server == Server("Cache", "CACHE", "redis://127.0.0.1:6379", "redis-server")
    assert facts.servers_of({"auth": "jwt", "database": "sqlite"}) == []


def test_service_is_compared_by_the_first_comparison_whose_file_it_has(tmp_path: Path) -> None:
    one = "one: { file: src/*/a.py, python: [-m, one] }"
    source = template(tmp_path, f"migrations: {{ {one}, two: {{ file: src, python: [x] }} }}")
    (tmp_path / "service" / "src" / "shop").mkdir(parents=True)
    facts = Facts.read(Questionnaire.read(source))

    def fitting() -> list[str]:
        return [each.name for each in facts.comparisons if each.is_for(tmp_path / "service")]

    assert fitting() == ["two"]
    (tmp_path / "service" / "src" / "shop" / "a.py").touch()
    assert fitting() == ["one", "two"]


def test_server_of_another_protocol_answers_if_its_port_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"memcached://127.0.0.1:{listening.getsockname()[1]}"
        assert Server("Cache", "NO_SUCH_VARIABLE", address, "").answers
        assert not Server("Cache", "NO_SUCH_VARIABLE", address, "").holds_databases
    closed = f"{address}/closed"  # another text: an answer is kept for each address
    assert not Server("Cache", "NO_SUCH_VARIABLE", closed, "").answers


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ("colour: red", 'has the unknown key "colour". Use schemas, servers, database, schema'),
        (
            "servers: { database=mysql: { port: 1 } }",
            ': servers: database=mysql has the unknown key "port". Use name, variable, address',
        ),
        ("migrations: { x: { run: y } }", ': migrations: x has the unknown key "run". Use file'),
        ("servers: { database=oracle: {} }", ": servers: database=oracle is not a choice"),
        ("servers: { database=mysql: { name: x } }", "cannot be read: "),
        ("[", "cannot be read: "),
        ("- schema", "cannot be read: "),
    ],
)
def test_broken_file_is_one_line_before_any_work(
    run: Run, tmp_path: Path, facts: str, message: str
) -> None:
    words = ("verify", "--stage", "render", "--strength", "1")
    ended = run(*words, source=template(tmp_path, facts))

    assert ended.code == 1
    assert ended.err.startswith("new-backend: template/verify.yml")
    assert message in ended.err
    assert ended.err.count("\n") == 1
    assert ended.out == ""
