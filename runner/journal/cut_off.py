"""Readings that were cut off, while another file is read: whether that one holds all that they had let in.

A file's name proves nothing: tonight's export may lie where last night's was read in part, whose other expenses would
then be told nowhere.
"""

from dataclasses import dataclass
from sqlite3 import Connection

from runner.domain.ids import InputNo
from runner.journal.statements import load

_SQL = load("cutoffs")


@dataclass(slots=True)
class _CutOff:
    number: InputNo
    name: str
    sha256: str | None
    """None where it was cut off before its first expense came in."""
    came_back: int
    """Whether it is a file of rejects."""
    came_in: int
    """Whether anything did."""
    met: int = 0
    """Of its expenses, how many the other file holds, each counted once."""
    moved: int = 0
    """How many of its expenses the other file has corrected: they belong to that one now."""


class CutOffs:
    """What one reading has met of the readings before it that were cut off."""

    def __init__(self, connection: Connection, number: InputNo) -> None:
        rows = connection.execute(_SQL["cut_off"], {"input": number}).fetchall()
        self._open = {row[0]: _CutOff(*row) for row in rows}
        self._seen = bytearray()
        """A bit for each expense number: a set of a million would take a hundred times the room."""

    def meet(self, connection: Connection, expense_no: int, *, back: bool, corrected: bool = False) -> None:
        """Count an expense that came in before; and again as `corrected` right before it becomes the new reading's.

        `back`: it came in a file of rejects, which holds but a part of the file that they stood in.
        """
        if not self._open:
            return
        (number,) = connection.execute(_SQL["input_of"], {"expense_no": expense_no}).fetchone()
        found = self._open.get(number)
        if found is None or (back and not found.came_back):
            return
        if corrected:
            found.met -= 1
            found.moved += 1
        elif self._is_first(expense_no):
            found.met += 1

    def settle(self, connection: Connection, name: str, sha256: str | None) -> None:
        """Supersede those of which the reading that has ended, of this name and content, holds all that came in.

        What was wrong with one of another name and content stays told: it may not stand in this one.
        """
        for each in self._open.values():
            same = sha256 is not None and each.sha256 == sha256
            holds = self._holds(connection, each, name) if each.came_in else each.name == name
            if same or holds:
                values = {"cut_off": each.number, "settle": same or each.name == name}
                connection.execute(_SQL["supersede"], values)
                connection.execute(_SQL["settle_errors"], values)

    @staticmethod
    def _holds(connection: Connection, each: _CutOff, name: str) -> bool:
        # Nothing but corrections may be a file of the rejected rows alone, if it has another name.
        if not (each.met or (each.moved and each.name == name)):
            return False
        (left,) = connection.execute(_SQL["left"], {"cut_off": each.number}).fetchone()
        return bool(left == each.met)

    def _is_first(self, expense_no: int) -> bool:
        place, bit = expense_no >> 3, 1 << (expense_no & 7)
        if place >= len(self._seen):
            self._seen.extend(bytes(place + 1 - len(self._seen)))
        first = not self._seen[place] & bit
        self._seen[place] |= bit
        return first
