"""Which path is which endpoint."""

from runner.simulator.account import Account
from runner.simulator.companies import Company
from runner.simulator.values import Answer, Call, Refusal


def split_path(path: str) -> list[str]:
    """Return the segments of a path."""
    return path.strip("/").split("/")


def company_of(segments: list[str]) -> str | None:
    """Return the id of the company that a path is about."""
    return segments[1] if len(segments) > 1 and segments[0] == "companies" else None


def dispatch(account: Account, call: Call, segments: list[str], *, now: float) -> Answer:
    """Let the endpoint answer. Raises `Refusal`, 404 and 405 for what is no endpoint among them."""
    match segments:
        case ["companies"]:
            _demand(call, "GET")
            return account.list_companies(call)
        case ["companies", identifier]:
            _demand(call, "GET")
            return account.show_company(account.company(identifier, now=now))
        case ["companies", identifier, "connections"]:
            _demand(call, "GET")
            return account.list_connections(account.company(identifier, now=now), call)
        case ["companies", identifier, "sync", "expenses", *rest]:
            company = account.company(identifier, now=now)
            if rest[:1] == ["syncs"]:
                return _syncs(account, company, call, rest[1:], now=now)
            return _expenses(account, company, call, rest, now=now)
        case _:
            raise Refusal(404)


def _expenses(account: Account, company: Company, call: Call, rest: list[str], *, now: float) -> Answer:
    match rest:
        case ["config"]:
            _demand(call, "GET", "POST")
            if call.method == "GET":
                return account.show_config(company)
            return account.change_config(company, call)
        case ["mappingOptions"]:
            _demand(call, "GET")
            return account.mapping_options(company)
        case ["expense-transactions"]:
            _demand(call, "POST")
            return account.create(company, call, now=now, older_path=False)
        case ["data", "expense-transactions"]:
            _demand(call, "POST")
            return account.create(company, call, now=now, older_path=True)
        case _:
            raise Refusal(404)


def _syncs(account: Account, company: Company, call: Call, rest: list[str], *, now: float) -> Answer:
    match rest:
        case []:
            _demand(call, "POST")
            return account.initiate(company, call, now=now)
        case [sync, "transactions", transaction, "attachments"]:
            _demand(call, "POST")
            return account.attach(company, sync, transaction, call, now=now)
        case _:
            _demand(call, "GET")
            return _look(account, company, call, rest, now=now)


def _look(account: Account, company: Company, call: Call, rest: list[str], *, now: float) -> Answer:
    match rest:
        case ["list", "status"]:
            return account.list_syncs(company, now=now)
        case ["latest" | "lastSuccessful" as which, "status"]:
            return account.latest_sync(company, now=now, successful=which == "lastSuccessful")
        case [sync, "status"]:
            return account.show_sync(company, sync, now=now)
        case [sync, "transactions"]:
            return account.list_transactions(company, sync, call, now=now)
        case [sync, "transactions", transaction]:
            return account.show_transaction(company, sync, transaction, now=now)
        case _:
            raise Refusal(404)


def _demand(call: Call, *methods: str) -> None:
    if call.method not in methods:
        raise Refusal(405, headers={"allow": ", ".join(methods)})
