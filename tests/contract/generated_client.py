"""A program on a generated package `client`: it manages one item.

It needs the address of a service and the headers with the credentials as JSON. It prints its
results as JSON.
"""

# mypy: ignore-errors
from __future__ import annotations

import json
import sys

from client import Client
from client.api.items import create_item, delete_item, get_item, list_items, update_item
from client.models import ItemCreate, ItemUpdate

url, credentials = sys.argv[1], json.loads(sys.argv[2])
client = Client(url, headers=credentials, raise_on_unexpected_status=True)
csrf = {"x_csrf_token": token} if (token := credentials.get("x-csrf-token")) else {}
created = create_item.sync(client=client, body=ItemCreate(title="Tea"), **csrf)
page = list_items.sync(client=client, limit=10)
changes = ItemUpdate(title="Coffee")
updated = update_item.sync(created.id, client=client, body=changes, **csrf)
deleted = delete_item.sync_detailed(created.id, client=client, **csrf)
missing = get_item.sync(created.id, client=client)
results = {
    "created": created.title,
    "listed": {type(each).__name__ for each in page.items}.pop(),
    "updated": updated.title,
    "deleted": deleted.status_code,
    "missing": missing.type_,
}
sys.stdout.write(json.dumps(results))
