"""Every rule of the protocol, broken by one small change, and the histories in which that must show."""

from dataclasses import dataclass, replace
from itertools import product

from runner.domain.resolution import Answer
from runner.simulator import Fault, FaultKind
from tests.scenarios.mutants.edits import Patch, added, dropped, edited, statement, together
from tests.scenarios.mutants.scenes import (
    Scene,
    attached_in_the_first_life,
    both_at_once,
    lands_later,
    merged,
    next_from_gateway,
    no_post_before_connected,
    no_post_while_held,
    nothing_intended_that_never_left,
    one_after_another,
    repeated,
    rows_late_from_the_second_sync,
    says,
    send_again,
    sent_once,
    sent_twice,
    shown_as,
    stale_list,
    starts_of_nothing,
    stranger,
    troubled,
    when_stored,
    without_index,
    without_index_of,
)
from tests.scenarios.world.books import expense_id
from tests.scenarios.world.plan import Crash, Host, Moment, Plan
from tests.scenarios.world.sweeps import ONE, TINY, on_two_hosts


@dataclass(frozen=True, slots=True)
class Mutant:
    """One rule broken."""

    name: str
    patch: Patch
    scenes: tuple[Scene, ...]


def over(base: Plan = ONE, **dials: object) -> Plan:
    """A plan with other dials of the world."""
    return replace(base, world=replace(base.world, **dials))


IGNORED = over(idempotency="ignored")
DIRECT = replace(ONE, flow="direct")
DIRECT_IGNORED = replace(IGNORED, flow="direct")
BASES = (ONE, IGNORED, DIRECT, DIRECT_IGNORED)

QUIET = tuple(Scene(base) for base in BASES)
"""Nothing happens at all."""


def cut(*places: str, bases: tuple[Plan, ...] = BASES, **later: object) -> tuple[Scene, ...]:
    """The first life is cut off there."""
    made = []
    for base, place in product(bases, places):
        if place == "initiate" and base.flow == "direct":
            continue
        made.append(Scene(base, cut=place, later=tuple(later.items())))
    return tuple(made)


def trouble(what: str, *kinds: str, bases: tuple[Plan, ...] = BASES) -> tuple[Scene, ...]:
    """The first request of that kind meets trouble; `start` is what starts a sync in either flow."""
    names = {"datasets": "initiate", "direct": "create"}
    return tuple(
        Scene(base, hits=((names[base.flow] if what == "start" else what, kind),))
        for base, kind in product(bases, kinds)
    )


def fate(kind: FaultKind, **more: object) -> Fault:
    """What becomes of the first expense in its sync."""
    return Fault(kind, company="company-0", expense=expense_id(0, 0), **more)


def faulty(*faults: Fault, base: Plan = ONE, **dials: object) -> Scene:
    return Scene(over(base, faults=faults, **dials))


INVALID = faulty(fate(FaultKind.VALIDATION_ERROR))
OFTEN = replace(TINY, page_size=1)

LOST_STARTS = trouble("start", "lost_before", "lost_after", "late", "very_late")
REFUSED_STARTS = trouble("start", "404", "422", "gateway_403", "not_sent", "429_absurd")
FAILED_STARTS = trouble("start", "500_after", "500_before", "503_after", "408_after", "html_after")
UNREADABLE_STARTS = trouble("start", "truncated", "garbage", "html_200")
KNOWN_ELSEWHERE = tuple(
    Scene(over(TINY, duplicate_check=check, guard_looks=looks), before=stranger(0))
    for check, looks in (("request", "accepted"), ("push", "accepted"), ("push", "started"))
)
HELD_LATE_ROWS = Scene(
    over(rows_lag=40.0, faults=(Fault(FaultKind.SYNC_CODE, company="company-0", code=4220, part=1.0, times=1),))
)
HELD_SHORTLY = tuple(
    Scene(
        replace(
            over(
                rows_lag=20.0,
                faults=(Fault(FaultKind.SYNC_CODE, company="company-0", code=4260, part=1.0, times=1),),
            ),
            flow=flow,
            gap=5.0,
        )
    )
    for flow in ("datasets", "direct")
)
"""A sync that ends in a hold has posted everything; its rows are late, and the next run begins before they come."""
SLOW_ROWS = over(IGNORED, sync_seconds=(2_000.0, 2_000.0), rows_lag=8.0)
UNSEEN = over(IGNORED, sync_seconds=(3_000.0, 3_000.0), rows_lag=8.0)
BUSY = tuple(
    Scene(base, hits=((what, "409_working"),), before=next_from_gateway(ending))
    for base, what, ending in ((ONE, "initiate", "/syncs"), (DIRECT, "create", "/expense-transactions"))
)
"""The service is at work on a start, and then something in front of it refuses."""
UNLINKED = Scene(replace(ONE, disconnected=(0,)))
WITH_CLOCK_BEHIND = tuple(
    Scene(replace(base, hosts=(Host(4_000.0), Host(4_000.0, wall=-6_000.0))), cut=place, later=(("gap", 6_000.0),))
    for base, place in ((ONE, "initiate"), (DIRECT, "create"))
)
"""A machine whose clock says that no time has passed takes up what another began when Codat still knew its key."""
LAGGING = tuple(
    (on_two_hosts(base, lag=650.0, dates="none"), place)
    for base, place in ((IGNORED, "initiate"), (DIRECT_IGNORED, "create"))
)
"""Two machines in turn, and a list of syncs that lags for nearly as long as is waited."""
TAKEN_IN_BETWEEN = Scene(over(TINY, duplicate_check="request"), before=when_stored(stranger(0)))
QUEUE = Scene(
    replace(
        ONE,
        companies=((1, 0),) * 12,
        concurrency=32,
        governed=True,
        latency=0.7,
        crashes=(Crash(1, Moment.AT_TIME, 5),),
    ),
    after=nothing_intended_that_never_left,
)
"""More companies than may have a request in flight, and a death while some of them wait for admission."""
INVALID_ONCE = replace(faulty(fate(FaultKind.VALIDATION_ERROR, times=1)), after=sent_once)
SLOW_START = Scene(
    IGNORED,
    before=troubled(
        Fault(FaultKind.RATE_LIMITED, method="POST", path="/syncs$", seconds=290.0, times=2),
        Fault(FaultKind.LATE, method="POST", path="/syncs$", seconds=590.0, times=1),
    ),
)
"""A start is put off twice, and what leaves at last arrives ten minutes later."""


DRAFTS = replace(ONE, companies=((3, 0),))
"""Two creates, one start."""
TURNS = replace(DRAFTS, drafts_a_sync=1, syncs_in_flight=1)
"""Two starts, the second one after the end of the first."""
REPEATED_STARTS = tuple(
    Scene(replace(base, flow=flow, world=replace(base.world, idempotency=keys)), before=repeated(ending))
    for base in (TURNS, replace(ONE, companies=((1, 0), (1, 0))))
    for flow, ending in (("datasets", "/syncs$"), ("direct", "/expense-transactions$"))
    for keys in ("honoured", "ignored")
)
"""The second start is answered with the id of the first, of the same company or of another."""
MERGED = tuple(
    Scene(replace(TURNS, flow=flow), before=merged(ending))
    for flow, ending in (("datasets", "/syncs"), ("direct", "/expense-transactions"))
)


async def _not_now(*_: object) -> None:
    """Leave the doubt for later."""


WRITES = (
    Mutant("the intention of a create is not on disk", dropped("Drafts.begin_create"), QUIET),
    Mutant("the intention of a start is not on disk", dropped("Syncs.begin"), QUIET),
    Mutant("the intention of an upload is not on disk", dropped("Receipts.begin_attach"), QUIET),
    Mutant("that a request leaves once more is not on disk", dropped("Attempts.again"), (SLOW_START,)),
    Mutant(
        "an outcome that nothing depends on is not on disk", dropped("Attempts.record"), trouble("create", "500_before")
    ),
    Mutant(
        "the outcome of a create is not on disk",
        edited(
            "runner.journal.drafts:Drafts.record_stored",
            ("attempts.end(self._context, connection, attempt, DONE)", "pass"),
        ),
        QUIET,
    ),
    Mutant("the dataset's id is not on disk", dropped("Drafts.record_stored"), QUIET),
    Mutant("the sync's id is not on disk", dropped("Syncs.record_running"), QUIET),
    Mutant(
        "the outcome of a start is not on disk",
        edited(
            "runner.journal.syncs:Syncs.record_running",
            ("attempts.end(self._context, connection, attempt, fact)", "pass"),
        ),
        QUIET,
    ),
    Mutant("the sync's end is not on disk", dropped("Syncs.record_finished"), QUIET),
    Mutant("what became of the expenses is not on disk", dropped("Syncs.record_judged"), QUIET),
    Mutant("that a start came to nothing is not on disk", dropped("Syncs.record_void"), REFUSED_STARTS),
    Mutant(
        "a verdict is not on disk",
        edited("runner.journal.drafts:judge", ("for expense, v in verdicts.items()", "for expense, v in ()")),
        (INVALID,),
    ),
    Mutant("the outcome of an upload is not on disk", dropped("Receipts.record_attached"), QUIET),
    Mutant("a doubt about an upload is not on disk", dropped("Receipts.record_judged"), trouble("attach", "500_after")),
    Mutant("a split of a draft is not on disk", dropped("Drafts.split"), (TAKEN_IN_BETWEEN,)),
    Mutant("a hold is not on disk", dropped("Companies.hold"), (replace(UNLINKED, after=no_post_while_held),)),
    Mutant("one more look is not on disk", dropped("Syncs.record_look"), (HELD_LATE_ROWS,)),
)

ORDER = (
    Mutant(
        "the request leaves before its intention is written",
        edited(
            "runner.codat.gate:Gate.send",
            (
                "        if begin is not None:",
                "        response = await self._inner.send(request)\n        if begin is not None:",
            ),
            ("        response = await self._inner.send(request)\n        self", "        self"),
        ),
        QUIET,
    ),
    Mutant(
        "the intention is written before the wait for admission",
        edited(
            "runner.codat.gate:Gate.send",
            ("    async with", "    if begin is not None:\n        await begin(request)\n    async with"),
            ("            await begin(request)\n", ""),
        ),
        (QUEUE,),
    ),
)

DOUBTS = (
    Mutant(
        "quiescence is skipped",
        edited("runner.journal.ages:Ages.at_least", ("return max(", "return 10_000.0 + max(")),
        trouble("start", "very_late", "late", bases=(IGNORED, DIRECT_IGNORED)),
    ),
    Mutant(
        "one empty look is enough",
        edited("runner.steps.looking:look_until_quiet", ("empty >= 2", "empty >= 1")),
        (Scene(IGNORED, cut="initiate", later=(("gap", 6_000.0),), before=stale_list(2)),),
    ),
    Mutant(
        "empty looks need not follow one another",
        edited(
            "runner.steps.looking:look_until_quiet",
            ("if found is Look.NOTHING else 0", "if found is Look.NOTHING else empty"),
        ),
        (Scene(UNSEEN, cut="initiate", later=(("gap", 700.0),), before=stale_list(2, 4)),),
    ),
    Mutant(
        "quiescence is counted on the wall clock",
        edited("runner.journal.ages:Ages.at_least", ("return max(", "return self._wall(then) or max(")),
        tuple(
            replace(scene, later=(("wall_jump", 90_000.0),), cut=scene.hits[0][0])
            for scene in trouble("start", "very_late", bases=(IGNORED, DIRECT_IGNORED))
        ),
    ),
    Mutant(
        "a reboot counts as quiescence",
        edited("runner.journal.ages:Ages._since_boot", ("else None", "else 10_000.0")),
        tuple(
            replace(scene, later=(("reboot", True),), cut=scene.hits[0][0])
            for scene in trouble("start", "very_late", bases=(IGNORED, DIRECT_IGNORED))
        ),
    ),
    Mutant(
        "another machine's uptime counts as an age",
        edited("runner.journal.ages:Ages._since_boot", ("else None", "else self._context.clock.boottime()")),
        tuple(Scene(base, cut=place) for base, place in LAGGING),
    ),
    Mutant(
        "the uptime of a machine counts as time that a life has watched",
        statement("runner.journal.ages:_SQL.life", "later.alive_boot - later.started_boot", "later.alive_boot"),
        tuple(
            Scene(replace(base, crashes=(Crash(2, Moment.AT_TIME, 50),)), cut=place, later=(("gap", 1.0),))
            for base, place in LAGGING
        ),
    ),
    Mutant(
        "one of two clocks is enough",
        edited("runner.journal.ages:Ages._two_clocks", ("return min(", "return max(")),
        tuple(Scene(over(base, dates="wrong"), cut=place) for base, place in LAGGING),
    ),
    Mutant(
        "a request that was held up is sent all the same",
        edited("runner.codat.messages:Request.is_late", ("boottime > self.leave_by", "False")),
        tuple(
            Scene(replace(base, world=IGNORED.world), cut="Syncs.begin", later=(("stopped", True), ("gap", 700.0)))
            for base, _ in LAGGING
        ),
    ),
    Mutant(
        "a running sync of unclear origin counts as absent",
        edited("runner.steps.looking:look", ("Look.UNCLEAR if unclear else Look.NOTHING", "Look.NOTHING")),
        trouble("start", "lost_after", bases=(SLOW_ROWS, replace(SLOW_ROWS, flow="direct"))),
    ),
    Mutant(
        "a running sync without rows is put down as somebody else's",
        edited("runner.steps.looking:look", ("status.kind is not SyncClass.RUNNING and rows", "True")),
        trouble("start", "lost_after", bases=(SLOW_ROWS, replace(SLOW_ROWS, flow="direct"))),
    ),
    Mutant(
        "an unanswered start counts as absent",
        edited("runner.steps.reconcile:_look", ("if found is not None:", "if False:")),
        LOST_STARTS,
    ),
    Mutant(
        "an unanswered start is sent again under its key",
        edited(
            "runner.codat.retrying:Retrying._send",
            ("if request.is_effect and isinstance(error, OutcomeUnknown):", "if False:"),
        ),
        LOST_STARTS,
    ),
    Mutant(
        "a second sync is started while the fate of one is unknown",
        together(
            edited(
                "runner.company:Walk.see_through",
                ("await self.heed(settle(company, sync, kit))", "None"),
            ),
            edited("runner.steps.syncs:start_sync", ("return await reconcile(", "return await _not_now(")),
            added("runner.steps.syncs", "_not_now", _not_now),
        ),
        tuple(
            replace(scene, base=replace(scene.base, companies=((3, 0),)), before=without_index)
            for scene in trouble("start", "lost_after")
        ),
    ),
)


ANSWERS = (
    Mutant(
        "a received 5xx counts as not done",
        edited(
            "runner.codat.answers:check",
            (
                "raise OutcomeUnknown(what, received=True, status=status, correlation_id=correlation_id)",
                "raise Refused(what, status=status)",
            ),
        ),
        FAILED_STARTS,
    ),
    Mutant(
        "an unreadable 2xx counts as refused",
        edited(
            "runner.codat.answers:unreadable", ("return OutcomeUnknown(", "return Refused("), ("received=False,", "")
        ),
        UNREADABLE_STARTS,
    ),
    Mutant(
        "what comes after a 409 is believed",
        edited("runner.codat.retrying:Retrying._send", ("doubt.working = doubt.working or (", "_ = (")),
        BUSY,
    ),
    Mutant(
        "a lost connection counts as not sent",
        edited(
            "runner.steps.syncs:start_sync",
            ("except (OutcomeUnknown, NotReady) as error:", "except NotReady as error:"),
        ),
        LOST_STARTS,
    ),
)

PROBES = (
    Mutant(
        "it is asked with a start of no datasets whether the account starts syncs of datasets",
        together(
            edited(
                "runner.steps.datasets:_meet_unexpected_sync",
                ("datasets_proven():", "datasets_proven() or await _starts_of_nothing(company, kit):"),
            ),
            added("runner.steps.datasets", "_starts_of_nothing", starts_of_nothing),
        ),
        trouble("create", "lost_after", bases=(IGNORED,)),
    ),
    Mutant(
        "it is asked with an empty list whether keys are honoured",
        edited("runner.codat.client:Codat.keys_are_honoured", ("company, _NO_EXPENSE,", "company, b'',")),
        trouble("start", "lost_after", bases=(ONE, DIRECT)),
    ),
)

IDS = (
    Mutant(
        "the id of another sync is believed",
        edited("runner.journal.syncs:_demand_new", ("if connection", "if False and connection")),
        (*REPEATED_STARTS, *MERGED),
    ),
    Mutant(
        "the id of another draft's dataset is believed",
        edited("runner.journal.drafts:_demand_new", ("if connection", "if False and connection")),
        (Scene(DRAFTS, before=without_index_of("draft_of_dataset", repeated("/expense-transactions$"))),),
    ),
    Mutant(
        "that an answer could not be believed is not on disk",
        dropped("Attempts.record_unbelieved"),
        MERGED,
    ),
    Mutant(
        "the known sync that an answer named is not looked at",
        edited("runner.steps.named:named_known", ("await kit.journal.syncs.named_by(company, attempt):", "():")),
        MERGED,
    ),
    Mutant(
        "what was found in the sync that an answer named is not on disk",
        dropped("Syncs.record_in_named"),
        MERGED,
    ),
    Mutant(
        "what an answer that could not be believed has done is not looked for",
        edited("runner.steps.reconcile:_look", ("await look_until_quiet(company, ours, attempt, kit)", "None")),
        REPEATED_STARTS,
    ),
    Mutant(
        "a sync that is named beside a dataset is overlooked",
        edited(
            "runner.codat.replies:read_created",
            (
                "    if sync_id is not None:\n        dataset_id = None",
                "    if dataset_id is not None:\n        sync_id = None",
            ),
        ),
        (Scene(ONE, before=both_at_once), Scene(IGNORED, before=both_at_once)),
    ),
)

KEYS = (
    Mutant(
        "the key is rotated on a replay",
        edited("runner.steps.reconcile:_replay_once", ("key=attempt.key", "key=kit.new_key()")),
        trouble("start", "lost_after", bases=(ONE, DIRECT)),
    ),
    Mutant(
        "an unproven key is replayed",
        edited("runner.steps.replay:may_replay", ("await kit.proofs.keys_honoured(company) and ", "")),
        trouble("start", "lost_after", bases=(IGNORED, DIRECT_IGNORED)),
    ),
    Mutant(
        "a receipt is replayed without a proof",
        edited("runner.steps.replay:may_replay", ("await kit.proofs.keys_honoured(company) and ", "")),
        trouble("attach", "lost_after", bases=(IGNORED, DIRECT_IGNORED)),
    ),
    Mutant(
        "a key is replayed when Codat has forgotten it",
        together(
            edited("runner.steps.replay:is_young", ("< KEY_LIFE", "< 10**9")),
            edited("runner.steps.replay:may_replay", (">= KEY_LIFE", ">= 10**9")),
        ),
        cut("initiate", bases=(ONE,), gap=6_000.0) + cut("create", bases=(DIRECT,), gap=6_000.0),
    ),
    Mutant(
        "a key of which no clock proves that it is young is replayed",
        edited("runner.journal.ages:Ages.at_most", (" if known else math.inf", "")),
        WITH_CLOCK_BEHIND,
    ),
    Mutant(
        "an unanswered upload is sent again under a new key",
        edited("runner.steps.receipts:upload", ("if not risky:", "if False:")),
        cut("attach") + trouble("attach", "lost_after"),
    ),
)

JUDGING = (
    Mutant(
        "page 2 of the transactions is ignored",
        edited(
            "runner.codat.paging:_read_once",
            ("if last.received == 0 or not _goes_on(last, received=received, page_size=page_size):", "if True:"),
            ("if whole else None", ""),
        ),
        (Scene(OFTEN), Scene(replace(OFTEN, flow="direct"))),
    ),
    Mutant(
        "the sync's code is trusted instead of the rows",
        edited(
            "runner.steps.transactions:_judged",
            (
                "verdicts = judge_by(rows, expected)",
                "verdicts = dict.fromkeys(expected, POSTED) if sync.code == 2000 else judge_by(rows, expected)",
            ),
        ),
        (faulty(fate(FaultKind.MISSING)), faulty(fate(FaultKind.PENDING))),
    ),
    Mutant(
        "a bank feed's row counts as the expense's",
        edited("runner.domain.judging:statuses", ("if not row.is_expense:", "if False:")),
        (faulty(fate(FaultKind.VALIDATION_ERROR), bank_feed_rows="completed"),),
    ),
    Mutant(
        "a PushError is sent again by itself",
        edited(
            "runner.domain.judging:_verdict",
            ("return Verdict(ExpenseState.FAILED, ", "return Verdict(ExpenseState.STAGED, "),
        ),
        (faulty(fate(FaultKind.PUSH_ERROR, times=1), push_error_lands=True),),
    ),
    Mutant(
        "a ValidationError is a doubt",
        edited(
            "runner.domain.judging:_verdict",
            ("return Verdict(ExpenseState.REJECTED, ", "return Verdict(ExpenseState.IN_DOUBT, "),
        ),
        (INVALID,),
    ),
    Mutant(
        "a ValidationError is sent again",
        edited(
            "runner.domain.judging:_verdict",
            ("return Verdict(ExpenseState.REJECTED, ", "return Verdict(ExpenseState.STAGED, "),
        ),
        (INVALID_ONCE,),
    ),
    Mutant(
        "an Unknown is sent again",
        edited(
            "runner.domain.judging:_verdict",
            ("ExpenseState.IN_DOUBT,\n                row.status", "ExpenseState.STAGED,\n                row.status"),
        ),
        (faulty(fate(FaultKind.UNKNOWN, times=1, lands=True)),),
    ),
    Mutant(
        "an expense that its sync does not list is sent again",
        edited(
            "runner.domain.judging:_verdict",
            ('ExpenseState.IN_DOUBT,\n            "absent"', 'ExpenseState.STAGED,\n            "absent"'),
        ),
        (faulty(fate(FaultKind.MISSING, times=1, lands=True)),),
    ),
    Mutant(
        "what was processed before is sent again",
        edited(
            "runner.steps.evidence:posted_elsewhere",
            ("            ExpenseState.POSTED,", "            ExpenseState.STAGED,"),
        ),
        KNOWN_ELSEWHERE,
    ),
    Mutant(
        "what was processed before is rejected",
        edited(
            "runner.steps.evidence:posted_elsewhere",
            (
                '            ExpenseState.POSTED,\n            "external" if external else None',
                '            ExpenseState.REJECTED,\n            "external"',
            ),
        ),
        KNOWN_ELSEWHERE,
    ),
    Mutant(
        "one bad expense sinks the others",
        edited(
            "runner.steps.isolation:_verdicts",
            ("before = named([m for m in messages if is_previously_processed(m)], ids)", "before = set(ids)"),
        ),
        KNOWN_ELSEWHERE[:1],
    ),
    Mutant(
        "an expense in a new draft stays in its old dataset too",
        statement("runner.journal.drafts:_SQL.close", "'closed'", "state"),
        (TAKEN_IN_BETWEEN,),
    ),
)

LOOKING = (
    Mutant(
        "the rows of a sync that ends in a hold are looked for once only",
        edited(
            "runner.steps.transactions:_judged",
            ("if not doubtful or pause", "if not doubtful or classify(sync.code or 0) is SyncClass.HOLD or pause"),
        ),
        HELD_SHORTLY,
    ),
    Mutant(
        "what a hold gave back is sent again without a look",
        edited("runner.steps.transactions:check_transactions", ("free=bool(alone)", "free=True")),
        (HELD_LATE_ROWS,),
    ),
    Mutant(
        "one more look does not see what was completed since",
        edited(
            "runner.steps.transactions:look_again",
            ("judge(expected, rows)", "judge(expected, ())"),
        ),
        (HELD_LATE_ROWS,),
    ),
    Mutant(
        "a sync that was stopped half-way gives everything back",
        edited("runner.steps.transactions:_unless_begun", ("    if begun:\n        return dict(verdicts)\n", "")),
        (
            faulty(
                Fault(FaultKind.SYNC_CODE, company="company-0", code=4220, part=1.0, times=1),
                fate(FaultKind.MISSING, times=1, lands=True),
            ),
        ),
    ),
    Mutant(
        "the receipts of a held company wait until it is well",
        edited("runner.company:attach_while_held", ("await attach_receipts(company, kit)", "False")),
        (
            replace(
                faulty(Fault(FaultKind.SYNC_CODE, company="company-0", code=4000, part=0.5, times=1)),
                after=attached_in_the_first_life,
            ),
        ),
    ),
    Mutant(
        "a hold is released without looking",
        edited("runner.steps.holds:probe_hold", ("if info.linked is False:", "if False:")),
        (replace(UNLINKED, after=no_post_while_held),),
    ),
)

FORGETFUL = over(faults=(Fault(FaultKind.FORGOTTEN, company="company-0", times=1),), sync_seconds=(60.0, 60.0))
CHOSEN_ONCE = Scene(
    replace(
        over(
            faults=(
                fate(FaultKind.PUSH_ERROR, times=1),
                fate(FaultKind.UNKNOWN, lands=True, times=1),
                Fault(FaultKind.SYNC_CODE, company="company-0", code=4220, part=1.0, nth=2),
            ),
        ),
        auto_retry=1,
    ),
    before=rows_late_from_the_second_sync,
)
"""What is sent again is in a sync that seems to have been stopped, and then its row shows up: nobody knows."""
FAILED_ONCE = faulty(fate(FaultKind.PUSH_ERROR, times=1), base=replace(ONE, auto_retry=1, auto_retry_from=2))

LATER_RUNS = (
    Mutant(
        "a choice to send again is never spent",
        statement("runner.journal.syncs:_SQL.spend", "DELETE FROM resend WHERE", "DELETE FROM resend WHERE 0 AND"),
        (CHOSEN_ONCE,),
    ),
    Mutant(
        "what an earlier run left as failed is never sent again",
        edited("runner.company:look_back", ("if kit.limits.auto_retry:", "if False:")),
        (FAILED_ONCE,),
    ),
    Mutant(
        "what was in a sync that Codat has forgotten is sent again",
        statement(
            "runner.journal.syncs:_SQL.doubt_remainder", "state = 'in_doubt'", "draft_no = NULL, state = 'staged'"
        ),
        (Scene(FORGETFUL),),
    ),
    Mutant(
        "that a sync is forgotten is not on disk",
        dropped("Syncs.record_forgotten"),
        (Scene(FORGETFUL),),
    ),
)

CHECKED = replace(ONE, preflight="rows")

PREFLIGHT = (
    Mutant(
        "a company that is found disconnected is sent something all the same",
        edited("runner.steps.preflight:_demand_connection", ("if info.linked is False:", "if False:")),
        (Scene(replace(CHECKED, disconnected=(0,)), after=no_post_before_connected),),
    ),
    Mutant("what names mean is not on disk", dropped("Preflights.record"), (Scene(CHECKED),)),
    Mutant(
        "rows are sent unchecked where Codat did not answer",
        edited("runner.steps.asking:said", ("return None\n        raise", "pass\n        return None")),
        (
            Scene(
                CHECKED,
                before=troubled(
                    Fault(FaultKind.ERROR, path="mappingOptions$", status=503, when="before", cached=False, times=9)
                ),
            ),
        ),
    ),
)

MISSED = fate(FaultKind.MISSING, times=1, lands=True)
FAILED = fate(FaultKind.PUSH_ERROR, times=1)
UNSURE = fate(FaultKind.UNKNOWN, times=1, lands=True)

RESENDING = (
    Mutant(
        "what a row says of a resend that was not known counts for nothing",
        edited("runner.steps.resending:_news_of", ("if verdict.code != code:", "if False:")),
        tuple(
            replace(faulty(fault), then=one_after_another(send_again, shown_as(status)))
            for fault, status in ((MISSED, "Unknown"), (MISSED, "Pending"))
        ),
    ),
    Mutant(
        "a sync that was not known when a resend was chosen is not read",
        edited("runner.steps.resending:_read_strange", ("if number <= known_foreign:", "if True:")),
        (replace(faulty(FAILED, UNSURE), then=one_after_another(send_again, stranger(0))),),
    ),
    Mutant(
        "a resend does not wait for a sync that may hold it",
        edited("runner.steps.resending:_waits", ("return any(", "return False and any(")),
        (
            replace(
                faulty(FAILED, base=replace(ONE, gap=10.0), sync_seconds=(1_000.0, 1_000.0), rows_lag=30.0),
                then=one_after_another(send_again, stranger(0, takes=10.0)),
            ),
        ),
    ),
    Mutant(
        "a choice to send again is not on disk with what was known",
        dropped("Resends.stage_again"),
        (replace(faulty(FAILED), then=send_again, after=sent_twice),),
    ),
    Mutant(
        "what a look before a resend found is not on disk",
        dropped("Resends.record_look"),
        (replace(faulty(FAILED), then=send_again),),
    ),
)

UNSURE_YET = replace(
    faulty(fate(FaultKind.UNKNOWN, times=1)),
    then=one_after_another(lands_later, says(Answer.ABSENT, later=30.0)),
)

RESOLVING = (
    Mutant(
        "what may still take effect can be called absent",
        edited(
            "runner.domain.resolution:_of_expense",
            ("return YOUNG if waits(of, quiescence=quiescence) else None", "return None"),
        ),
        (UNSURE_YET,),
    ),
    Mutant(
        "what somebody calls posted is sent again",
        statement("runner.journal.resolutions:_SQL.posted", "state = 'posted'", "state = 'staged', draft_no = NULL"),
        (replace(faulty(UNSURE), then=says(Answer.POSTED)),),
    ),
    Mutant(
        "what somebody calls absent is sent again whatever Codat shows since",
        statement(
            "runner.journal.resends:_SQL.resend",
            "coalesce((SELECT max(foreign_no) FROM foreign_sync), 0)",
            "9000000000",
        ),
        (
            replace(
                faulty(fate(FaultKind.UNKNOWN, times=1), UNSURE),
                then=one_after_another(says(Answer.ABSENT), stranger(0)),
            ),
        ),
    ),
)

MUTANTS = (
    *WRITES,
    *ORDER,
    *DOUBTS,
    *ANSWERS,
    *PROBES,
    *IDS,
    *KEYS,
    *JUDGING,
    *LOOKING,
    *LATER_RUNS,
    *RESENDING,
    *RESOLVING,
    *PREFLIGHT,
)
