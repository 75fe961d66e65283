"""The admin site: its addresses, its static files, and its middleware.

The requests of others pass the middleware without a stop.
"""

from collections.abc import Awaitable
from contextlib import closing
from functools import cache

from django.contrib import admin
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils.deprecation import MiddlewareMixin
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]

PREFIX = "/admin/"


class ForTheAdminSite(MiddlewareMixin):
    """Does its work below `PREFIX` only."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Work, or pass the request on."""
        if request.path_info.startswith(PREFIX):
            return super().__call__(request)
        return self.get_response(request)


class SessionMiddleware(ForTheAdminSite, sessions.SessionMiddleware):
    """Reads and writes the session of an admin."""


class AuthenticationMiddleware(ForTheAdminSite, auth.AuthenticationMiddleware):
    """Finds the admin of a session."""


class MessageMiddleware(ForTheAdminSite, messages.MessageMiddleware):
    """Keeps what is told after a form was sent."""


def static_file(request: HttpRequest, **_: str) -> HttpResponseBase:
    """Answer with a file of the admin's pages."""
    # Read at once: a coroutine would not wait for a file that is streamed.
    with closing(_files()(request)) as file:
        return HttpResponse(file.getvalue(), status=file.status_code, headers=file.headers)


@cache
def _files() -> WhiteNoiseMiddleware:
    return WhiteNoiseMiddleware(_not_found)


def _not_found(_request: HttpRequest) -> HttpResponseBase:
    raise Http404


urlpatterns = [
    path(PREFIX.removeprefix("/"), admin.site.urls),
    path("static/<path:name>", static_file),
]
