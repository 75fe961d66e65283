"""A run: cases go through their stages in parallel, and skip what passed before."""

from __future__ import annotations

import hashlib
import os
import resource
import shlex
import tempfile
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from new_backend import __version__, interruption
from new_backend.invocation import installed
from new_backend.verify import (
    browser,
    databases,
    image,
    libraries,
    migrations,
    pooler,
    rendered,
    static,
    suites,
)
from new_backend.verify.facts import Facts
from new_backend.verify.passed import Records, digest
from new_backend.verify.report import Outcome, Report, Result, repeat_command
from new_backend.verify.stages import Stage, StageFailed, Workplace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from new_backend.questions import Questionnaire
    from new_backend.verify.databases import Server
    from new_backend.verify.plan import Case

_KILOBYTES = 1024


@dataclass(frozen=True)
class Request:
    """What to verify, and how."""

    cases: Sequence[Case]
    stages: Sequence[Stage]
    jobs: int = 1
    use_records: bool = True
    template: str | None = None
    """The name of the template as given, for the command that repeats a stage."""
    resolution: str = "highest"


class Listener(Protocol):
    """A receiver of progress, called from several threads."""

    def began(self, case: Case, stage: Stage) -> None:
        """A stage starts for a case."""

    def ended(self, result: Result) -> None:
        """A stage has ended for a case."""


def verify(questionnaire: Questionnaire, request: Request, listener: Listener) -> Report:
    """Run each case through the stages, until one fails.

    The stage `render` always runs, because the other stages need its files.

    Raises:
        NewBackendError: A requirement of every stage is missing.
    """
    suites.require(questionnaire.source.root, request.stages)
    if Stage.IMAGE in request.stages:
        image.require()
    facts = Facts.read(questionnaire)
    started, cpu = time.monotonic(), _cpu_seconds()
    with tempfile.TemporaryDirectory(
        prefix="new-backend-verify-", ignore_cleanup_errors=True
    ) as folder:
        place = Workplace(
            questionnaire=questionnaire,
            facts=facts,
            folder=Path(folder),
            kept=_cache_folder(),
            resolution=request.resolution,
        )
        with ExitStack() as stack:
            renderer = rendered.Renderer(questionnaire.source, request.jobs)
            stack.callback(renderer.close)
            on_servers = {Stage.STATIC, Stage.TEST, Stage.CONTRACT} & {*request.stages}
            servers = _servers(facts, request.cases) if on_servers else []
            missing = stack.enter_context(databases.started(servers))
            run = _Run(place, request, listener, renderer, frozenset(missing))
            results = run.results()
            left_out = [
                *(
                    migrations.left_out(facts, request.cases)
                    if Stage.STATIC in request.stages
                    else []
                ),
                *(browser.left_out() if Stage.CONTRACT in request.stages else []),
                *(pooler.left_out(servers) if Stage.CONTRACT in request.stages else []),
                *_without_server(facts, results, request.cases, missing),
            ]
    return Report(
        results=results,
        stages=[
            stage
            for stage in Stage
            if stage in request.stages or any(each.stage is stage for each in results)
        ],
        seconds=round(time.monotonic() - started, 2),
        cpu_seconds=round(_cpu_seconds() - cpu, 2),
        peak_megabytes=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // _KILOBYTES,
        versions={
            "new-backend": __version__,
            "template": questionnaire.source.version or "unknown",
        },
        left_out=left_out,
    )


def _servers(facts: Facts, cases: Sequence[Case]) -> list[Server]:
    return list(dict.fromkeys(each for case in cases for each in facts.servers_of(case.answers)))


def _without_server(
    facts: Facts, results: Sequence[Result], cases: Sequence[Case], missing: Sequence[Server]
) -> list[str]:
    """Return a text for each missing server: what was left out, and how to include it."""
    texts = []
    for server in missing:
        ids = {case.id: case.only for case in cases if server in facts.servers_of(case.answers)}
        found = [r for r in results if r.outcome is Outcome.LEFT_OUT and r.id in ids]
        if found:
            names = list(dict.fromkeys(each.id for each in found))
            stages = [stage for stage in Stage if any(each.stage is stage for each in found)]
            command = [*installed(), "verify", "--stage", ",".join(stages)]
            command += [word for name in names for word in ("--only", ids[name])]
            texts.append(
                f"Left out of {' and '.join(stages)}: {len(names)} of {len(cases)} combinations, "
                f"as {server.missing}\nThen include them: {shlex.join(command)}"
            )
    return texts


class _NoServerError(Exception):
    """A stage needs a server that this machine does not have."""


@dataclass
class _Run:
    """The threads of a run, and the data that its cases share."""

    place: Workplace
    request: Request
    listener: Listener
    renderer: rendered.Renderer
    missing: frozenset[Server]
    trees: dict[str, str] = field(default_factory=dict)
    """The hash of each rendered tree, by the ID of its case."""
    suites: str = ""
    """The hash of the template's own suites."""
    libraries: Path | StageFailed | None = None
    """The environment of the stage `static`, or why there is none."""

    def __post_init__(self) -> None:
        self.records = Records(self.place.kept / "passed" if self.request.use_records else None)
        self.steps: dict[Stage, Callable[[Case], tuple[str, bool]]] = {
            Stage.RENDER: self._render,
            Stage.STATIC: self._static,
            Stage.TEST: self._suite(Stage.TEST),
            Stage.CONTRACT: self._suite(Stage.CONTRACT),
            Stage.IMAGE: self._image,
        }

    def results(self) -> list[Result]:
        """Return the results, in the order of the cases and of the stages."""
        root = self.place.root
        self.suites = digest(root / "tests") if (root / "tests").is_dir() else ""
        rendered_all = self._side_by_side(lambda case: self._through(case, [Stage.RENDER]))
        if Stage.STATIC in self.request.stages:
            self.libraries = self._have_libraries(rendered_all)
        later = [stage for stage in self.request.stages if stage is not Stage.RENDER]
        followed = self._side_by_side(
            lambda case: self._through(case, later, after=rendered_all[case.id])
        )
        return [
            result
            for case in self.request.cases
            for result in (*rendered_all[case.id], *followed[case.id])
            if result.stage in self.request.stages or result.outcome is Outcome.FAILED
        ]

    def _side_by_side(self, do: Callable[[Case], list[Result]]) -> dict[str, list[Result]]:
        """Process each case in the threads. An interruption stops their programs.

        Each thread takes neighboring cases, which share most of the cached results. A thread that
        has finished takes cases from the end of another thread's part.
        """
        jobs, cases = self.request.jobs, self.request.cases
        queues = [
            deque(cases[len(cases) * job // jobs : len(cases) * (job + 1) // jobs])
            for job in range(jobs)
        ]
        results: dict[str, list[Result]] = {}

        def work(own: deque[Case]) -> None:
            while not self.place.stopped.is_set():
                try:
                    case = own.popleft() if own else max(queues, key=len).pop()
                except IndexError:  # all cases are done or in progress
                    return
                results[case.id] = do(case)

        with ThreadPoolExecutor(jobs) as threads:
            try:
                for each in as_completed([threads.submit(work, queue) for queue in queues]):
                    each.result()
            except BaseException:
                with interruption.delayed():
                    threads.shutdown(wait=False, cancel_futures=True)
                    self.place.stop()
                raise
        return results

    def _through(
        self, case: Case, stages: Iterable[Stage], after: Sequence[Result] = ()
    ) -> list[Result]:
        results = list(after)
        for stage in stages:
            if any(each.outcome in (Outcome.FAILED, Outcome.NOT_RUN) for each in results):
                results.append(Result(case.id, case.choices, stage, Outcome.NOT_RUN))
            else:
                results.append(self._attempt(case, stage))
            if not self.place.stopped.is_set():  # after Ctrl-C, a failure has no meaning
                self.listener.ended(results[-1])
        return results[len(after) :]

    def _attempt(self, case: Case, stage: Stage) -> Result:
        self.listener.began(case, stage)
        started = time.monotonic()
        repeat, cached = "", False
        try:
            detail, cached = self.steps[stage](case)
            outcome = Outcome.PASSED
        except _NoServerError as error:
            detail, outcome = str(error), Outcome.LEFT_OUT
        except StageFailed as failed:
            detail, outcome = str(failed), Outcome.FAILED
            repeat = repeat_command(
                case.only, stage, self.request.template, self.request.resolution
            )
        seconds = round(time.monotonic() - started, 2)
        return Result(case.id, case.choices, stage, outcome, seconds, cached, detail, repeat)

    def _unless_known(self, key: Sequence[object], do: Callable[[], str]) -> tuple[str, bool]:
        """Run a stage unless this key has passed before, and record the pass."""
        before = self.records.seen(*key)
        if before is not None:
            return before, True
        detail = do()
        self.records.add(*key, seen=detail)
        return detail, False

    # ------------------------------------------------------------ The stages

    def _render(self, case: Case) -> tuple[str, bool]:
        tree = self.place.tree(case)
        self.renderer.render(self.place, case)
        self.trees[case.id] = digest(tree)
        return rendered.check(self.place, case), False

    def _have_libraries(self, results: dict[str, list[Result]]) -> Path | StageFailed:
        trees = [
            self.place.tree(case)
            for case in self.request.cases
            if all(each.outcome is Outcome.PASSED for each in results[case.id])
        ]
        wanted = {each for tree in trees for each in libraries.requirements_of(tree)}
        try:
            return libraries.shared_environment(self.place, wanted)
        except StageFailed as failed:
            return failed

    def _static(self, case: Case) -> tuple[str, bool]:
        if isinstance(self.libraries, StageFailed):
            raise self.libraries
        environment = self.libraries
        if environment is None:
            raise AssertionError(case)

        key = (
            Stage.STATIC,
            self.trees[case.id],
            environment.name,
            static.versions(self.place.facts),
        )
        return self._unless_known(key, lambda: static.check(self.place, case, environment))

    def _suite(self, stage: Stage) -> Callable[[Case], tuple[str, bool]]:
        def step(case: Case) -> tuple[str, bool]:
            self._require_server(case)
            # Tests that run once per kind go to the first case of the kind, so the result depends
            # on all cases.
            among = ",".join(each.id for each in self.request.cases)
            return self._unless_known(
                (
                    *self._key_of_installed(case, stage),
                    among,
                    browser.executable() or "",
                    pooler.executable() or "",
                ),
                lambda: suites.run(self.place, case, stage, among=self.request.cases),
            )

        return step

    def _require_server(self, case: Case) -> None:
        for server in self.missing & {*self.place.facts.servers_of(case.answers)}:
            message = server.missing
            raise StageFailed(message) if databases.required() else _NoServerError(message)

    def _image(self, case: Case) -> tuple[str, bool]:
        key = (*self._key_of_installed(case, Stage.IMAGE), image.engine())
        return self._unless_known(key, lambda: image.check(self.place, case))

    def _key_of_installed(self, case: Case, stage: Stage) -> tuple[object, ...]:
        """Install a service, which locks its libraries, and return what its suites depend on."""
        suites.install(self.place, case)
        lock = hashlib.sha256((self.place.tree(case) / "uv.lock").read_bytes()).hexdigest()
        return stage, self.trees[case.id], lock, self.suites, self.request.resolution


def _cache_folder() -> Path:
    """The folder of environments and records, which the user may delete at any time."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "new-backend" / "verify"


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
