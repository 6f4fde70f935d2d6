"""The journal's verbs for companies: who has open work, who is held, who owns whom."""

from sqlite3 import Connection

from runner.domain.ids import CompanyId
from runner.journal.context import Context
from runner.journal.records import Hold
from runner.journal.statements import load

_SQL = load("companies")


class Companies:
    """Streams companies out of the journal and puts them aside with a reason."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def page_with_open_work(self, *, after: int, limit: int, auto_retry: int = 0) -> list[tuple[int, CompanyId]]:
        """Return the next companies that have something to do, with their places in the order.

        What has failed is something to do as long as it has been sent again fewer than `auto_retry` times.
        """
        values = {"after": after, "limit": limit, "auto_retry": auto_retry}

        def operation(connection: Connection) -> list[tuple[int, CompanyId]]:
            rows = connection.execute(_SQL["page_with_open_work"], values)
            return [(number, CompanyId(company)) for number, company in rows]

        return await self._context.store.read(operation)

    async def claim(self, company: CompanyId) -> int:
        """Make this run the company's owner; return the ownership's epoch.

        It says afterwards which run walked the company last and how often it was walked. Nothing compares it: behind
        one file's lock nobody contends. A journal that several hosts share would refuse writes of an older epoch.
        """

        def operation(connection: Connection) -> int:
            values = {"company": company, "run": self._context.run}
            (epoch,) = connection.execute(_SQL["claim"], values).fetchone()
            return int(epoch)

        return await self._context.store.write(operation)

    async def hold(self, company: CompanyId, *, code: str, message: str, hint: str | None) -> None:
        """Put the company aside; its first hold's date is kept."""
        values = {**self._context.stamp(), "company": company, "code": code, "message": message, "hint": hint}
        await self._context.store.write(lambda connection: connection.execute(_SQL["hold"], values).rowcount)

    async def release(self, company: CompanyId) -> None:
        """Let the company go on."""
        values = {"company": company}
        await self._context.store.write(lambda connection: connection.execute(_SQL["release"], values).rowcount)

    async def hold_of(self, company: CompanyId) -> Hold | None:
        """Return why the company is held; None if it is not."""

        def operation(connection: Connection) -> Hold | None:
            row = connection.execute(_SQL["hold_of"], {"company": company}).fetchone()
            return None if row is None else Hold(company, *row[:4])

        return await self._context.store.read(operation)

    async def ever_accepted(self, company: CompanyId) -> bool:
        """Say whether Codat has ever taken a draft for this company."""

        def operation(connection: Connection) -> bool:
            (found,) = connection.execute(_SQL["ever_accepted"], {"company": company}).fetchone()
            return bool(found)

        return await self._context.store.read(operation)

    async def datasets_proven(self) -> bool:
        """Say whether Codat has answered a create of this run with a dataset."""

        def operation(connection: Connection) -> bool:
            (found,) = connection.execute(_SQL["datasets_proven"], {"run": self._context.run}).fetchone()
            return bool(found)

        return await self._context.store.read(operation)

    async def page_of_ids(self, *, after: int, limit: int) -> list[tuple[int, CompanyId]]:
        """Return companies with their places in the order, whatever they have to do."""

        def operation(connection: Connection) -> list[tuple[int, CompanyId]]:
            rows = connection.execute(_SQL["all_ids"], {"after": after, "limit": limit})
            return [(number, CompanyId(company)) for number, company in rows]

        return await self._context.store.read(operation)
