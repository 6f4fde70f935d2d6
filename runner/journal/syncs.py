"""The journal's verbs for syncs: begun, running, finished, judged, or proved never to have been."""

from collections.abc import Mapping, Sequence
from sqlite3 import Connection

from runner.domain.ids import AttemptNo, CompanyId, DatasetId, DraftNo, ExpenseId, IdempotencyKey, SyncId, SyncNo
from runner.domain.judging import Verdict
from runner.domain.remote import SyncStatus
from runner.domain.states import EffectKind, ExpenseState, Outcome, SyncState
from runner.errors import IdRepeated
from runner.journal import attempts, drafts
from runner.journal.attempts import DONE, End
from runner.journal.context import Verbs
from runner.journal.records import Attempt, Draft, Sync
from runner.journal.statements import load

_SQL = load("syncs")
_STATES = {state.value: state for state in ExpenseState}


def _sync(number: int, sync_id: str | None, state: str, code: int | None, error: str | None) -> Sync:
    return Sync(SyncNo(number), None if sync_id is None else SyncId(sync_id), SyncState(state), code, error)


class Syncs(Verbs):
    """Knows every sync that was intended, and every one that was found."""

    async def begin(
        self, company: CompanyId, members: Sequence[Draft], *, key: IdempotencyKey, body_hash: bytes
    ) -> tuple[SyncNo, AttemptNo]:
        """Write the intention to start a sync of these drafts: from here on their expenses are sent.

        The schema refuses a second sync of unknown fate for the company.
        """

        def operation(connection: Connection) -> tuple[SyncNo, AttemptNo]:
            number = self._begin(connection, company, [draft.no for draft in members])
            attempt = attempts.begin(
                self._context,
                connection,
                company=company,
                kind=EffectKind.START,
                key=key,
                body_hash=body_hash,
                sync=number,
            )
            return number, attempt

        return await self._write(operation)

    def _begin(self, connection: Connection, company: CompanyId, members: Sequence[DraftNo]) -> SyncNo:
        (number,) = connection.execute(_SQL["begin"], {**self._context.stamp(), "company": company}).fetchone()
        connection.executemany(_SQL["take_draft"], [{"sync": number, "draft": draft} for draft in members])
        connection.execute(_SQL["send_drafts"], {"sync": number})
        return SyncNo(number)

    async def record_running(
        self, number: SyncNo, sync_id: SyncId, attempt: AttemptNo, *, adopted: bool = False
    ) -> Sync:
        """Record the id that Codat gave the sync; `adopted` says that it was found rather than answered.

        Raises `IdRepeated` where an answer gave an id that another sync has, of this company or of another.
        """
        values = {"sync": number, "sync_id": sync_id, "adopted": int(adopted), "now": self._context.now()}
        fact = End(Outcome.DONE, detail="found at Codat") if adopted else DONE

        def operation(connection: Connection) -> None:
            if not adopted:
                _demand_new(connection, sync_id)
            attempts.end(self._context, connection, attempt, fact)
            connection.execute(_SQL["running"], values)
            connection.execute(_SQL["spend"], {"sync": number})

        await self._write(operation)
        return Sync(number, sync_id, SyncState.RUNNING, None, None)

    async def record_started_by_create(
        self, company: CompanyId, draft: Draft, sync_id: SyncId, attempt: AttemptNo, *, adopted: bool = False
    ) -> Sync:
        """Record that a create has started a sync instead of storing a dataset: the account speaks the other flow.

        See `record_running` for `adopted` and for what is raised.
        """

        def operation(connection: Connection) -> SyncNo:
            if not adopted:
                _demand_new(connection, sync_id)
            attempts.end(self._context, connection, attempt, DONE)
            number = self._begin(connection, company, [draft.no])
            values = {"sync": number, "sync_id": sync_id, "adopted": int(adopted), "now": self._context.now()}
            connection.execute(_SQL["running"], values)
            connection.execute(_SQL["spend"], {"sync": number})
            return number

        number = await self._write(operation)
        return Sync(number, sync_id, SyncState.RUNNING, None, None)

    async def record_void(self, number: SyncNo, attempt: AttemptNo, fact: End) -> None:
        """Record that the sync never came to be: its drafts and their expenses are as before it."""

        def operation(connection: Connection) -> None:
            attempts.end(self._context, connection, attempt, fact)
            _void(connection, number)

        await self._write(operation)

    async def record_stored_instead(self, number: SyncNo, draft: Draft, dataset: DatasetId, attempt: AttemptNo) -> None:
        """Record that what should have started a sync has stored a dataset: the account speaks the other flow.

        Raises `IdRepeated` where the dataset is another draft's.
        """

        def operation(connection: Connection) -> None:
            attempts.end(self._context, connection, attempt, End(Outcome.DONE, detail="a dataset"))
            _void(connection, number)
            drafts.record_answered(self._context, connection, draft, dataset)

        await self._write(operation)

    async def record_in_named(
        self,
        company: CompanyId,
        taken: Sequence[Draft],
        attempt: AttemptNo,
        found: Mapping[SyncNo, Mapping[ExpenseId, Verdict]],
        *,
        void: SyncNo | None = None,
    ) -> None:
        """Record that expenses of these drafts stand in known syncs which an answer named, and what is said there.

        The others are free to be sent, in new drafts: whatever was made of the old ones may hold those that were
        found. `void` is the sync that never came to be.
        """
        named = "in a sync that was known, and that the answer named" if any(found.values()) else "not at Codat"

        def operation(connection: Connection) -> None:
            attempts.end(self._context, connection, attempt, End(Outcome.ABSENT, detail=named))
            for number, verdicts in found.items():
                drafts.put_into(connection, company, number, verdicts)
            if void is not None:
                _void(connection, void)
            for draft in taken if any(found.values()) else ():
                drafts.renew(self._context, connection, company, draft, reason=f"others of it were {named}")

        await self._write(operation)

    async def named_by(self, company: CompanyId, attempt: Attempt) -> list[Sync]:
        """Return the company's known syncs that an unbelieved answer named: by their own ids, or by a dataset's."""
        values = {"company": company, "sync_id": attempt.unbelieved_sync, "dataset_id": attempt.unbelieved_dataset}
        return await self._rows(_sync, _SQL["named_by"], values)

    async def open(self, company: CompanyId) -> list[Sync]:
        """Return the company's syncs that are not judged yet, oldest first."""
        return await self._rows(_sync, _SQL["open"], {"company": company})

    async def drafts_of(self, number: SyncNo) -> list[Draft]:
        """Return the drafts of a sync."""
        return await self._rows(drafts.draft_of, _SQL["drafts_of"], {"sync": number})

    async def expenses_of(self, number: SyncNo) -> dict[ExpenseId, ExpenseState]:
        """Return the sync's expenses that nothing final is known of, by id."""
        return dict(await self._rows(lambda each, state: (each, _STATES[state]), _SQL["expenses_of"], {"sync": number}))

    async def not_to_judge(self, number: SyncNo) -> frozenset[ExpenseId]:
        """Return those of the sync's expenses that only Completed there settles.

        They have been chosen to be sent again, which takes a look of its own, or are in doubt by another sync.
        """
        return frozenset(await self._rows(ExpenseId, _SQL["not_to_judge"], {"sync": number}))

    async def record_finished(self, number: SyncNo, status: SyncStatus, *, pace: str = "") -> Sync:
        """Record a final status, and what the company's syncs have taught; the expenses are not judged by it."""
        values = {
            "sync": number,
            "code": status.code,
            "text": status.text,
            "error": status.error,
            "now": self._context.now(),
        }

        def operation(connection: Connection) -> None:
            connection.execute(_SQL["finished"], values)
            if pace:
                connection.execute(_SQL["pace"], {"sync": number, "pace": pace})

        await self._write(operation)
        return Sync(number, status.sync_id, SyncState.FINISHED, status.code, status.error)

    async def record_judged(
        self,
        company: CompanyId,
        number: SyncNo,
        *,
        posted: int,
        others: Mapping[ExpenseId, Verdict],
        alone: Sequence[Sequence[ExpenseId]] = (),
        free: bool = True,
    ) -> None:
        """Record what became of each expense of a finished sync.

        `others` are the expenses that are not simply posted by it; the remaining ones must be `posted` in number.
        `alone` are groups among `others` that go into syncs of their own. Those that are staged again are `free`
        to be sent, or else keep their draft until their sync has been looked at once more.
        """

        def operation(connection: Connection) -> None:
            drafts.judge(connection, company, others)
            remainder = connection.execute(_SQL["posted_remainder"], {"sync": number}).rowcount
            if remainder != posted:
                raise RuntimeError(f"sync {number}: {remainder} expenses would be posted, {posted} are Completed")
            if free:
                back = [expense for expense, verdict in others.items() if verdict.state is ExpenseState.STAGED]
                connection.executemany(_SQL["detach"], [(company, expense) for expense in back])
            for group in alone:
                drafts.form_alone(connection, company, group)
            connection.execute(_SQL["close_drafts"], {"sync": number})
            connection.execute(_SQL["judged"], {"sync": number, "now": self._context.now()})

        await self._write(operation)

    async def record_missing(self, number: SyncNo) -> bool:
        """Record that Codat does not know the sync, not even in its list; return whether so in an earlier run too."""
        values = {**self._context.stamp(), "sync": number}

        def operation(connection: Connection) -> bool:
            row = connection.execute(_SQL["missing"], values).fetchone()
            return row is not None and bool(row[0])

        return await self._write(operation)

    async def record_seen(self, number: SyncNo) -> None:
        """Record that Codat knows a running sync; nothing is written where it has never been missing."""
        values = {"sync": number}
        if await self._row(lambda *_: True, _SQL["is_missing"], values):
            await self._change(_SQL["seen"], values)

    async def record_forgotten(self, number: SyncNo, doubt: Verdict) -> None:
        """Record that Codat has forgotten the sync for good: each of its expenses has this doubt, none is free."""
        values = {"sync": number, "now": self._context.now(), "code": doubt.code, "message": doubt.message}

        def operation(connection: Connection) -> None:
            for statement in ("doubt_remainder", "close_drafts", "forget"):
                connection.execute(_SQL[statement], values)

        await self._write(operation)

    async def to_look_at(self, company: CompanyId, *, doubts: bool) -> list[Sync]:
        """Return syncs that are over and hold expenses to be sent again, and with `doubts` those in doubt as well."""
        values = {"company": company, "doubts": int(doubts)}
        return await self._rows(_sync, _SQL["to_look_at"], values)

    async def record_look(
        self, company: CompanyId, *, verdicts: Mapping[ExpenseId, Verdict], again: Sequence[ExpenseId]
    ) -> None:
        """Record what one more look found; `again` are the staged expenses that are free to be sent again."""

        def operation(connection: Connection) -> None:
            drafts.judge(connection, company, verdicts)
            connection.executemany(_SQL["detach"], [(company, expense) for expense in again])

        await self._write(operation)

    async def known_ids(self, company: CompanyId) -> frozenset[SyncId]:
        """Return every sync id of the company that the journal has an opinion of."""
        return frozenset(await self._rows(SyncId, _SQL["known_ids"], {"company": company}))

    async def started_here(self, company: CompanyId) -> frozenset[SyncId]:
        """Return the ids of the company's syncs that this journal started or adopted."""
        return frozenset(await self._rows(SyncId, _SQL["started_here"], {"company": company}))

    async def record_foreign(self, company: CompanyId, sync_ids: Sequence[SyncId]) -> None:
        """Record finished syncs at Codat that hold nothing of ours."""
        rows = [{"company": company, "sync_id": each, "now": self._context.now()} for each in sync_ids]
        await self._change_each(_SQL["foreign"], rows)


def _void(connection: Connection, number: SyncNo) -> None:
    for statement in ("unsend", "give_back_drafts", "void"):
        connection.execute(_SQL[statement], {"sync": number})


def _demand_new(connection: Connection, sync_id: SyncId) -> None:
    if connection.execute(_SQL["is_taken"], {"sync_id": sync_id}).fetchone() is not None:
        raise IdRepeated(
            f"Codat started a sync and called it {sync_id}, which is the id of another one.", sync_id=sync_id
        )
