"""Plausible mistakes in the template, and the first stage that finds each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from new_backend.verify.stages import Stage

if TYPE_CHECKING:
    from pathlib import Path

_PACKAGE = "src/{{package}}"
_LAYERS = "template/layers"
_COMMON = f"{_LAYERS}/{{{{common}}}}"
_FEATURES = "template/features"

FASTAPI = "framework=fastapi,orm=sqlalchemy,database=sqlite,auth=none,concurrency=async"
FASTAPI_JWT = "framework=fastapi,orm=sqlalchemy,database=sqlite,auth=jwt,concurrency=async"
FASTAPI_SQLMODEL = "framework=fastapi,orm=sqlmodel,database=sqlite,auth=none,concurrency=async"
FLASK = "framework=flask,orm=sqlalchemy,database=sqlite,auth=none,concurrency=sync"
QUART = "framework=flask,orm=sqlalchemy,database=sqlite,auth=none,concurrency=async"
NINJA = "framework=django,orm=django,database=sqlite,auth=none,concurrency=sync,django_api=ninja"
DRF = "framework=django,orm=django,database=sqlite,auth=none,concurrency=sync,django_api=drf"
DRF_ASYNC = "framework=django,orm=django,database=sqlite,auth=none,concurrency=async,django_api=drf"
GITHUB = ",ci=github"


@dataclass(frozen=True)
class Mutation:
    """A text of the template, its replacement, and the stage that finds it."""

    name: str
    path: str
    """The file, in the folder of `copier.yml`."""
    found: str
    planted: str
    only: str
    """The combination that shows the mistake, in the form of `--only`."""
    stage: Stage
    """The first stage that finds it."""
    reported: str
    """A part of the failure's report, which proves that it failed for this reason."""
    nightly: bool = False

    def planted_in(self, folder: Path) -> str:
        """Return the file's text with the mistake, in the folder of `copier.yml`."""
        text = (folder / self.path).read_text(encoding="utf-8")
        assert text.count(self.found) == 1, f"{self.path} has changed: choose another text"
        return text.replace(self.found, self.planted)


MUTATIONS = (
    # ------------------------------------------------------------ render
    Mutation(
        "an unclosed condition",
        f"{_LAYERS}/{{{{framework_flask}}}}/{_PACKAGE}/hooks.py.jinja",
        '"flask_session",\n    }\n{% endif %}\n',
        '"flask_session",\n    }\n',
        FLASK,
        Stage.RENDER,
        "Unexpected end of template",
    ),
    Mutation(
        "a misspelt variable",
        f"{_COMMON}/README.md.jinja",
        "# {{ project_name }}\n",
        "# {{ project_nmae }}\n",
        FLASK,
        Stage.RENDER,
        "no question defines project_nmae",
    ),
    Mutation(
        "an import of an unselected layer",
        f"{_COMMON}/{_PACKAGE}/guards.py.jinja",
        "from uuid import uuid4\n",
        "from uuid import uuid4\n\nfrom starlette.datastructures import Headers\n",
        FLASK,
        Stage.RENDER,
        "left over from another choice than framework=flask",
    ),
    Mutation(
        "a flag that is set for two choices",
        "copier.yml",
        "orm_sqlalchemy: { type: str, when: false, default: \"{{ '.' if orm == 'sqlalchemy' ",
        "orm_sqlalchemy: { type: str, when: false, default: \"{{ '.' if orm != 'django' ",
        FASTAPI_SQLMODEL,
        Stage.RENDER,
        "items/models.py comes from 2 layers",
    ),
    Mutation(
        "a dependency of another choice",
        f"{_FEATURES}/auth_jwt.jinja",
        '{"name": "pyjwt"},',
        '{"name": "pyjwt"}, {"name": "joserfc"},',
        FASTAPI_JWT,
        Stage.RENDER,
        "left over from another choice than auth=jwt",
    ),
    Mutation(
        "wrongly indented YAML",
        f"{_COMMON}/compose.yaml.jinja",
        "    stop_grace_period: 15s\n",
        "   stop_grace_period: 15s\n",
        FLASK,
        Stage.RENDER,
        "compose.yaml: while parsing a block mapping",
    ),
    # ------------------------------------------------------------ static
    Mutation(
        "a removed rule",
        "copier.yml",
        '"{{ rule_drf_needs_the_django_orm or rule_drf_has_no_async_views }}"',
        '"{{ rule_drf_needs_the_django_orm }}"',
        DRF_ASYNC,
        Stage.STATIC,
        'Maybe you forgot to use "await"?',
    ),
    Mutation(
        "a missing await",
        f"{_LAYERS}/{{{{framework_fastapi}}}}/{_PACKAGE}/items/api.py.jinja",
        "    {{ await_ }}{{ one_item }}.delete_item(",
        "    {{ one_item }}.delete_item(",
        FASTAPI,
        Stage.STATIC,
        "[unused-coroutine]",
    ),
    Mutation(
        "a missing async",
        f"{_LAYERS}/{{{{framework_flask}}}}/{_PACKAGE}/items/api.py.jinja",
        "{{ async_ }}def get_item(",
        "def get_item(",
        QUART,
        Stage.STATIC,
        "[await-not-async]",
    ),
    Mutation(
        "a removed dependency that other libraries also install",
        f"{_FEATURES}/framework_fastapi.jinja",
        '  {"name": "starlette"},\n',
        "",
        FASTAPI,
        Stage.STATIC,
        "DEP003 'starlette'",
    ),
    Mutation(
        "an unused dependency",
        f"{_FEATURES}/framework_flask.jinja",
        '{"name": "click"},',
        '{"name": "click"}, {"name": "anyio"},',
        FLASK,
        Stage.STATIC,
        "DEP002 'anyio'",
    ),
    Mutation(
        "unsorted imports",
        f"{_LAYERS}/{{{{django_api_drf}}}}/{_PACKAGE}/items/api.py.jinja",
        "from drf_spectacular.utils import extend_schema\nfrom rest_framework import status\n",
        "from rest_framework import status\nfrom drf_spectacular.utils import extend_schema\n",
        DRF,
        Stage.STATIC,
        "I001",
    ),
    Mutation(
        "an unchecked owner",
        f"{_LAYERS}/{{{{orm_django}}}}/{_PACKAGE}/items/services.py.jinja",
        "Item.objects.get({{ owner_argument }}id=item_id)",
        "Item.objects.get(id=item_id)",
        DRF.replace("auth=none", "auth=jwt"),
        Stage.STATIC,
        "ARG001 Unused function argument: `owner_id`",
    ),
    Mutation(
        "a misspelled key of a workflow",
        f"{_LAYERS}/{{{{ci_github}}}}/.github/workflows/ci.yml.jinja",
        "    runs-on: ubuntu-latest\n{% if with_services %}",
        "    run-on: ubuntu-latest\n{% if with_services %}",
        FLASK + GITHUB,
        Stage.STATIC,
        "'runs-on' is a required property",
    ),
    Mutation(
        "a misspelled key of the compose file",
        f"{_COMMON}/compose.yaml.jinja",
        "stop_grace_period",
        "stop_grace_time",
        FLASK,
        Stage.STATIC,
        "stop_grace_time",
    ),
    Mutation(
        "a relative folder in the image",
        f"{_COMMON}/Dockerfile.jinja",
        "WORKDIR /app\nCOPY --from=build",
        "WORKDIR app\nCOPY --from=build",
        FLASK,
        Stage.STATIC,
        "DL3000",
    ),
    Mutation(
        "a nullable column in the model only",
        f"{_LAYERS}/{{{{orm_sqlalchemy}}}}/{_PACKAGE}/items/models.py.jinja",
        "mapped_column(String(200))",
        "mapped_column(String(200), nullable=True)",
        FASTAPI,
        Stage.STATIC,
        "modify_nullable",
    ),
    Mutation(
        "a model change without a migration",
        f"{_LAYERS}/{{{{orm_django}}}}/{_PACKAGE}/items/models.py.jinja",
        "max_length=2000",
        "max_length=4000",
        NINJA,
        Stage.STATIC,
        "Alter field",
    ),
    # ------------------------------------------------------------ test
    Mutation(
        "a wrong status code",
        f"{_LAYERS}/{{{{framework_fastapi}}}}/{_PACKAGE}/items/api.py.jinja",
        "status.HTTP_201_CREATED",
        "status.HTTP_200_OK",
        FASTAPI,
        Stage.TEST,
        "TestCreateItem::test_returns_created_item - assert 200 == 201",
        nightly=True,
    ),
    Mutation(
        "a missing commit",
        f"{_LAYERS}/{{{{framework_flask}}}}/{_PACKAGE}/unit_of_work.py.jinja",
        "session.commit()",
        "session.flush()",
        FLASK,
        Stage.TEST,
        "TestGetItem::test_returns_created_item - assert 404 == 200",
    ),
    Mutation(
        "a dropped driver",
        f"{_FEATURES}/database_sqlite.jinja",
        '"when": on_sqlalchemy and concurrency_async}',
        '"when": on_sqlalchemy and concurrency_async, "development": true}',
        FASTAPI,
        Stage.TEST,
        "aiosqlite",
        nightly=True,
    ),
    Mutation(
        "a refresh token that is not replaced",
        f"{_LAYERS}/{{{{on_sqlalchemy}}}}/{{{{auth_jwt}}}}/{_PACKAGE}/auth/services.py.jinja",
        "login.secret_hash = digest(sent.next_secret)",
        "login.secret_hash = digest(sent.secret)",
        FASTAPI_JWT,
        Stage.TEST,
        "TestRefresh::test_used_token_ends_login",
        nightly=True,
    ),
    Mutation(
        "a unit of work that does not end",
        f"{_LAYERS}/{{{{framework_fastapi}}}}/{_PACKAGE}/dependencies.py.jinja",
        "writing.begin()",
        "writing()",
        FASTAPI,
        Stage.TEST,
        "TestGetItem::test_returns_created_item - assert 404 == 200",
        nightly=True,
    ),
    Mutation(
        "a health check that always returns ok",
        f"{_LAYERS}/{{{{on_wsgi}}}}/{_PACKAGE}/probes.py",
        "return answered.is_set()",
        "return True",
        FLASK,
        Stage.TEST,
        "TestDatabaseDown::test_reports_not_ready",
    ),
    Mutation(
        "a commit after the response",
        f"{_LAYERS}/{{{{framework_fastapi}}}}/{_PACKAGE}/dependencies.py.jinja",
        'Depends(_write, scope="function")',
        "Depends(_write)",
        FASTAPI,
        Stage.TEST,
        "TestWriteSession::test_reports_failed_commit",
        nightly=True,
    ),
    Mutation(
        "a header that clients can inject into",
        f"{_COMMON}/{_PACKAGE}/guards.py.jinja",
        "_REQUEST_ID.fullmatch(offered)",
        "_REQUEST_ID.match(offered)",
        FLASK,
        Stage.TEST,
        "test_malformed_request_id_is_replaced",
    ),
    Mutation(
        "a production log as readable text",
        f"{_COMMON}/{_PACKAGE}/logging.py.jinja",
        "processors=[*_COMMON, *_rendering(json_lines=json_lines)],",
        "processors=[*_COMMON, *_rendering(json_lines=False)],",
        FLASK,
        Stage.TEST,
        "test_logs_request_without_query",
        nightly=True,
    ),
    # ------------------------------------------------------------ contract
    Mutation(
        "a default secret",
        f"{_LAYERS}/{{{{has_secret_key}}}}/{_PACKAGE}/secret_key.py.jinja",
        '    secret_key: SecretStr = SecretStr("")\n',
        '    secret_key: SecretStr = SecretStr("not-for-production-" * 4)\n',
        FASTAPI_JWT,
        Stage.CONTRACT,
        "test_production_rejects_missing_or_weak_key",
        nightly=True,
    ),
    Mutation(
        "passwords hashed at half the cost",
        f"{_LAYERS}/{{{{uses_pwdlib}}}}/{{{{concurrency_async}}}}/{_PACKAGE}/auth/passwords.py.jinja",
        "time_cost=2",
        "time_cost=1",
        FASTAPI_JWT,
        Stage.CONTRACT,
        "test_hashes_password_with_owasp_parameters",
        nightly=True,
    ),
    Mutation(
        "a server that waits forever",
        f"{_COMMON}/{_PACKAGE}/server.py.jinja",
        "        workers_kill_timeout=GRACE_SECONDS,\n",
        "",
        FLASK,
        Stage.CONTRACT,
        "test_endless_request_delays_stop_by_ten_seconds_at_most",
        nightly=True,
    ),
    Mutation(
        "a page that cannot read the location of a new item",
        f"{_LAYERS}/{{{{framework_fastapi}}}}/{_PACKAGE}/app.py.jinja",
        'expose_headers=["Location", "X-Request-ID"]',
        'expose_headers=["X-Request-ID"]',
        FASTAPI,
        Stage.CONTRACT,
        "test_listed_origin_can_read_request_id_and_location",
        nightly=True,
    ),
    # ------------------------------------------------------------ image
    Mutation(
        "an image that runs as root",
        f"{_COMMON}/Dockerfile.jinja",
        "USER 10001\n",
        "",
        FLASK,
        Stage.IMAGE,
        "runs as root: expected a number",
        nightly=True,
    ),
    Mutation(
        "a health check of the wrong path",
        f"{_COMMON}/Dockerfile.jinja",
        "/health/ready",
        "/health/reedy",
        FLASK,
        Stage.IMAGE,
        "unhealthy",
        nightly=True,
    ),
    Mutation(
        "a shell that does not forward SIGTERM",
        f"{_COMMON}/Dockerfile.jinja",
        '["{{ project_name }}", "serve"]',
        '["sh", "-c", "{{ project_name }} serve; exit 0"]',
        FLASK,
        Stage.IMAGE,
        "the service exited with code 137",
        nightly=True,
    ),
)
