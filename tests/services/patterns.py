"""The second feature that `docs/patterns.md` of a service shows, added as the page says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.harness.combinations import PACKAGE
from tests.services.revisions import register_models, replace

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.services import Service

_FILE = re.compile(r"^`(src/\S+\.py)`:\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def add_orders(service: Service) -> None:
    """Add the files of the page, and register the models and the endpoint."""
    page = (service.folder / "docs" / "patterns.md").read_text(encoding="utf-8")
    source = service.folder / "src" / PACKAGE
    (source / "orders").mkdir()
    (source / "orders" / "__init__.py").write_text('"""Orders."""\n', encoding="utf-8")
    for name, code in _FILE.findall(page):
        (service.folder / name).write_text(code, encoding="utf-8")
    register_models(service, "Order", "OrderLine")
    _register_endpoint(service, source)


def _register_endpoint(service: Service, source: Path) -> None:
    framework, api = service.combination.framework, service.combination.django_api
    if framework == "flask":
        path = source / "blueprints.py"
        _add_after(path, f"from {PACKAGE}.items.api import blueprint as items\n", "items", "orders")
        _add_after(path, "    items,\n", "items", "orders")
    elif api != "drf":
        path = source / "routers.py"
        _add_after(path, f"from {PACKAGE}.items.api import router as items\n", "items", "orders")
        entry = '    ("/api/v1/items", items),\n' if api else "    items,\n"
        _add_after(path, entry, "items", "orders")
    else:
        path = source / "api.py"
        line = f"from {PACKAGE}.items.api import ItemDetail, ItemList\n"
        replace(path, line, f"{line}from {PACKAGE}.orders.api import OrderList\n")
        line = '    path("api/v1/items", ItemList.as_view()),\n'
        replace(path, line, line + line.replace("items", "orders").replace("Item", "Order"))


def _add_after(path: Path, line: str, old: str, new: str) -> None:
    replace(path, line, line + line.replace(old, new))
