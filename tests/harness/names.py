"""Words that users name services by, or that are likely to clash with something.

They are written by hand, on purpose: the generator derives its reserved names from the locks, the
services and the servers, and nothing in this list comes from there.
"""

from __future__ import annotations

from functools import cache

from new_backend.questions import Questionnaire
from new_backend.template_source import TemplateSource
from tests.harness.rendering import CHECKOUT

COMMON = """
account accounts admin analytics api api-gateway app article articles auth authentication backend
billing blog booking cart catalog chat checkout client cms comments company content core crm
customer customers dashboard data database delivery demo events example feed files forum gateway
graph hello identity images inventory invoices jobs key library login mail main media messages
metrics news notes notifications orders organization payment payments permissions posts products
profiles project projects public reports reviews rooms search server service services session
sessions settings shipping shop site status store stream tasks teams tenant tickets tracker upload
user users web webhook website wiki worker workflow
"""
"""What services are called."""

INTERNAL = """
application apps base cache callback checks cli columns commands common config cors documents
engine errors features fixtures guards health http-api items logger management middleware model
models openapi pagination passwords probes problems routes schemas static templates tokens
types-api utils views
"""
"""What modules, folders and applications inside a service are called."""

TOOLS = """
activate alembic ansible black build celery cmake conftest cython dist django docs env flake8 git
gunicorn htmlcov include ipython jupyter kubernetes lib make manage migrations ninja node
node-modules nox npm nginx packaging pip pluggy poetry postgres priority py pygmentize pylint
pyproject pytest python python3 requirements rich ruff scripts setup sphinx src test testing tests
tox uv uvicorn venv wheel wsgi asgi activate-this deactivate pydoc typer watchfiles stubgen attr
dns opentelemetry
"""
"""What tools, their commands and their folders are called."""

WORDS = """
all any begin boolean between case check column create cross current date default delete end false
from function group id index insert int integer is join key limit list map n name no null number
off on order primary print procedure property range root row select set string sum super table
text time to true type union update use user value values view when where with y yes zip localhost
template0 template1 mysql sys information-schema performance-schema sqlite-master master pg-shop
pg pgbouncer none public self aux con nul prn com1 lpt9 scratch alpine busybox latest tilde
"""
"""Words of SQL, YAML, Python, Windows and Docker."""

LIBRARIES = """
aiohttp arrow attrs babel beautifulsoup boto3 cattrs certifi click colorama cryptography dateutil
elasticsearch faker flask freezegun graphene h11 httpcore httpx hypothesis idna jinja2 jose
jsonschema kafka kombu loguru lxml mako markdown marshmallow mock mongoengine msgpack numpy
oauthlib orjson pandas passlib peewee pika pillow prometheus-client psutil psycopg2 pydantic pyjwt
pymongo pytz pyyaml quart redis requests rq scipy selenium sentry-sdk simplejson six slugify
sniffio sqlalchemy stripe structlog tenacity toml tornado trio twisted ujson urllib3 uvloop
websockets werkzeug whitenoise yaml
"""
"""Libraries, among them those of the services."""

CANDIDATES = sorted({*f"{COMMON} {INTERNAL} {TOOLS} {WORDS} {LIBRARIES}".split()})


@cache
def _questionnaire() -> Questionnaire:
    return Questionnaire.read(TemplateSource(CHECKOUT))


def problem(question: str, name: str) -> str:
    """Return why the generator refuses a name, or nothing."""
    return _questionnaire().at(question, {}).problem(name)


def accepted() -> tuple[str, ...]:
    """Return the candidates that the generator accepts as a project, and so as its package."""
    return tuple(name for name in CANDIDATES if not problem("project_name", name))
