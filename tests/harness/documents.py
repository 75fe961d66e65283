"""OpenAPI documents as lines, which two frameworks describe alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def summary_lines(document: dict[str, Any]) -> list[str]:
    """Return the names in a document: schemes, operations with their inputs and outputs, schemas.

    A `!` marks what is required.
    """
    components = document["components"]
    return [
        *(f"scheme {name}" for name in sorted(components.get("securitySchemes", {}))),
        *(
            line
            for path, operations in sorted(document["paths"].items())
            for method, operation in sorted(operations.items())
            for line in _operation(method, path, operation)
        ),
        *(
            _schema(name, components["schemas"][name])
            for name in sorted(components["schemas"])
        ),
    ]  # fmt: skip


def _operation(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    tags = " ".join(operation["tags"])
    schemes = " ".join(sorted(name for each in operation.get("security", []) for name in each))
    yield f"{method.upper()} {path} {operation['operationId']} [{tags}] {schemes}".rstrip()
    parameters = sorted(operation.get("parameters", []), key=lambda each: each["name"])
    for each in parameters:
        mark = "!" if each.get("required") else ""
        yield f"  {each['in']} {each['name']}{mark}: {_type(each['schema'])}"
    if body := operation.get("requestBody"):
        mark = "!" if body.get("required") else ""
        yield f"  body{mark}: {_content(body)}"
    for status, response in sorted(operation["responses"].items()):
        yield f"  {status}: {_content(response)}".rstrip(": ")


def _content(body: dict[str, Any]) -> str:
    content = body.get("content", {})
    return ", ".join(f"{media} {_type(content[media]['schema'])}" for media in sorted(content))


def _schema(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    members = (f"{each}{'!' * (each in required)}" for each in sorted(schema.get("properties", {})))
    closed = " closed" if schema.get("additionalProperties") is False else ""
    return f"schema {name}{closed}: {' '.join([*members, *schema.get('enum', [])])}"


def _type(schema: dict[str, Any]) -> str:
    if reference := schema.get("$ref"):
        return str(reference).rpartition("/")[2]
    kind = schema.get("type", "any")
    return f"{kind} {schema['format']}" if "format" in schema else str(kind)
