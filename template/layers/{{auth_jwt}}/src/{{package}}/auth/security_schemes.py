"""The security schemes of the OpenAPI document."""

from typing import Any

SECURITY_SCHEMES: dict[str, dict[str, Any]] = {
    "access_token": {
        "type": "oauth2",
        "flows": {"password": {"tokenUrl": "/api/v1/auth/token", "scopes": {}}},
    }
}
