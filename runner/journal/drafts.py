"""The journal's verbs for drafts: forming them, storing them as datasets, splitting them."""

from collections.abc import Mapping, Sequence
from sqlite3 import Connection
from typing import Any

from runner.domain.expense import MAX_EXPENSES_A_DRAFT
from runner.domain.ids import AttemptNo, CompanyId, DatasetId, DraftNo, ExpenseId, IdempotencyKey, RunNo, SyncNo
from runner.domain.judging import Verdict
from runner.domain.states import EffectKind
from runner.errors import IdRepeated
from runner.journal import attempts
from runner.journal.attempts import DONE, End
from runner.journal.context import Context, Verbs
from runner.journal.records import Contents, Draft
from runner.journal.statements import load

_SQL = load("drafts")
_RUNS = load("runs")


def draft_of(number: int, size: int, dataset_id: str | None, dataset_run: int | None, alone: int) -> Draft:
    """Make a draft of its row."""
    return Draft(
        DraftNo(number),
        size,
        None if dataset_id is None else DatasetId(dataset_id),
        None if dataset_run is None else RunNo(dataset_run),
        bool(alone),
    )


class Drafts(Verbs):
    """Forms drafts in staging order, so that the same journal always makes the same ones."""

    async def take(self, company: CompanyId, *, limit: int, size: int = MAX_EXPENSES_A_DRAFT) -> list[Draft]:
        """Return the drafts of the next sync: open ones first, then new ones formed from staged expenses.

        A draft that must have a sync of its own comes alone. Nothing returned: nothing left to send.
        """
        values = {"company": company, "limit": limit, "run": self._context.run}

        def operation(connection: Connection) -> list[Draft]:
            rows = connection.execute(_SQL["open_drafts"], values).fetchall()
            found = [draft_of(*row) for row in rows]
            if found and found[0].alone:
                return found[:1]
            lone = next((place for place, draft in enumerate(found) if draft.alone), None)
            if lone is not None:
                return found[:lone]
            return found + _form(connection, values, drafts=limit - len(found), size=size)

        return await self._write(operation)

    async def contents(self, draft: Draft) -> Contents:
        """Return the draft's staged expenses in their wire form."""
        return await self._contents("contents", draft)

    async def contents_of_any(self, draft: Draft) -> Contents:
        """Return the wire form of a draft that may already be on its way, in the same order as before it was."""
        return await self._contents("contents_of_any", draft)

    async def _contents(self, statement: str, draft: Draft) -> Contents:
        rows = await self._rows(lambda *row: row, _SQL[statement], {"draft": draft.no})
        return Contents(tuple(ExpenseId(row[0]) for row in rows), tuple(row[1] for row in rows))

    async def begin_create(
        self, company: CompanyId, draft: Draft, *, key: IdempotencyKey, body_hash: bytes
    ) -> AttemptNo:
        """Write the intention to store the draft as a dataset."""
        return await self._write(
            lambda connection: attempts.begin(
                self._context,
                connection,
                company=company,
                kind=EffectKind.CREATE,
                key=key,
                body_hash=body_hash,
                draft=draft.no,
            )
        )

    async def record_stored(self, draft: Draft, dataset: DatasetId, attempt: AttemptNo) -> Draft:
        """Record the dataset that Codat made of the draft; raise `IdRepeated` where it is another draft's."""
        values = {"draft": draft.no, "dataset": dataset, "run": self._context.run}

        def operation(connection: Connection) -> None:
            _demand_new(connection, draft, dataset)
            attempts.end(self._context, connection, attempt, DONE)
            connection.execute(_SQL["stored"], values)

        await self._write(operation)
        return Draft(draft.no, draft.size, dataset, self._context.run, draft.alone)

    async def forget_datasets(self, drafts: Sequence[Draft]) -> None:
        """Record that Codat no longer knows the drafts' datasets: they are created again."""
        rows = [{"draft": draft.no} for draft in drafts]

        def operation(connection: Connection) -> None:
            connection.executemany(_SQL["remember_forgotten"], rows)
            connection.executemany(_SQL["forget_dataset"], rows)

        await self._write(operation)

    async def misnamed(self, company: CompanyId) -> list[Draft]:
        """Return open drafts of the company that an answer which could not be believed leaves in doubt."""
        return await self._rows(draft_of, _SQL["misnamed"], {"company": company})

    async def split(
        self,
        company: CompanyId,
        draft: Draft,
        *,
        groups: Sequence[Sequence[ExpenseId]],
        verdicts: Mapping[ExpenseId, Verdict],
        reason: str,
        ended: tuple[AttemptNo, End] | None = None,
    ) -> list[Draft]:
        """Close the draft; judge some of its expenses and put the others into new drafts, one for each group.

        Parts of a draft that must have a sync of its own must have one too.
        """

        def operation(connection: Connection) -> list[Draft]:
            if ended is not None:
                attempts.end(self._context, connection, *ended)
            return divide(
                self._context,
                connection,
                company,
                draft,
                groups=groups,
                verdicts=verdicts,
                reason=reason,
            )

        return await self._write(operation)

    async def count_rejected(self, company: CompanyId, code: str) -> int:
        """Return how many of the company's expenses are rejected with this code."""
        return int(await self._value(_SQL["count_rejected"], {"company": company, "code": code}))

    async def unreject(self, company: CompanyId, code: str) -> None:
        """Put back expenses that were rejected with this code: the fault turned out not to be theirs."""
        values = {"company": company, "code": code}
        await self._change(_SQL["unreject"], values)

    async def count_extra(self) -> int:
        """Return how many drafts exist only because others had to be split: the price of isolation, in requests."""
        return int(await self._value(_SQL["extra_drafts"]))


def record_answered(context: Context, connection: Connection, draft: Draft, dataset: DatasetId) -> None:
    """Record a dataset that was the answer to a direct create, within an operation; raise `IdRepeated` as above."""
    _demand_new(connection, draft, dataset)
    connection.execute(_SQL["stored"], {"draft": draft.no, "dataset": dataset, "run": context.run})


def _demand_new(connection: Connection, draft: Draft, dataset: DatasetId) -> None:
    if connection.execute(_SQL["is_taken"], {"draft": draft.no, "dataset": dataset}).fetchone() is not None:
        raise IdRepeated(
            f"Codat stored expenses and called them dataset {dataset}, which is what it has called others before.",
            dataset_id=dataset,
        )


def put_into(connection: Connection, company: CompanyId, sync: SyncNo, verdicts: Mapping[ExpenseId, Verdict]) -> None:
    """Tie expenses to a sync that turned out to hold them, and judge them, within an operation."""
    ids = list(verdicts)
    for start in range(0, len(ids), MAX_EXPENSES_A_DRAFT):
        group = ids[start : start + MAX_EXPENSES_A_DRAFT]
        values = {"company": company, "expenses": len(group), "sync": sync}
        (number,) = connection.execute(_SQL["add_closed"], values).fetchone()
        connection.executemany(_SQL["move"], [(number, company, each) for each in group])
    judge(connection, company, verdicts)


def _form(connection: Connection, values: dict[str, Any], *, drafts: int, size: int) -> list[Draft]:
    if drafts <= 0:
        return []
    rows = connection.execute(_SQL["undrafted"], {**values, "limit": drafts * size}).fetchall()
    formed = []
    for start in range(0, len(rows), size):
        members = rows[start : start + size]
        draft = _open(connection, values["company"], len(members), split_from=None, alone=False)
        # They are all that is undrafted between the first and the last: one statement takes them in.
        place = {**values, "draft": draft.no, "first": members[0][0], "last": members[-1][0]}
        connection.execute(_SQL["fill_draft"], place)
        formed.append(draft)
    return formed


def _add(
    connection: Connection,
    company: CompanyId,
    members: Sequence[int],
    *,
    split_from: DraftNo | None,
    alone: bool,
) -> Draft:
    draft = _open(connection, company, len(members), split_from=split_from, alone=alone)
    connection.executemany(_SQL["put_in_draft"], [(draft.no, member) for member in members])
    return draft


def _open(connection: Connection, company: CompanyId, size: int, *, split_from: DraftNo | None, alone: bool) -> Draft:
    values = {"company": company, "expenses": size, "split_from": split_from, "alone": int(alone)}
    (number,) = connection.execute(_SQL["add_draft"], values).fetchone()
    return Draft(DraftNo(number), size, None, None, alone)


def divide(
    context: Context,
    connection: Connection,
    company: CompanyId,
    draft: Draft,
    *,
    groups: Sequence[Sequence[ExpenseId]],
    verdicts: Mapping[ExpenseId, Verdict],
    reason: str,
) -> list[Draft]:
    """Close a draft whose expenses are staged, within an operation; see `Drafts.split`."""
    members = {
        ExpenseId(expense): number
        for number, expense in connection.execute(_SQL["members"], {"draft": draft.no}).fetchall()
    }
    connection.execute(_SQL["close"], {"draft": draft.no})
    judge(connection, company, verdicts)
    children = [
        _add(connection, company, [members[each] for each in group], split_from=draft.no, alone=draft.alone)
        for group in groups
    ]
    for number in members.values():
        values = {
            **context.stamp(),
            "company": company,
            "expense_no": number,
            "draft_no": draft.no,
            "kind": "left_draft",
            "detail": reason,
        }
        connection.execute(_RUNS["event"], values)
    return children


def renew(context: Context, connection: Connection, company: CompanyId, draft: Draft, *, reason: str) -> None:
    """Close an open draft and put what is left of it into a new one, within an operation."""
    left = [ExpenseId(expense) for _, expense in connection.execute(_SQL["members"], {"draft": draft.no})]
    groups = [left] if left else []
    divide(context, connection, company, draft, groups=groups, verdicts={}, reason=reason)


def form_alone(connection: Connection, company: CompanyId, group: Sequence[ExpenseId]) -> Draft:
    """Put staged expenses that are in no draft into one that gets a sync of its own, within an operation."""
    numbers = [
        number
        for expense in group
        for (number,) in connection.execute(_SQL["free_expense"], {"company": company, "expense": expense})
    ]
    return _add(connection, company, numbers, split_from=None, alone=True)


def judge(connection: Connection, company: CompanyId, verdicts: Mapping[ExpenseId, Verdict]) -> None:
    """Write verdicts on open expenses, within an operation."""
    connection.executemany(
        _VERDICT,
        [
            (v.state, v.code, v.message, v.evidence_sync, int(v.external), company, expense)
            for expense, v in verdicts.items()
        ],
    )


def leave_open(connection: Connection, company: CompanyId, expense: ExpenseId) -> None:
    """Close the open draft that an expense is in, whose other expenses are free again, within an operation."""
    for (draft,) in connection.execute(_SQL["close_open_draft"], {"company": company, "expense": expense}).fetchall():
        connection.execute(_SQL["free_draft"], {"draft": draft})


_VERDICT = load("syncs")["verdict"]
