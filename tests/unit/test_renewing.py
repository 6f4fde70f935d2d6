"""A key that is changed while a run is under way."""

import asyncio

from runner.codat.credential import Credential
from runner.codat.messages import Request, Response
from runner.codat.renewing import Renewing
from runner.domain.ids import CompanyId
from runner.errors import ConfigurationWrong

OLD, NEW = "old-Key-of-the-account-1", "new-Key-of-the-account-2"
EFFECT = Request("POST", "/companies/acme/sync/expenses/syncs", CompanyId("acme"), headers={"Idempotency-Key": "k"})


class Log:
    def __init__(self):
        self.said = []

    def warning(self, event, **facts):
        self.said.append((event, facts))


class Wire:
    """Accepts one key."""

    def __init__(self, credential, accepted):
        self.credential, self.accepted, self.sent = credential, Credential(accepted), []

    async def send(self, request, begin=None):
        key = self.credential.header()
        await asyncio.sleep(0)
        self.sent.append(request)
        return Response(200 if key == self.accepted.header() else 401, {}, b"")


class Place:
    """Holds a key, and counts how often it was looked at."""

    def __init__(self, text):
        self.text, self.looks = text, 0

    async def __call__(self):
        self.looks += 1
        if self.text is None:
            raise ConfigurationWrong("It is not there.")
        return Credential(self.text)


def renewing(place, accepted=NEW):
    credential = Credential(OLD, source="the file key", again=place)
    log = Log()
    wire = Wire(credential, accepted)
    return Renewing(wire, credential, log), wire, log


async def test_a_request_that_met_the_old_key_is_sent_again_as_it_was_with_the_new_one():
    place = Place(NEW)
    transport, wire, log = renewing(place)
    assert (await transport.send(EFFECT)).status == 200
    assert wire.sent == [EFFECT, EFFECT]
    assert log.said == [("key_renewed", {"source": "the file key"})]


async def test_many_requests_at_once_read_the_key_once():
    place = Place(NEW)
    transport, _, _ = renewing(place)
    answers = await asyncio.gather(*(transport.send(EFFECT) for _ in range(8)))
    assert {each.status for each in answers} == {200}
    assert place.looks == 1


async def test_a_key_that_is_still_the_same_is_refused_for_good_and_read_once():
    place = Place(OLD)
    transport, wire, log = renewing(place)
    answers = await asyncio.gather(*(transport.send(EFFECT) for _ in range(8)))
    assert {each.status for each in answers} == {401}
    assert len(wire.sent) == 8
    assert place.looks == 1
    assert log.said == [("key_refused", {"source": "the file key"})]


async def test_a_place_that_is_empty_by_now_leaves_the_refusal_as_it_is():
    transport, wire, log = renewing(Place(None))
    assert (await transport.send(EFFECT)).status == 401
    assert len(wire.sent) == 1
    assert [event for event, _ in log.said] == ["key_not_read_again", "key_refused"]


async def test_a_key_from_the_environment_is_not_read_again():
    transport, wire, _ = renewing(None)
    assert (await transport.send(EFFECT)).status == 401
    assert len(wire.sent) == 1
