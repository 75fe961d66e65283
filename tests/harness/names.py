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
account accounts admin api api-gateway app auth authentication billing client content core
database events files graph images items jobs key library mail main media messages metrics notes
orders permissions project reports search server service services session sessions shop status
store tasks user users web worker
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
activate activate-this alembic attr black build conftest cython deactivate dist django dns docker
docs env flake8 git gunicorn htmlcov include ipython lib make manage migrations ninja node-modules
npm opentelemetry packaging pip pluggy postgres priority py pydoc pygmentize pyproject pytest
python python3 requirements rich ruff scripts sed setup src stubgen test testing tests tox typer
uv uvicorn venv watchfiles wheel wsgi
"""
"""What tools, their commands and their folders are called."""

WORDS = """
all any aux check column com1 con create cross current date default delete end false from function
group id index information-schema int is join key latest limit list localhost lpt9 map master
mysql n name no none nul null number off on order performance-schema pg pg-shop pgbouncer primary
print prn property public range root row scratch select self set sqlite-master string super sys
table template0 template1 text time to true type user value view when with y yes zip
"""
"""Words of SQL, YAML, Python, Windows and Docker."""

LIBRARIES = """
aiohttp attrs boto3 celery certifi click colorama cryptography flask h11 httpcore httpx idna
jinja2 jsonschema lxml mako markdown mock numpy orjson pandas psutil psycopg2 pydantic pyjwt
pyyaml quart redis requests simplejson six sniffio sqlalchemy structlog toml trio ujson urllib3
uvloop werkzeug whitenoise yaml
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
