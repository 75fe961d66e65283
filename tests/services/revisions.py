"""What the owner of a service writes: a new model that refers to items, and changes of models.

The models use each kind of column in the way that the ORM's own documentation shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.harness.combinations import PACKAGE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.services import Service

_SQLALCHEMY = f'''"""How orders are stored."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Numeric, Text
from sqlalchemy.orm import Mapped, mapped_column

from {PACKAGE}.base import Base, UuidKey


class Status(StrEnum):
    """How far an order is."""

    NEW = "new"
    PAID = "paid by invoice"


class Order(Base):
    """An order of an item."""

    __tablename__ = "order_line"

    id: Mapped[UuidKey]
    item_id: Mapped[UUID] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"), index=True)
    note: Mapped[str] = mapped_column(Text)
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    placed_at: Mapped[datetime]
    shipped_at: Mapped[datetime | None]
    status: Mapped[Status]
'''

_SQLMODEL = f'''"""How orders are stored."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID, uuid4

from sqlmodel import Field

from {PACKAGE}.base import Base


class Status(StrEnum):
    """How far an order is."""

    NEW = "new"
    PAID = "paid by invoice"


class Order(Base, table=True):
    """An order of an item."""

    __tablename__ = "order_line"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    item_id: UUID = Field(foreign_key="item.id", ondelete="CASCADE", index=True)
    note: str
    price: Decimal = Field(max_digits=10, decimal_places=2)
    placed_at: datetime
    shipped_at: datetime | None = None
    status: Status
'''

_DJANGO = f'''"""How orders are stored."""

from django.db import models
%(import_field)s
from {PACKAGE}.database import new_id
from {PACKAGE}.items.models import Item


class Status(models.TextChoices):
    """How far an order is."""

    NEW = "new"
    PAID = "paid by invoice"


class Order(models.Model):
    """An order of an item."""

    id = %(field)s(primary_key=True, default=new_id, editable=False)
    item = models.ForeignKey(Item, on_delete=models.CASCADE)
    note = models.TextField()
    price = models.DecimalField(max_digits=10, decimal_places=2)
    placed_at = models.DateTimeField()
    shipped_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=32, choices=Status.choices)

    class Meta:
        """The table."""

        db_table = "order_line"

    def __str__(self) -> str:
        return self.note
'''

_COLOUR = '''class Colour(%s):
    """How an item looks."""

    RED = "red"
    BLUE = "dark blue"
'''

_COLUMN = {
    "sqlalchemy": "    colour: Mapped[Colour | None]\n",
    "sqlmodel": "    colour: Colour | None\n",
    "django": "    colour = models.CharField(max_length=32, default=Colour.RED)\n",
}


def add_model(service: Service) -> None:
    """Add a feature with a model that refers to items."""
    orders = _source(service) / "orders"
    orders.mkdir()
    (orders / "__init__.py").write_text('"""Orders."""\n', encoding="utf-8")
    models = {"sqlalchemy": _SQLALCHEMY, "sqlmodel": _SQLMODEL, "django": _DJANGO}
    text = models[service.combination.orm]
    if service.combination.orm == "django":
        mysql = service.combination.database == "mysql"
        text %= {
            "field": "UuidBytesField" if mysql else "models.UUIDField",
            "import_field": f"\nfrom {PACKAGE}.columns import UuidBytesField" if mysql else "",
        }
    register_models(service, "Order")
    (orders / "models.py").write_text(text, encoding="utf-8")


def register_models(service: Service, *models: str) -> None:
    """Register the models of the feature `orders` where the framework finds them."""
    source = _source(service)
    if service.combination.orm == "django":
        line = f'    "{PACKAGE}.items",\n'
        replace(source / "config" / "settings.py", line, line + line.replace("items", "orders"))
        return
    line = f"from {PACKAGE}.items.models import Item\n"
    added = f"from {PACKAGE}.orders.models import {', '.join(models)}\n"
    replace(source / "models.py", line, line + added)
    listed = ", ".join(f'"{model}"' for model in ("Item", *models))
    replace(source / "models.py", '"Item"', listed)


def change_models(service: Service) -> None:
    """Add an enum to items, and change columns of tables that others refer to."""
    orm = service.combination.orm
    path = _source(service) / "items" / "models.py"
    base = "models.TextChoices" if orm == "django" else "StrEnum"
    replace(path, "class Item(", f"{_COLOUR % base}\n\nclass Item(")
    if orm != "django":
        first = path.read_text(encoding="utf-8").index("\nfrom ")
        text = path.read_text(encoding="utf-8")
        path.write_text(f"{text[:first]}\nfrom enum import StrEnum{text[first:]}", encoding="utf-8")
    text = path.read_text(encoding="utf-8")
    (created_at,) = [line for line in text.splitlines() if line.startswith("    created_at")]
    replace(path, created_at, f"{_COLUMN[orm]}{created_at}")
    replace(path, "200)", "300)")
    if service.has_accounts:
        replace(_source(service) / "users" / "models.py", "254", "300")


def _source(service: Service) -> Path:
    return service.folder / "src" / PACKAGE


def replace(path: Path, old: str, new: str) -> None:
    """Replace the only occurrence of a text in a file."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new), encoding="utf-8")
