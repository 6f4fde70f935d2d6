"""Which of Codat's operations a request is, without the ids: a word for logs and counts."""

from enum import StrEnum

from runner.codat.messages import Request


class Route(StrEnum):
    """An operation of Codat's."""

    CREATE = "create"
    INITIATE = "initiate"
    ATTACH = "attach"
    STATUS = "status"
    STATUSES = "statuses"
    TRANSACTIONS = "transactions"
    COMPANY = "company"
    COMPANIES = "companies"
    CONFIG = "config"
    MAPPING_OPTIONS = "mapping_options"
    OTHER = "other"


_READS = (
    ("/syncs/list/status", Route.STATUSES),
    ("/status", Route.STATUS),
    ("/transactions", Route.TRANSACTIONS),
    ("/sync/expenses/config", Route.CONFIG),
    ("/sync/expenses/mappingOptions", Route.MAPPING_OPTIONS),
)
_EFFECTS = (
    ("/attachments", Route.ATTACH),
    ("/sync/expenses/syncs", Route.INITIATE),
)


def route_of(request: Request) -> Route:
    """Return the operation that the request asks for."""
    for ending, route in _EFFECTS if request.is_effect else _READS:
        if request.path.endswith(ending):
            return route
    if request.is_effect:
        return Route.CREATE if "/sync/expenses/" in request.path else Route.OTHER
    if request.path == "/companies":
        return Route.COMPANIES
    return Route.COMPANY if request.path.startswith("/companies/") else Route.OTHER
