"""What Codat says of the account: whether the key is accepted, what time it is, which companies and which flow."""

import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from runner.clock import Clock
from runner.codat import replies, requests
from runner.codat.answers import check, date_of
from runner.codat.flows import Flow
from runner.codat.messages import Response, Transport
from runner.doctor.findings import Finding, problem, warning, well
from runner.domain.ids import CompanyId, IdempotencyKey
from runner.domain.remote import CompanyInfo
from runner.errors import ExitCode, OutcomeUnknown, RequestError, RunStopped
from runner.report.words import counted, lasting

PAGE_SIZE: Final = 1_000
PAGES: Final = 5
"""Requests for the list of companies, at most."""
TOLERATED: Final = 60.0
"""Seconds between two clocks that nobody need look at."""
_NAMED: Final = 3


@dataclass(slots=True)
class Asked:
    """What was learnt so far: filled by the first check, read by the others."""

    skew: float | None = None
    """Seconds that the clock of this machine is ahead of Codat's; None where Codat did not say its time."""
    companies: dict[CompanyId, CompanyInfo] = field(default_factory=dict)
    total: int | None = None
    """Companies of the account; None where they could not be listed."""

    @property
    def is_whole(self) -> bool:
        """Whether every company of the account is among them."""
        return self.total is not None and len(self.companies) >= self.total


async def accepted(transport: Transport, asked: Asked, *, clock: Clock) -> Sequence[Finding]:
    """Say whether Codat takes the key; one request, and few more for the other companies."""
    try:
        async with aclosing(_pages(transport, asked)) as pages:
            async for response in pages:
                asked.skew = _skew(response, clock.now()) if asked.skew is None else asked.skew
    except RunStopped as error:
        return [problem("key_accepted", error.message, error.hint, error.exit_code)]
    except RequestError as error:
        return [_not_read(error)]
    return [well("key_accepted", "Codat takes the key.")]


def _not_read(error: RequestError) -> Finding:
    code = ExitCode.WORK_REMAINS
    status = getattr(error, "status", None)
    if isinstance(error, OutcomeUnknown) and status is not None and status < 500:
        fix = "Something other than Codat answers: a proxy's page, or a wrong --base-url."
    elif status == 407:
        fix = "A proxy between asks for a password: let this machine connect to Codat directly."
    elif status == 403:
        fix, code = "Give the key the right to read companies, in Codat's portal.", ExitCode.KEY_REFUSED
    else:
        fix = "Try again in a while; Codat's status page may know more."
    return problem("key_accepted", f"The list of companies could not be read: {error.message}", fix, code)


async def _pages(transport: Transport, asked: Asked) -> AsyncGenerator[Response, None]:
    received = 0
    for number in range(1, PAGES + 1):
        request = requests.companies_request(page=number, page_size=PAGE_SIZE)
        response = await transport.send(request)
        check(request, response)
        page = replies.read_companies(response)
        yield response
        asked.companies.update(page.companies)
        received += page.received
        asked.total = received if page.total is None else page.total
        if not page.received or received >= asked.total:
            return


def _skew(response: Response, now: datetime) -> float | None:
    date = date_of(response)
    return None if date is None else now.timestamp() - date


async def same_time(asked: Asked) -> Sequence[Finding]:
    """Say how far the clock of this machine is from Codat's."""
    if asked.skew is None:
        return []
    # Codat's time is cut to whole seconds, and its answer took a moment.
    if abs(asked.skew) <= TOLERATED:
        return [well("clock", "The clock of this machine agrees with Codat's.")]
    way = "ahead of" if asked.skew > 0 else "behind"
    return [
        warning(
            "clock",
            f"The clock of this machine is {lasting(abs(asked.skew))} {way} Codat's.",
            "Let it be set by the network: timedatectl set-ntp true. Times in the journal, --until and the signatures "
            "of webhooks rely on it.",
        )
    ]


async def connected_companies(asked: Asked, known: Sequence[CompanyId]) -> Sequence[Finding]:
    """Say how the companies are connected; `known` are those of the journal."""
    if asked.total is None:
        return []
    linked = sum(bool(info.linked) for info in asked.companies.values())
    states = Counter(info.connection or "no connection" for info in asked.companies.values() if not info.linked)
    others = "".join(f", {count:,} {state}" for state, count in sorted(states.items()))
    listed = len(asked.companies)
    scope = counted(listed, "company") if asked.is_whole else f"The first {listed:,} of {asked.total:,} companies"
    said = f"{scope}: {linked:,} linked{others}."
    if not asked.companies or not linked:
        return [warning("companies", said, "Connect a company in Codat's portal; until then its expenses are held.")]
    return [well("companies", said), *_of_the_journal(asked, known)]


def _of_the_journal(asked: Asked, known: Sequence[CompanyId]) -> Sequence[Finding]:
    missing = [each for each in known if each not in asked.companies] if asked.is_whole else []
    unlinked = [each for each in known if each in asked.companies and not asked.companies[each].linked]
    return [
        warning("companies", f"{counted(len(some), 'company')} of the journal {words}: {_first(some)}.", fix)
        for some, words, fix in (
            (missing, "not found at Codat", "Is it the key of the right account? See: expense-runner companies"),
            (unlinked, "not linked", "Their owners must connect them again; their expenses are held until then."),
        )
        if some
    ]


def _first(companies: Sequence[CompanyId]) -> str:
    return ", ".join(companies[:_NAMED]) + (" …" if len(companies) > _NAMED else "")


async def spoken_flow(transport: Transport, asked: Asked, *, flow: Flow) -> Sequence[Finding]:
    """Say which of Codat's two APIs the account speaks, where that can be told.

    Asked by starting a sync of no datasets, from which nothing can come: refused as invalid where the endpoint is
    there, not found where it is not.
    """
    company = next((each for each, info in asked.companies.items() if info.linked), None)
    if company is None:
        return []
    request = requests.initiate_request(company, (), key=IdempotencyKey(str(uuid.uuid4())))
    try:
        status = (await transport.send(request)).status
    except RequestError as error:
        return [warning("flow", f"Which flow the account speaks could not be asked: {error.message}")]
    if status in {400, 422}:
        return [_datasets(flow)]
    if status in {404, 405}:
        return [_direct(flow)]
    return [warning("flow", f"Codat does not say which flow the account speaks (it answered {status}).")]


def _datasets(flow: Flow) -> Finding:
    if flow is Flow.DATASETS:
        return well("flow", "The account takes datasets, as set.")
    return warning(
        "flow",
        "The account takes datasets, and the flow is set to direct.",
        "Set --flow datasets unless Codat moved it.",
    )


def _direct(flow: Flow) -> Finding:
    if flow is Flow.DIRECT:
        return well("flow", "The account takes no datasets: it speaks the direct flow, as set.")
    return problem(
        "flow",
        "The account takes no datasets: it speaks the direct flow.",
        'Give --flow direct, or write flow = "direct" into the configuration file.',
        ExitCode.CONFIGURATION,
    )
