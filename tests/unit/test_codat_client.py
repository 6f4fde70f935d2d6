import asyncio
import json

import pytest

from runner.codat.client import LARGE, Codat
from runner.codat.flows import Flow
from runner.codat.messages import Response
from runner.domain.ids import CompanyId, DatasetId, ExpenseId, IdempotencyKey, SyncId
from runner.domain.remote import Created, ReceiptFile
from runner.errors import Interrupted, KeyRefused, NotSent, OutcomeUnknown, Refused

COMPANY = CompanyId("acme")
SYNC = SyncId("0d2bd1f6-1111-4111-8111-111111111111")
KEY = IdempotencyKey("9a8b7c6d-2222-4222-8222-222222222222")


def uuid(number):
    return f"{number:08x}-0000-4000-8000-000000000000"


class Service:
    """Answers what `answer` says of each request, and remembers them with whether they were begun."""

    def __init__(self, answer):
        self.answer = answer
        self.requests = []

    async def send(self, request, begin=None):
        if begin is not None:
            await begin(request)
        self.requests.append(request)
        answer = self.answer(request)
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        return Response(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def codat(answer, *, flow=Flow.DATASETS, **more):
    service = Service(answer)
    return Codat(service, flow=flow, **more), service


class Begun(list):
    async def __call__(self, request):
        self.append(request)


async def test_each_effect_is_begun_and_answers_its_id():
    answers = iter([{"datasetId": uuid(1)}, {"syncId": uuid(2)}, {"id": "att"}])
    client, service = codat(lambda _: (200, next(answers)))
    begun = Begun()
    file = ReceiptFile("a.pdf", "application/pdf", b"x")
    assert await client.create(COMPANY, [b"{}"], key=KEY, begin=begun) == Created(dataset_id=uuid(1))
    assert await client.initiate(COMPANY, [DatasetId(uuid(1))], key=KEY, begin=begun) == Created(sync_id=uuid(2))
    assert await client.attach(COMPANY, SYNC, ExpenseId(uuid(3)), file, key=KEY, begin=begun) == "att"
    assert begun == service.requests
    assert all(request.headers["Idempotency-Key"] == KEY for request in begun)


async def test_the_direct_flow_sends_a_bare_array_to_the_path_it_was_given():
    client, service = codat(lambda _: (200, {"syncId": uuid(2)}), flow=Flow.DIRECT, create_path="data/x")
    assert client.flow is Flow.DIRECT
    assert (await client.create(COMPANY, [b"{}"], key=KEY, begin=Begun())).sync_id == uuid(2)
    assert service.requests[0].body == b"[{}]"
    assert service.requests[0].path.endswith("/sync/expenses/data/x")


async def test_an_effect_with_an_unreadable_2xx_is_sent_once_and_its_outcome_is_unknown():
    client, service = codat(lambda _: (200, b'{"datas'))
    with pytest.raises(OutcomeUnknown) as caught:
        await client.create(COMPANY, [b"{}"], key=KEY, begin=Begun())
    assert caught.value.received is False
    assert len(service.requests) == 1


async def test_statuses_become_errors():
    client, _ = codat(lambda _: (401, {"error": "no"}))
    with pytest.raises(KeyRefused):
        await client.company(COMPANY)


async def test_a_read_with_an_unreadable_2xx_is_asked_again():
    answers = iter([b"<html>", b"", {"syncId": SYNC, "syncStatusCode": 2000}])
    client, service = codat(lambda _: (200, next(answers)))
    assert (await client.status(COMPANY, SYNC)).code == 2000
    assert len(service.requests) == 3


async def test_a_read_that_stays_unreadable_is_given_up():
    client, service = codat(lambda _: (200, b"<html>"))
    with pytest.raises(OutcomeUnknown):
        await client.statuses(COMPANY)
    assert len(service.requests) == 3


async def test_an_unknown_outcome_that_the_transports_gave_up_on_is_not_asked_again_here():
    client, service = codat(lambda _: OutcomeUnknown("lost", received=False))
    with pytest.raises(OutcomeUnknown):
        await client.statuses(COMPANY)
    assert len(service.requests) == 1


@pytest.mark.parametrize("status", [403, 404])
async def test_what_codat_does_not_say_about_a_company_is_a_refusal(status):
    client, _ = codat(lambda _: (status, {"error": "none"}))
    with pytest.raises(Refused):
        await client.defaults(COMPANY)
    with pytest.raises(Refused):
        await client.mapping_options(COMPANY)


# ---- paging ----


def row(number, kind="expense", status="Completed"):
    return {"transactionId": uuid(number), "status": status, "integrationType": kind}


class Pages:
    """A service with `rows`; knobs say how it pages and what it tells of it."""

    def __init__(self, rows, *, cap=10_000, total=True, links=True, moods=()):
        self.rows = rows
        self.cap = cap
        self.total = total
        self.links = links
        self.moods = list(moods)
        """Called in turn before each answer."""

    def __call__(self, request):
        if self.moods:
            self.moods.pop(0)(self)
        page, size = int(request.query["page"]), min(int(request.query["pageSize"]), self.cap)
        body = {"results": self.rows[(page - 1) * size : page * size], "pageNumber": page, "pageSize": size}
        if self.total is not False:
            body["totalResults"] = len(self.rows) if self.total is True else self.total
        if self.links:
            body["_links"] = {"next": {"href": "/n"}} if page * size < len(self.rows) else {}
        return 200, body


async def all_rows(pages, *, page_size=3):
    client, service = codat(pages, page_size=page_size)
    return [each.expense_id for each in await client.transactions(COMPANY, SYNC)], len(service.requests)


def ids(count):
    return [uuid(number) for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6, 7])
@pytest.mark.parametrize("told", [{}, {"total": False}, {"links": False}])
@pytest.mark.parametrize("cap", [100, 2])
async def test_every_page_is_read_whatever_the_service_tells_of_its_pages(count, told, cap):
    pages = Pages([row(number) for number in range(count)], cap=cap, **told)
    read, requests = await all_rows(pages)
    assert read == ids(count)
    assert requests == max(1, -(-count // min(cap, 3)))


@pytest.mark.parametrize("count", [0, 2, 3, 4, 6])
async def test_without_total_and_links_only_a_short_page_ends_the_reading(count):
    read, requests = await all_rows(Pages([row(n) for n in range(count)], total=False, links=False))
    assert read == ids(count)
    assert requests == count // 3 + 1


async def test_the_page_size_asked_for_is_2000():
    client, service = codat(Pages([]))
    await client.transactions(COMPANY, SYNC)
    assert service.requests[0].query == {"page": "1", "pageSize": "2000"}


async def test_a_total_that_changes_between_pages_starts_the_reading_anew():
    rows = [row(number) for number in range(4)]

    def grow(pages):
        pages.rows = [*rows, row(4)]

    read, requests = await all_rows(Pages(rows, moods=[lambda _: None, grow]))
    assert read == ids(5)
    assert requests == 4


async def test_rows_that_move_between_pages_start_the_reading_anew():
    rows = [row(number) for number in range(6)]

    def shuffle(pages):
        pages.rows = [*rows[3:5], rows[0], *rows[1:3], rows[5]]

    def settle(pages):
        pages.rows = rows

    read, requests = await all_rows(Pages(rows, moods=[settle, shuffle, settle, settle]))
    assert sorted(read) == ids(6)
    assert requests == 4


async def test_a_row_that_stands_on_two_pages_in_two_readings_is_believed():
    rows = [row(0), row(1), row(2), row(0), row(3)]
    read, requests = await all_rows(Pages(rows))
    assert read == [uuid(number) for number in (0, 1, 2, 0, 3)]
    assert requests == 4


async def test_rows_of_both_kinds_are_no_repetition():
    rows = [row(0), row(1), row(2), row(0, "bankfeeds"), row(1, "bankfeeds")]
    read, requests = await all_rows(Pages(rows))
    assert len(read) == 5
    assert requests == 2


@pytest.mark.parametrize("total", [7, 100])
async def test_fewer_rows_than_the_total_are_not_taken_for_all(total):
    with pytest.raises(OutcomeUnknown) as caught:
        await all_rows(Pages([row(0), row(1)], total=total, links=False))
    assert caught.value.received is False


@pytest.mark.parametrize("told", [{"_links": {"next": {"href": "/n"}}}, {"totalResults": 6}])
async def test_a_service_that_always_sends_the_same_page_is_not_believed(told):
    def same(_request):
        return 200, {"results": [row(0), row(1), row(2)]} | told

    with pytest.raises(OutcomeUnknown):
        await all_rows(same)


async def test_pages_that_never_end_are_given_up():
    def endless(request):
        page = int(request.query["page"])
        return 200, {"results": [row(page)], "_links": {"next": {"href": "/n"}}}

    with pytest.raises(OutcomeUnknown, match="do not end"):
        await all_rows(endless)


async def test_an_empty_page_ends_a_chain_of_links():
    def chained(request):
        page = int(request.query["page"])
        return 200, {"results": [row(page)] if page < 3 else [], "_links": {"next": {"href": "/n"}}}

    read, _ = await all_rows(chained)
    assert read == [uuid(1), uuid(2)]


# ---- the probe of the keys ----


def keyed(*, honoured, invalid=400, other=422):
    seen = {}

    def answer(request):
        key = request.headers["Idempotency-Key"]
        if honoured and seen.setdefault(key, request.body) != request.body:
            return other, {"error": "key"}
        return invalid(request) if callable(invalid) else (invalid, {"error": "invalid"})

    return answer


@pytest.mark.parametrize("flow", list(Flow))
async def test_keys_are_honoured_where_a_used_key_refuses_another_body(flow):
    client, service = codat(keyed(honoured=True), flow=flow)
    assert await client.keys_are_honoured(COMPANY) is True
    bodies = [request.body for request in service.requests]
    lists = [json.loads(body) for body in bodies]
    first, second, third = [each["items"] for each in lists] if flow.creates_datasets else lists
    assert first != second == third
    # No reading of the API could take one of them for an order: each names one object, and it is no expense.
    assert all(len(each) == 1 and set(each[0]) <= {"id"} for each in (first, second))
    keys = [request.headers["Idempotency-Key"] for request in service.requests]
    assert keys[0] == keys[1] != keys[2]


async def test_a_start_that_names_no_dataset_is_never_sent():
    client, service = codat(lambda _: (202, {"syncId": uuid(2)}))
    with pytest.raises(ValueError, match="never sent"):
        await client.initiate(COMPANY, [], key=IdempotencyKey("k"), begin=service.send)
    assert service.requests == []


async def test_each_probe_has_a_fresh_key():
    client, service = codat(keyed(honoured=True))
    await client.keys_are_honoured(COMPANY)
    await client.keys_are_honoured(COMPANY)
    assert len({request.headers["Idempotency-Key"] for request in service.requests}) == 4
    assert all(request.expected == {400, 422} for request in service.requests)


@pytest.mark.parametrize(
    "answer",
    [
        keyed(honoured=False),
        keyed(honoured=False, invalid=422),
        keyed(honoured=True, invalid=422),
        keyed(honoured=True, invalid=200),
        keyed(honoured=True, other=400),
        keyed(honoured=True, other=409),
        lambda _: (401, {}),
        lambda _: (500, b"<html>"),
        lambda _: NotSent("refused"),
        lambda _: OutcomeUnknown("lost", received=False),
    ],
)
async def test_anything_else_proves_nothing(answer):
    client, _ = codat(answer)
    assert await client.keys_are_honoured(COMPANY) is False


async def test_a_service_that_calls_an_empty_object_unprocessable_has_not_proved_that_it_honours_keys():
    def answer(request):
        return (422 if b"{}" in request.body else 400), {"error": "invalid"}

    client, _ = codat(answer)
    assert await client.keys_are_honoured(COMPANY) is False


async def test_the_end_of_the_run_is_no_surprise_that_a_probe_swallows():
    client, _ = codat(lambda _: Interrupted("stop"))
    with pytest.raises(Interrupted):
        await client.keys_are_honoured(COMPANY)


async def test_the_loop_goes_on_while_a_large_answer_is_taken_apart():
    statuses = [{"syncId": uuid(number), "syncStatusCode": 2000, "syncStatus": "Complete"} for number in range(20_000)]
    client, _ = codat(lambda _request: (200, statuses), large=LARGE)
    turns = 0

    async def others():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    going_on = asyncio.ensure_future(others())
    found = await client.statuses(COMPANY)
    going_on.cancel()

    assert len(found) == 20_000
    assert turns > 1
