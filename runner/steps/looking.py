"""Looking for a sync that the journal does not know, by the expenses that it holds."""

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta
from enum import Enum, auto

from runner.domain.ids import CompanyId, ExpenseId, SyncId
from runner.domain.states import SyncClass
from runner.errors import LookLater, OutcomeUnknown, Refused, StartLost, StillInDoubt
from runner.journal.records import Attempt
from runner.steps.holds import held_by_refusal
from runner.steps.kit import Kit
from runner.steps.polls import Doubt, Watch

LOOKS = (5.0, 15.0, 30.0, 60.0, 120.0)
"""Seconds between looks for a sync; the last one repeats."""


MAX_LOST = 3
"""Requests of one company that may come to nothing without an answer before it is left to a later run."""


class Look(Enum):
    """What a look at the company's syncs found, if not our sync."""

    NOTHING = auto()
    UNCLEAR = auto()
    """A sync the journal does not know is still running, or shows no rows: it may turn out to be ours."""


async def look(
    company: CompanyId,
    ours: Collection[ExpenseId],
    kit: Kit,
    *,
    since: datetime | None = None,
    named: SyncId | None = None,
) -> SyncId | Look:
    """Look for a sync that holds our expenses among those at Codat that the journal does not know.

    An ended sync without any row says nothing about whose it is: its rows may be late, or lost. It counts as
    unclear, unless it is certain to be older than `since`. One that an answer `named` is unclear as long as it
    runs, known or not.
    """
    known = await kit.journal.syncs.known_ids(company)
    unclear = False
    foreign: list[SyncId] = []
    for status in await kit.codat.statuses(company):
        if status.sync_id in known:
            unclear = unclear or (status.sync_id == named and status.kind is SyncClass.RUNNING)
            continue
        try:
            rows = await kit.codat.transactions(company, status.sync_id)
        except Refused:
            unclear = True
            continue
        if any(row.expense_id in ours for row in rows):
            return status.sync_id
        if status.kind is not SyncClass.RUNNING and rows:
            foreign.append(status.sync_id)
        elif status.kind is SyncClass.RUNNING or not is_older(status.moment, since):
            unclear = True
    if foreign:
        await kit.journal.syncs.record_foreign(company, foreign)
    return Look.UNCLEAR if unclear else Look.NOTHING


async def remember_others(company: CompanyId, kit: Kit) -> None:
    """Note the syncs that have ended at Codat before this journal starts its first one for the company.

    They are not ours, whatever they hold: an expense that somebody else tried before must not be judged by that.
    """
    if await kit.journal.syncs.known_ids(company):
        return
    try:
        listed = await kit.codat.statuses(company)
    except (Refused, OutcomeUnknown):
        # The start that follows will say what is the matter with the company.
        return
    ended = [status.sync_id for status in listed if status.kind is not SyncClass.RUNNING]
    if ended:
        await kit.journal.syncs.record_foreign(company, ended)


async def look_until_quiet(
    company: CompanyId,
    ours: Collection[ExpenseId],
    attempt: Attempt,
    kit: Kit,
    *,
    moot: Callable[[], Awaitable[bool]] | None = None,
) -> SyncId | None:
    """Take the next look for the sync that an unanswered attempt may have started: return it if it is found.

    None where it is certain not to come, once the quiescence time is over and two looks in a row have found nothing.
    `moot` is asked before each further look; where it says so the question has become moot: None as well.
    Raises `LookLater` until the next look is due, `StillInDoubt` where others at Codat do not let it become certain
    in `wait` seconds more, `CompanyHeld` where Codat refuses to be asked.
    """
    watch = kit.polls.of(company)
    now = kit.clock.monotonic()
    doubt = watch.doubts.setdefault(attempt.no, Doubt(give_up=now + kit.limits.quiescence + kit.limits.wait))
    if now < doubt.due:
        raise _later(doubt)
    if doubt.looks and moot is not None and await moot():
        return _settled(watch, attempt, None)
    try:
        found = await look(company, ours, kit, since=attempt.first.earliest, named=attempt.unbelieved_sync)
    except Refused as refusal:
        raise held_by_refusal(refusal) from refusal
    if not isinstance(found, Look):
        return _settled(watch, attempt, found)
    doubt.empty = doubt.empty + 1 if found is Look.NOTHING else 0
    remaining = kit.limits.quiescence - kit.journal.ages.at_least(attempt.last)
    if remaining <= 0 and doubt.empty >= 2:
        return _settled(watch, attempt, None)
    if kit.clock.monotonic() > doubt.give_up:
        raise StillInDoubt(
            "A sync of unknown fate could not be settled: others at Codat do not end, or end without any rows."
        )
    kit.note("start_in_doubt", company=company, seconds_left=max(0, round(remaining)))
    step = LOOKS[min(doubt.looks, len(LOOKS) - 1)]
    doubt.looks += 1
    doubt.due = kit.clock.monotonic() + min(step, max(remaining, LOOKS[0]))
    raise _later(doubt)


def count_lost(company: CompanyId, kit: Kit) -> None:
    """Count a request without an answer that came to nothing; raise `StartLost` where there were too many in this run.

    It takes its quiescence time to be proved lost: a service that answers none would hold up a run for ever.
    """
    watch = kit.polls.of(company)
    watch.lost += 1
    if watch.lost > MAX_LOST:
        raise StartLost("Codat answers none of the requests that would start a sync.")


def _later(doubt: Doubt) -> LookLater:
    return LookLater("What became of a request that got no answer is not certain yet.", due=doubt.due)


def _settled(watch: Watch, attempt: Attempt, found: SyncId | None) -> SyncId | None:
    watch.doubts.pop(attempt.no, None)
    return found


_SLACK = timedelta(days=1)
"""By how much Codat's clock and this machine's may differ before an old sync is taken for a new one, or the reverse."""


def is_older(moment: datetime | None, since: datetime | None) -> bool:
    """Say whether Codat's time of a sync is certain to lie before `since`."""
    return moment is not None and since is not None and moment < since - _SLACK
