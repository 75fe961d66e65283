"""The middleware of the admin site, which the requests of others pass without a stop."""

from collections.abc import Awaitable

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

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
