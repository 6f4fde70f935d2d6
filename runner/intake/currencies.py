"""ISO 4217, as the library of that name publishes it: which currencies there are, and their minor units.

Read when it is first needed: the library takes the list out of XML, and many commands read no expense.
"""

from collections.abc import Mapping
from functools import cache


@cache
def currencies() -> frozenset[str]:
    """Return the codes, in capitals."""
    from iso4217 import Currency  # noqa: PLC0415 - see above

    return frozenset(each.code for each in Currency)


@cache
def minor_units() -> Mapping[str, int]:
    """Return how many digits after the point each currency has that has minor units."""
    from iso4217 import Currency  # noqa: PLC0415 - see above

    return {each.code: each.exponent for each in Currency if each.exponent is not None}
