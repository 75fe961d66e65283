"""The CSRF check of plain views, such as forms. The views of the API are exempt."""

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware


class CsrfMiddleware(CsrfViewMiddleware):
    """Django's CSRF check on the event loop, where the original uses a thread for each step."""

    sync_capable = False

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        """Handle the request, and set the cookie if a form needs it."""
        self.process_request(request)
        response = await self.get_response(request)  # type: ignore[misc]
        return self.process_response(request, response)

    async def process_view(self, *arguments: Any) -> HttpResponseBase | None:  # type: ignore[override]
        """Return a response only if the check fails."""
        return super().process_view(*arguments)
