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
    CONFIG = "config"
    OTHER = "other"


_READS = (
    ("/syncs/list/status", Route.STATUSES),
    ("/status", Route.STATUS),
    ("/transactions", Route.TRANSACTIONS),
    ("/sync/expenses/config", Route.CONFIG),
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
    return Route.COMPANY if request.path.startswith("/companies/") else Route.OTHER
