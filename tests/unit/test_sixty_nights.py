"""Sixty nights of a timer: the books are right after each of them, and whatever is open is still told.

The world that is exported from has purchases, some of them twice, some written wrong at first and mended some nights
later. Three habits of exporting are tried: one file that grows under one name, exports of the last days that overlap,
and increments dropped one by one; each with ids of the user's own and without.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.unit import rejecting
from tests.unit.rejecting import World

HEADER = "company_id,id,type,issue_date,currency,net_amount,account_id,merchant_name,notes\n"
NIGHTS = 60
BEGIN = date(2024, 3, 1)


@dataclass
class Purchase:
    """One purchase, and how its row is written."""

    number: int
    day: date
    amount: Decimal
    merchant: str
    wrong_until: int = 0
    """The night from which on its row is written right."""
    by_rejects: bool = False
    """Whether it is mended in a file of rejects, and stays wrong in the exports."""

    def row(self, night: int, *, named: bool) -> str:
        wrong = night < self.wrong_until or (self.by_rejects and self.wrong_until > 0)
        amount = f"{self.amount} EUR" if wrong else str(self.amount)
        own = f"p{self.number}" if named else ""
        return f"acme,{own},Payment,{self.day},EUR,{amount},400,{self.merchant},\n"


@dataclass
class Shop:
    """All that was bought so far."""

    chance: random.Random
    purchases: list[Purchase] = field(default_factory=list)

    def trade(self, night: int) -> list[Purchase]:
        """Add a day's purchases: equal ones too, and some whose rows are wrong for some nights."""
        today = BEGIN + timedelta(days=night)
        new = []
        for _ in range(self.chance.randint(1, 4)):
            late = timedelta(days=self.chance.choice([0, 0, 0, 1, 2]))
            wrong = night + self.chance.randint(1, 5) if self.chance.random() < 0.15 else 0
            purchase = Purchase(
                len(self.purchases) + len(new),
                max(BEGIN, today - late),
                Decimal(self.chance.choice(["4.50", "4.50", "12.00", "80.10"])),
                self.chance.choice(["Cafe", "Cafe", "Taxi", "Hotel"]),
                wrong,
                self.chance.random() < 0.4,
            )
            new.append(purchase)
            if self.chance.random() < 0.1 and not wrong:
                new.append(Purchase(len(self.purchases) + len(new), purchase.day, purchase.amount, purchase.merchant))
        self.purchases += new
        return new


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield from rejecting.world(tmp_path)


def mend(world: World, night: int, overlap: Any) -> None:
    """Mend in a file of rejects what is mended so, once its time has come; its rows may be equal to others."""
    files = world.rejects(f"rejects-{night}.csv")
    for file in files:
        rows = rejecting.read(file.path)
        back = [row | {"net_amount": row["net_amount"].removesuffix(" EUR")} for row in rows
                if row["_code"] == "amount_unreadable" and night % 4 == 0]  # fmt: skip
        if back:
            world.run(rejecting.rewrite(file.path, back), overlap=overlap)


@pytest.mark.parametrize("named", [True, False], ids=["with ids", "without ids"])
@pytest.mark.parametrize("habit", ["grows", "overlaps", "increments"])
def test_sixty_nights(world: World, habit: str, *, named: bool) -> None:
    shop = Shop(random.Random(f"{habit} {named}"))
    overlap: Any = {"grows": None, "overlaps": "yes", "increments": "no"}[habit]
    for night in range(NIGHTS):
        new = shop.trade(night)
        if habit == "grows":
            name, exported = "cards.csv", shop.purchases
        elif habit == "overlaps":
            since = BEGIN + timedelta(days=night - 3)
            name, exported = f"cards-{night}.csv", [each for each in shop.purchases if each.day >= since]
        else:
            name, exported = f"cards-{night}.csv", new
        text = HEADER + "".join(each.row(night, named=named) for each in exported)
        world.run(world.write(name, text), overlap=overlap)
        if night % 4 == 0:
            mend(world, night, overlap)
        posted, wanted = Counter(world.posted()), Counter(each.amount for each in shop.purchases)
        # Nothing is doubled; what is not in the books is told, each row once.
        assert not posted - wanted, night
        assert sum((wanted - posted).values()) == world.open_errors(), night
    for night in range(NIGHTS, NIGHTS + 8, 4):
        mend(world, night, overlap)
    assert Counter(world.posted()) == Counter(each.amount for each in shop.purchases)
    assert world.open_errors() == 0
