"""Cells of a foreign file to rows: translated as a profile says, then checked as canonical ones are."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from runner.domain.expense import ExpenseType, RowError
from runner.intake.codes import Code, Fault
from runner.intake.header import COLUMNS, Header, company_of
from runner.intake.mapping.choose import Watch
from runner.intake.mapping.profile import Profile
from runner.intake.mapping.translate import Canonical, Skipped, Translator
from runner.intake.receipts import ReceiptFolder
from runner.intake.returning import Returning
from runner.intake.row import MAX_TEXT, Row, RowReader, Wrong, misaligned, row_error
from runner.intake.sources import Source
from runner.intake.text import FileFault

_BY_SIGN: Final = frozenset({ExpenseType.PAYMENT, ExpenseType.REFUND})
_MERGED: Final = frozenset({Code.LINES_DISAGREE, Code.VALUE_MISSING, Code.TOO_MANY_LINES, Code.LINES_UNCERTAIN})


class MappedReader:
    """Reads rows of one foreign file as `RowReader` reads canonical ones; errors name the file's own columns."""

    def __init__(
        self,
        profile: Profile,
        cells: Sequence[str],
        *,
        line: int,
        source: Source,
        receipts: ReceiptFolder,
        returning: Returning | None = None,
        watch: Watch | None = None,
    ) -> None:
        """Bind a profile to the cells of a header, on this line; raise `FileFault` where it cannot be."""
        self.spare = 0
        """How many blank cells all rows have behind those that the header names."""
        self._translator = translator = Translator(profile, cells, line=line)
        self._profile = profile
        self._file = source.name
        self._watch = watch
        company = company_of(source.path)
        told_by = returning if returning is not None and returning.tells_company else None
        if company is None and not (translator.tells_company or told_by):
            wanted = (
                f"the company: name the file <company id>.csv, or say in the mapping profile {profile.name} "
                "where company_id comes from"
            )
            raise FileFault(Fault(Code.COLUMN_MISSING, None, "company_id", wanted), line=line)
        self._told_by = None if translator.tells_company else told_by
        self.header = Header(
            unknown=translator.unread,
            width=len(COLUMNS),
            places=tuple(range(len(COLUMNS))),
            company=None if translator.tells_company else company,
        )
        # A cell that is cut off is blank where the profile says so, but never a key.
        key_at = -1 if returning is None else returning.key_at
        self._last = key_at if profile.short_rows == "blank" else max(translator.last_read, key_at)
        self._rows = RowReader(self.header, file=source.name, receipts=receipts)

    @property
    def whole_company(self) -> str:
        """The company that the file is named after, or that the profile gives to all rows."""
        return "" if self._told_by is not None else self.header.company or self._translator.constant_company

    @property
    def skipped(self) -> tuple[tuple[str, int], ...]:
        """How many rows each skip rule skipped, by the rule's file and line."""
        return tuple(self._translator.skipping.counts.items())

    def read(self, cells: list[str], line: int) -> Row | Wrong | Skipped | None:
        """Return the row that these cells (which are made as many as there are columns) make; None for a blank one."""
        given = len(cells)
        if spare := self._translator.width - given:
            if spare < 0:
                cut_apart = -spare > self.spare and self._translator.cuts_amount(cells)
                if cut_apart or "".join(cells[spare:]).strip():
                    return self._misaligned(Code.TOO_MANY_CELLS, cells, line)
                del cells[spare:]
            cells += [""] * spare
        if not any(map(str.strip, cells)):
            return None
        if given <= self._last:
            return self._short(cells, given, line)
        found = self._translator.translate(cells)
        if self._watch is not None:
            self._watch(line, cells, found)
        if isinstance(found, Skipped):
            return found
        return self._check(found, cells, line)

    def _short(self, cells: list[str], given: int, line: int) -> Wrong | Skipped:
        where = self._translator.skipping.of_short(cells, given)
        if self._watch is not None:
            self._watch(line, cells, Canonical([""] * len(COLUMNS), {}) if where is None else Skipped(where))
        return self._misaligned(Code.TOO_FEW_CELLS, cells[:given], line) if where is None else Skipped(where)

    def key_texts(self, _row: Row, cells: Sequence[str]) -> tuple[str, ...]:
        """Return what a row's key has beside what every row has: the card or account and what the profile adds.

        As the file says it, so that it outlives a corrected profile.
        """
        return self._translator.key_texts(cells)

    def named(self, error: RowError) -> RowError:
        """Return an error that came of putting rows together with the file's own column in it."""
        if error.column is None or error.code not in _MERGED:
            return error
        if error.code == Code.LINES_DISAGREE and error.column == "type" and error.value in _BY_SIGN:
            error = self._both_signs(error)
        if error.column not in COLUMNS or self._translator.has_column(error.column):
            return error
        return replace(error, column=self._translator.own_column(error.column) or error.column)

    def _both_signs(self, error: RowError) -> RowError:
        amounts = self._profile.amounts
        if amounts.negative != "refund":
            return error
        wanted = (
            f"{error.expected}; where lines of both signs are one expense, such as a discount, say so in the mapping "
            f'profile ({amounts.where}): negative = "keep"'
        )
        return replace(error, expected=wanted)

    def _check(self, found: Canonical, cells: Sequence[str], line: int) -> Row | Wrong:
        """Return the row that canonical texts make, which come of these cells at this line."""
        if self._told_by is not None:
            found.texts[0] = self._told_by.company(cells) or found.texts[0]
        row = self._rows.read(found.texts, line)
        if not found.faults and isinstance(row, Row) and not self._translator.unsaved(cells):
            return row
        return self._wrong(row, found, cells, line)

    def _wrong(self, row: Row | Wrong | None, found: Canonical, cells: Sequence[str], line: int) -> Wrong:
        # A row that is blank where the profile reads is still a row: its amount is missing.
        company = None if row is None else row.company_id
        own_id = found.texts[1]
        faults = self._translator.unsaved(cells) or list(found.faults.values())
        errors = [row_error(each, file=self._file, line=line, company_id=company, own_id=own_id) for each in faults]
        suspects: tuple[str, ...] = () if company or not own_id else (own_id,)
        if isinstance(row, Wrong):
            errors += [self._own(error, found, cells) for error in row.errors if error.column not in found.faults]
            suspects = row.suspects
        return Wrong(company, own_id, tuple(errors), suspects)

    def _own(self, error: RowError, found: Canonical, cells: Sequence[str]) -> RowError:
        """Return an error of a canonical column as one of the file's own column."""
        name = error.column
        if name is None or name not in COLUMNS:
            return error
        place = self._place(name)
        own = self._translator.shown(name, cells)
        if own is None:
            return replace(error, expected=f"{error.expected} ({name} comes from {place})")
        dates = self._profile.fields[name].dates if name in self._profile.fields else None
        if dates is not None:
            error = replace(error, expected=dates.wanted)
        made = found.texts[COLUMNS.index(name)]
        note = f" (for {name}: {place})" if made == own[1] or not made else f" ({place} makes {made[:60]!r} of it)"
        return replace(error, column=own[0], value=own[1], expected=error.expected + note)

    def _place(self, name: str) -> str:
        if name in self._profile.fields:
            return self._profile.fields[name].where
        return self._profile.id.where if name == "id" else self._profile.amounts.where

    def _misaligned(self, code: Code, cells: list[str], line: int) -> Wrong:
        fault = misaligned(code, len(cells), self._translator.width)
        aligned = cells + [""] * (self._translator.width - len(cells))
        if self._translator.id_columns > 1:
            # Which expense this was a line of cannot be told, not even by its cells: any may be incomplete.
            raise FileFault(fault, line=line)
        suspects: tuple[str, ...] = ()
        if self._translator.id_columns:
            texts = {" ".join(cell.split()): None for cell in cells}
            suspects = tuple(text for text in texts if text and len(text) <= MAX_TEXT)
        own_id = self._translator.own_id(aligned)
        error = row_error(fault, file=self._file, line=line, company_id=None, own_id=own_id)
        return Wrong(None, "", (error,), suspects)
