"""The journal as one thing: its parts, opened and closed together."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from pathlib import Path

from runner.clock import Clock, ServiceTime
from runner.domain.ids import RunNo
from runner.errors import JournalLocked, JournalUnusable
from runner.journal.accounts import Accounts
from runner.journal.ages import Ages
from runner.journal.attempts import Attempts
from runner.journal.checking import Checking
from runner.journal.companies import Companies
from runner.journal.condition import Conditions
from runner.journal.context import Context
from runner.journal.drafts import Drafts
from runner.journal.health import Healths
from runner.journal.holder import holder_of
from runner.journal.identity import Identity, doubt_of, has_log
from runner.journal.inputs import Inputs
from runner.journal.integrity import Integrity
from runner.journal.lock import Lock
from runner.journal.notices import Notices
from runner.journal.opening import open_for_reading, open_for_writing, open_scratch
from runner.journal.outlook import Outlook
from runner.journal.place import mount_table, require_good_place, several_names
from runner.journal.preflight import Preflights
from runner.journal.receipts import Receipts
from runner.journal.resends import Resends
from runner.journal.resolutions import Resolutions
from runner.journal.results import Results
from runner.journal.retention import Retention
from runner.journal.runs import Runs
from runner.journal.staging import Staging
from runner.journal.store import GroupCommit, Inline, Store
from runner.journal.story import Stories
from runner.journal.syncs import Syncs
from runner.journal.trouble import Trouble
from runner.journal.verification import Verification
from runner.logs import get_log

PATIENCE = 10.0
"""For how many seconds a journal is waited for that is held for a moment only."""
_BETWEEN = 0.1
"""Seconds between two tries."""


class Journal:
    """Everything that was intended and everything that is known, by topic."""

    def __init__(self, store: Store, clock: Clock) -> None:
        context = Context(store, clock)
        self._context = context
        self.runs = Runs(context)
        self.staging = Staging(context)
        self.inputs = Inputs(context)
        self.companies = Companies(context)
        self.drafts = Drafts(context)
        self.syncs = Syncs(context)
        self.attempts = Attempts(context)
        self.ages = Ages(context)
        self.receipts = Receipts(context)
        self.accounts = Accounts(context)
        self.verification = Verification(context)
        self.resends = Resends(context)
        self.resolutions = Resolutions(context)
        self.stories = Stories(context)
        self.outlook = Outlook(context)
        self.trouble = Trouble(context)
        self.health = Healths(context)
        self.preflight = Preflights(context)
        self.integrity = Integrity(context)
        self.retention = Retention(context)
        self.results = Results(context)
        self.conditions = Conditions(context)
        self.checking = Checking(context)
        self.notices = Notices(context)

    @property
    def service_time(self) -> ServiceTime:
        """What the answers of this life tell of the service's time: to be told, and taken into account."""
        return self._context.service_time

    @property
    def run(self) -> RunNo:
        """The run that is writing; 0 before one has begun."""
        return self._context.run


def require_journal(path: Path) -> None:
    """Raise `JournalUnusable` where there is no journal: whoever goes on with one does not want a new, empty one."""
    if not path.is_file():
        raise JournalUnusable(
            f"There is no journal at {path}.",
            hint="Name the one you mean with --journal, or start one with: expense-runner run FILE.csv",
        )


@asynccontextmanager
async def writing(
    path: Path,
    clock: Clock,
    *,
    rebuild: bool = False,
    check: bool = True,
    brief: bool = False,
    mounts: str | None = None,
) -> AsyncIterator[Journal]:
    """Hold the journal for one run: lock, check, open, migrate; fold the log into the file at the end.

    Only a `rebuild` makes a journal again that its lock file knows and that is gone. Without `check` the file is
    examined after an unclean end alone. Whoever sends asks `runs.open_rebuild` first: a journal that has lost
    something is opened, and marked. `mounts` stands for the system's table of mounts.
    `brief` says that it is held for a moment only: then it is had at once or not at all, and others wait for it.
    Raises `JournalLocked` where another run holds it, `JournalUnusable` where it cannot be opened or written.
    """
    # Two names of one file must meet at one lock.
    path = path.resolve()  # noqa: ASYNC240 - before anything else runs, like the opening itself
    require_good_place(path, mount_table() if mounts is None else mounts)
    with ExitStack() as held:
        lock = await _taken(held, Lock(path, now=clock.now(), rebuild=rebuild, brief=brief), clock, brief=brief)
        store = GroupCommit(lambda: open_for_writing(path, lock, check=check), Identity(lock))
        await store.start()
        try:
            yield Journal(store, clock)
        finally:
            await store.close()


async def _taken(held: ExitStack, lock: Lock, clock: Clock, *, brief: bool) -> Lock:
    until = clock.monotonic() + PATIENCE
    while True:
        try:
            return held.enter_context(lock)
        except JournalLocked as locked:
            if brief or not locked.brief or clock.monotonic() >= until:
                raise
        await clock.sleep(_BETWEEN)


@contextmanager
def reading(path: Path, clock: Clock, *, aside: bool = False) -> Iterator[Journal]:
    """Read the journal beside a run that may be writing it; what is wrong with it as a whole is said in the log.

    With `aside` temporary tables may be made beside it. Raises `JournalUnusable`.
    """
    path = path.resolve()
    log, at_work = has_log(path), holder_of(path) is not None
    with closing(open_for_reading(path)) as connection:
        if aside:
            # The file itself is opened read-only.
            connection.execute("PRAGMA query_only = OFF")
        if (said := several_names(path, mount_table())) is not None:
            get_log().warning("journal_has_several_names", said=said)
        if not at_work and (said := doubt_of(connection, path, log=log)) is not None:
            get_log().warning("journal_not_whole", said=said)
        try:
            yield Journal(Inline(connection), clock)
        except sqlite3.Error as error:
            raise JournalUnusable(f"The journal {path} cannot be read: {error}.") from error


@contextmanager
def scratch(clock: Clock) -> Iterator[Journal]:
    """Give a journal that is forgotten at the end."""
    with closing(open_scratch()) as connection:
        yield Journal(Inline(connection), clock)
