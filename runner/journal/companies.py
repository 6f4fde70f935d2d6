"""The journal's verbs for companies: who has open work, who is held, who owns whom."""

from collections.abc import Sequence
from sqlite3 import Connection

from runner.domain.ids import CompanyId, CompanyNo, normal_company
from runner.journal.context import Verbs
from runner.journal.records import Hold
from runner.journal.statements import load

_SQL = load("companies")


class Companies(Verbs):
    """Streams companies out of the journal and puts them aside with a reason."""

    async def page_with_open_work(self, *, after: int, limit: int, auto_retry: int = 0) -> list[tuple[int, CompanyId]]:
        """Return the next companies that have something to do, with their places in the order.

        What has failed is something to do as long as it has been sent again fewer than `auto_retry` times.
        """
        values = {"after": after, "limit": limit, "auto_retry": auto_retry}
        return await self._rows(_numbered, _SQL["page_with_open_work"], values)

    async def ids(self, numbers: Sequence[CompanyNo]) -> list[CompanyId]:
        """Return the ids of companies, in the order of these numbers."""

        def operation(connection: Connection) -> list[CompanyId]:
            return [CompanyId(connection.execute(_SQL["id_of"], {"company": no}).fetchone()[0]) for no in numbers]

        return await self._read(operation)

    async def claim(self, company: CompanyId) -> str | None:
        """Make this run the company's owner; return what its syncs have taught, None where that is nothing yet.

        It says afterwards which run walked the company last and how many did. Nothing compares it: behind one file's
        lock nobody contends. A journal that several hosts share would refuse writes of an older epoch.
        """
        values = {"company": company, "run": self._context.run}

        def operation(connection: Connection) -> str | None:
            (pace,) = connection.execute(_SQL["claim"], values).fetchone()
            return None if pace is None else str(pace)

        return await self._write(operation)

    async def named(self, text: str, *, wrong_rows: bool = False) -> CompanyId | None:
        """Return the company that somebody means by an id in whatever case; None where the journal has none.

        With `wrong_rows` also one that nothing but wrong rows is known of.
        """
        values = {"company": normal_company(text.strip()), "wrong_rows": int(wrong_rows)}
        return await self._row(CompanyId, _SQL["named"], values)

    async def record_served(self, company: CompanyId) -> None:
        """Record that a request about the company has left in this run: others come first in the next one."""
        await self._change(_SQL["served"], {"company": company, "run": self._context.run})

    async def common_pace(self) -> str | None:
        """Return what the last syncs of all companies have taught, the latest run of each."""
        paces = await self._rows(lambda pace: str(pace).rpartition(" ")[2], _SQL["common_pace"])
        return " ".join(reversed(paces)) or None

    async def hold(self, company: CompanyId, *, code: str, message: str, hint: str | None) -> None:
        """Put the company aside; the date of the first hold is kept, also where it was released in vain since."""
        values = {**self._context.stamp(), "company": company, "code": code, "message": message, "hint": hint}
        await self._change(_SQL["hold"], values)

    async def release(self, company: CompanyId) -> None:
        """Let the company go on; its hold is remembered, in case that it comes again at once."""
        values = {"company": company, "run": self._context.run}
        await self._change(_SQL["release"], values)

    async def hold_of(self, company: CompanyId) -> Hold | None:
        """Return why the company is held; None if it is not."""
        return await self._row(lambda *row: Hold(company, *row[:4]), _SQL["hold_of"], {"company": company})

    async def ever_accepted(self, company: CompanyId) -> bool:
        """Say whether Codat has ever taken a draft for this company."""
        return bool(await self._value(_SQL["ever_accepted"], {"company": company}))

    async def datasets_proven(self) -> bool:
        """Say whether Codat has answered a create of this run with a dataset."""
        return bool(await self._value(_SQL["datasets_proven"], {"run": self._context.run}))

    async def page_of_ids(self, *, after: int, limit: int) -> list[tuple[int, CompanyId]]:
        """Return companies with their places in the order, whatever they have to do."""
        return await self._rows(_numbered, _SQL["all_ids"], {"after": after, "limit": limit})


def _numbered(number: int, company: str) -> tuple[int, CompanyId]:
    return number, CompanyId(company)
