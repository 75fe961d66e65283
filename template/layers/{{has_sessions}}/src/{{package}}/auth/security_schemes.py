"""The security schemes of the OpenAPI document."""

SECURITY_SCHEMES = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-session",
        "description": "Outside production, the name of the cookie is `session`.",
    }
}
