"""Companies: what is declared about them, and what an undeclared one is like."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

TYPES = ("Payment", "Refund", "Reward", "Chargeback")
LINKED = "Linked"
DELETED = "Deleted"

Options = tuple[Mapping[str, Any], ...]
Config = Mapping[str, Mapping[str, str]]

DEFAULT_CONFIG: Config = {
    "bankAccount": {"id": "bank-1"},
    "supplier": {"id": "supplier-1"},
    "customer": {"id": "customer-1"},
}

_NAMES = (
    "Advertising", "Bank fees", "Books", "Cleaning", "Consulting", "Couriers", "Entertainment", "Freight",
    "General expenses", "Insurance", "Legal", "Light and heat", "Meals", "Motor vehicles", "Office equipment",
    "Postage", "Printing and stationery", "Rent", "Repairs", "Software", "Subscriptions",
    "Telephone and internet", "Training", "Travel",
)  # fmt: skip

DEFAULT_ACCOUNTS: Options = (
    *(
        {
            "id": str(number),
            "name": name,
            "nominalCode": str(number),
            "currency": None,
            "accountType": "Expense",
            "isBankAccount": False,
            "validTransactionTypes": list(TYPES),
        }
        for number, name in enumerate(_NAMES, start=400)
    ),
    {
        "id": "bank-1",
        "name": "Company card",
        "nominalCode": "090",
        "currency": None,
        "accountType": "Asset",
        "isBankAccount": True,
        "validTransactionTypes": [],
    },
)
DEFAULT_TAX_RATES: Options = tuple(
    {
        "id": f"tax-{rate}",
        "name": f"{rate}%",
        "code": f"T{rate}",
        "effectiveTaxRate": rate,
        "totalTaxRate": rate,
        "validTransactionTypes": list(TYPES),
    }
    for rate in (0, 5, 10, 20)
)
DEFAULT_TRACKING: Options = (
    {"id": "department", "name": "Department", "parentId": None, "hasChildren": True},
    {"id": "sales", "name": "Sales", "parentId": "department", "hasChildren": False},
    {"id": "support", "name": "Support", "parentId": "department", "hasChildren": False},
)


@dataclass(frozen=True, slots=True)
class CompanySpec:
    """A declared company."""

    id: str
    name: str | None = None
    platform: str = "Simulated Books"
    status: str = LINKED
    """Of its accounting connection: PendingAuth, Linked, Unlinked, Deauthorized; or Deleted."""
    config: Config | None = None
    """The company's configuration; None means the usual one, an empty mapping means that there is none."""
    accounts: Options | None = None
    """What mappingOptions lists; an id outside of it is refused. Not declared: none is listed, and any is taken."""
    tax_rates: Options | None = None
    tracking: Options | None = None
    sync_seconds: tuple[float, float] | None = None


def with_usual_options(spec: CompanySpec) -> CompanySpec:
    """Return the company with the usual accounts, tax rates and tracking categories where it declares none."""
    return replace(
        spec,
        accounts=DEFAULT_ACCOUNTS if spec.accounts is None else spec.accounts,
        tax_rates=DEFAULT_TAX_RATES if spec.tax_rates is None else spec.tax_rates,
        tracking=DEFAULT_TRACKING if spec.tracking is None else spec.tracking,
    )


class Company:
    """A company as it stands now."""

    __slots__ = ("busy_until", "config", "created", "id", "name", "platform", "spec", "status", "syncs")

    def __init__(self, spec: CompanySpec, *, created: float) -> None:
        self.spec = spec
        self.id = spec.id
        self.name = spec.name or f"Company {spec.id}"
        self.platform = spec.platform
        self.status = spec.status
        self.config: Config = DEFAULT_CONFIG if spec.config is None else spec.config
        self.created = created
        self.busy_until = 0.0
        """When the last queued sync will have ended: syncs of one company run in turn."""
        self.syncs: list[str] = []
        """Ids of its syncs, oldest first."""

    @property
    def linked(self) -> bool:
        """Whether its accounting connection is linked."""
        return self.status == LINKED

    def mapping_options(self) -> dict[str, Any]:
        """Return what the company accepts, in the API's shape."""
        spec = self.spec
        return {
            "expenseProvider": None,
            "accounts": spec.accounts or (),
            "trackingCategories": spec.tracking or (),
            "taxRates": spec.tax_rates or (),
        }

    def connection(self, date: str) -> dict[str, Any]:
        """Return its one data connection, in the API's shape."""
        name = f"simulator:{self.id}"
        return {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
            "integrationId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{name}:integration")),
            "integrationKey": "simu",
            "sourceId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{name}:source")),
            "sourceType": "Accounting",
            "platformName": self.platform,
            "linkUrl": f"http://localhost/link/{self.id}",
            "status": self.status,
            "lastSync": None,
            "created": date,
            "dataConnectionErrors": [],
        }

    def as_json(self, date: str) -> dict[str, Any]:
        """Return the company in the API's shape."""
        return {
            "id": self.id,
            "name": self.name,
            "platform": self.platform,
            "redirect": f"http://localhost/redirect/{self.id}",
            "created": date,
            "lastSync": None,
            "createdByUserName": None,
            "products": ["expenses"],
            "dataConnections": [self.connection(date)],
        }
