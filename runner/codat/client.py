"""Codat's operations as methods: each sends one request through the transports and reads its answer."""

import asyncio
import math
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from runner.codat import replies, requests
from runner.codat.answers import check
from runner.codat.flows import Flow
from runner.codat.messages import Begin, Request, Response, Transport
from runner.codat.paging import read_all
from runner.domain.ids import (
    AttachmentId,
    CompanyId,
    DatasetId,
    ExpenseId,
    IdempotencyKey,
    SyncId,
)
from runner.domain.mapping_options import MappingOptions
from runner.domain.remote import (
    CompaniesPage,
    CompanyInfo,
    Created,
    Defaults,
    ReceiptFile,
    SyncStatus,
    TransactionRow,
)
from runner.errors import OutcomeUnknown, RequestError, RunStopped

PAGE_SIZE = 2_000
LARGE = 250_000
"""Bytes of an answer that takes long enough to read for others to notice."""
READINGS = 3
"""How often a read is asked again in all while its 2xx answers cannot be read."""

T = TypeVar("T")


class Codat:
    """Codat's expenses API for one account, in one of its flows.

    Every method raises the errors of `runner.codat.answers.check`, and what the transport raises: `NotSent`,
    `OutcomeUnknown`, and errors that reach the run.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        flow: Flow,
        create_path: str = requests.CREATE_PATH,
        page_size: int = PAGE_SIZE,
        large: float = math.inf,
    ) -> None:
        """`large`: bytes from which on an answer is read in a thread of its own; infinity where there are none."""
        self.flow = flow
        self._transport = transport
        self._create_path = create_path
        self.page_size = page_size
        self._large = large
        self.sent: Counter[CompanyId] = Counter()
        """Requests that have left for each company, repetitions left out; whoever counts lets go of them."""

    async def create(
        self, company: CompanyId, payloads: Sequence[bytes], *, key: IdempotencyKey, begin: Begin
    ) -> Created:
        """Create 1-50 transactions; in the direct flow this starts a sync.

        The answer says which flow the account really speaks: see `Created`.
        """
        request = self._create_request(company, payloads, key=key)
        return replies.read_created(await self._effect(request, begin))

    async def initiate(
        self, company: CompanyId, dataset_ids: Sequence[DatasetId], *, key: IdempotencyKey, begin: Begin
    ) -> Created:
        """Start one sync of the datasets; the answer has the sync's id."""
        if not dataset_ids:
            # Some reading of the API may take it for "all that is pending".
            raise ValueError("a start that names no dataset is never sent")
        request = requests.initiate_request(company, dataset_ids, key=key)
        return replies.read_started(await self._effect(request, begin))

    async def attach(
        self,
        company: CompanyId,
        sync_id: SyncId,
        expense_id: ExpenseId,
        file: ReceiptFile,
        *,
        key: IdempotencyKey,
        begin: Begin,
    ) -> AttachmentId:
        """Attach one file to a posted expense; Codat cannot be asked afterwards whether it did."""
        request = requests.attach_request(company, sync_id, expense_id, file, key=key)
        return replies.read_attachment(await self._effect(request, begin))

    async def company(self, company: CompanyId) -> CompanyInfo:
        """Read the company and the state of its accounting connection."""
        return await self._read(requests.company_request(company), replies.read_company)

    async def companies(self, *, page: int, page_size: int) -> CompaniesPage:
        """Read one page of all companies of the account, with the states of their connections."""
        return await self._read(requests.companies_request(page=page, page_size=page_size), replies.read_companies)

    async def defaults(self, company: CompanyId) -> Defaults:
        """Read which defaults the company has for what its expenses do not name."""
        return await self._read(requests.config_request(company), replies.read_defaults)

    async def mapping_options(self, company: CompanyId) -> MappingOptions:
        """Read the accounts, tax rates and tracking categories that the company has."""
        return await self._read(requests.mapping_options_request(company), replies.read_mapping_options)

    async def status(self, company: CompanyId, sync_id: SyncId) -> SyncStatus:
        """Read one sync's status; an answer that names another sync is no answer."""
        return await self._read(
            requests.status_request(company, sync_id), lambda response: replies.read_status(response, of=sync_id)
        )

    async def statuses(self, company: CompanyId) -> list[SyncStatus]:
        """Read the status of every sync of the company."""
        return await self._read(requests.statuses_request(company), replies.read_status_list)

    async def transactions(self, company: CompanyId, sync_id: SyncId) -> list[TransactionRow]:
        """Read every row of a sync's transactions, whole or not at all.

        Raises `OutcomeUnknown` where the pages do not add up, even after they were read again.
        """

        async def page(number: int) -> replies.Page:
            request = requests.transactions_request(company, sync_id, page=number, page_size=self.page_size)
            return await self._read(request, replies.read_transactions)

        return await read_all(page, page_size=self.page_size)

    async def keys_are_honoured(self, company: CompanyId) -> bool:
        """Say whether it is proven that a used idempotency key answers 422 to another body.

        Asked with bodies that no reading of the API could take for an order: two different lists, each of one
        object that is no expense, under the same key, which must be refused with 400 and 422. The second one
        under a key of its own must be a 400 again, or the 422 would only be this account's way to say
        "invalid". Any surprise is a no. Errors that reach the run are raised.
        """
        key = _fresh_key()
        try:
            return (
                await self._probe(company, _NO_EXPENSE, key=key) == 400
                and await self._probe(company, _NO_EXPENSE_EITHER, key=key) == 422
                and await self._probe(company, _NO_EXPENSE_EITHER, key=_fresh_key()) == 400
            )
        except RequestError:
            return False

    async def _probe(self, company: CompanyId, payload: bytes, *, key: IdempotencyKey) -> int:
        request = replace(self._create_request(company, (payload,), key=key), expected=_REFUSED)
        return (await self._send(request, _nothing_to_write)).status

    def _create_request(self, company: CompanyId, payloads: Sequence[bytes], *, key: IdempotencyKey) -> Request:
        return requests.create_request(company, payloads, flow=self.flow, key=key, create_path=self._create_path)

    async def _send(self, request: Request, begin: Begin | None = None) -> Response:
        """Send a request and count it, unless it was not let out."""
        left = True
        try:
            return await self._transport.send(request, begin)
        except RunStopped:
            left = False
            raise
        finally:
            if left and request.company is not None:
                self.sent[request.company] += 1

    async def _effect(self, request: Request, begin: Begin) -> Response:
        response = await self._send(request, begin)
        check(request, response)
        return response

    async def _read(self, request: Request, reader: Callable[[Response], T]) -> T:
        for reading in range(1, READINGS + 1):
            response = await self._send(request)
            check(request, response)
            try:
                if len(response.body) > self._large:
                    # Whoever else waits for an answer must not wait for this one to be taken apart.
                    return await asyncio.to_thread(reader, response)
                return reader(response)
            except OutcomeUnknown:
                # Only the reader's doubt is answered by asking again at once: the transports pace all others.
                if reading == READINGS:
                    raise
        raise AssertionError("unreachable")


async def _nothing_to_write(_request: Request) -> None:
    pass


_REFUSED = frozenset({400, 422})
"""How probes are refused: they are certainly invalid."""

_NO_EXPENSE, _NO_EXPENSE_EITHER = b"{}", b'{"id":"none"}'
"""Without an id that an expense can have, without a type, a date, an amount."""


def _fresh_key() -> IdempotencyKey:
    return IdempotencyKey(str(uuid.uuid4()))
