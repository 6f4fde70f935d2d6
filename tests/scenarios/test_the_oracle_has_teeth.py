"""A proof that cannot fail proves nothing: programs broken by hand are caught."""

from contextlib import contextmanager
from dataclasses import replace

import pytest

from runner.codat import client, gate
from runner.domain.judging import POSTED
from runner.domain.states import Outcome
from runner.journal.attempts import End
from runner.simulator import Fault, FaultKind
from runner.steps import receipts, syncs, transactions
from runner.steps.proof import Proofs
from tests.scenarios.world import life
from tests.scenarios.world.history import run_history
from tests.scenarios.world.plan import KINDS, Hit, World
from tests.scenarios.world.sweeps import ONE, TINY, crashes


@contextmanager
def swapped(owner, name, value):
    """Replace an attribute for a while."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


IGNORED = World(idempotency="ignored")


def histories(patch):
    """Verdicts of the broken program on histories like those of the sweeps."""
    missing = Fault(FaultKind.MISSING, company="company-0", nth=1)
    yield run_history(replace(TINY, page_size=1), patch=patch)
    yield run_history(replace(TINY, world=World(faults=(missing,))), patch=patch)
    bases = [
        replace(base, flow=flow, world=world)
        for base in (TINY, ONE)
        for flow in ("datasets", "direct")
        for world in (World(), IGNORED)
    ]
    for base in bases:
        first = run_history(base, patch=patch)
        yield first
        for n in range(1, first.points[0][1] + 1):
            for kind in KINDS:
                yield run_history(replace(base, hits=(Hit(n, kind),)), patch=patch)
        for crash in crashes(1, *first.points[0]):
            yield run_history(replace(base, crashes=(crash,)), patch=patch)


def caught(patch):
    """What the oracle says of a broken program."""
    return next((verdict.violations[0] for verdict in histories(patch) if not verdict.ok), None)


def no_quiescence():
    """Two looks that find nothing are enough: nobody waits for what is late."""
    return swapped(life, "QUIESCENCE", 0.0)


def effect_before_intention():
    """The request leaves before its intention is on disk."""

    async def send(self, request, begin=None):
        self._draining.check()
        response = await self._inner.send(request)
        if begin is not None:
            await begin(request)
        return response

    return swapped(gate.Gate, "send", send)


def code_trusted():
    """Every expense of a sync that says 2000 is called posted, whatever its own row says."""
    judge = transactions.judge
    return swapped(
        transactions, "judge", lambda expected, rows: dict.fromkeys(expected, POSTED) if rows else judge(expected, rows)
    )


def second_page_ignored():
    """Only the first page of a sync's transactions is read."""

    async def first_page(read_page, *, page_size):
        return list((await read_page(1)).rows)

    return swapped(client, "read_all", first_page)


def unknown_start_repeated():
    """A start that got no answer is simply sent again."""

    async def repeat(company, sync, kit):
        attempt = await kit.journal.attempts.of_sync(sync.no)
        await kit.journal.syncs.record_void(sync.no, attempt.no, End(Outcome.ABSENT))

    return swapped(syncs, "reconcile", repeat)


def unproven_key_replayed():
    """Keys are trusted without a proof that this account honours them."""

    async def honoured(self, company):
        return True

    return swapped(Proofs, "keys_honoured", honoured)


def unknown_upload_repeated():
    """An upload that got no answer is sent again under a new key."""

    async def settle(company, waiting, file, attempt, kit):
        key = kit.new_key()
        intent = receipts.Intent(
            key,
            lambda hash_: kit.journal.receipts.begin_attach(company, waiting.no, key=key, body_hash=hash_),
            kit.journal.attempts,
        )
        await receipts._attach(company, waiting, file, intent, kit)

    return swapped(receipts, "_settle", settle)


@pytest.mark.parametrize(
    "mutant",
    [
        no_quiescence,
        effect_before_intention,
        code_trusted,
        second_page_ignored,
        unknown_start_repeated,
        unproven_key_replayed,
        unknown_upload_repeated,
    ],
)
def test_a_program_broken_by_hand_is_caught(mutant):
    assert caught(mutant) is not None, mutant.__doc__
