"""ISO 4217, as the library of that name publishes it: which currencies there are, and their minor units.

Read when it is first needed: the library takes the list out of XML, and many commands read no expense. It has
today's list only; what was money once stands here.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

_WITHDRAWN: Final = """
    ADP 1936-01-01 2001-12-31  AFA 1927-03-14 2002-12-31  ANG 1940-05-10 2025-06-30  AOK 1977-01-08 1991-03-01
    AON 1990-09-25 2000-02-01  AOR 1995-07-01 2000-02-01  ARA 1985-06-14 1992-01-01  ARL 1970-01-01 1983-06-01
    ARP 1983-06-01 1985-06-14  ATS 1947-12-04 2002-02-28  AZM 1993-11-22 2006-12-31  BAD 1992-07-01 1994-08-15
    BAN 1994-08-15 1997-07-01  BEF 1900-01-01 2002-02-28  BGL 1962-01-01 1999-07-05  BGN 1999-07-05 2026-01-31
    BOP 1963-01-01 1986-12-31  BRB 1967-02-13 1986-02-28  BRC 1986-02-28 1989-01-15  BRE 1990-03-16 1993-08-01
    BRN 1989-01-15 1990-03-16  BRR 1993-08-01 1994-07-01  BUK 1952-07-01 1989-06-18  BYB 1994-08-01 2000-12-31
    BYR 2000-01-01 2017-01-01  CSD 2002-05-15 2006-10-25  CSK 1953-06-01 1993-03-01  CUC 1994-01-01 2021-06-30
    CYP 1914-09-10 2008-01-31  DDM 1948-07-20 1990-10-02  DEM 1948-06-20 2002-05-15  ECS 1900-01-01 2000-10-02
    EEK 1992-06-21 2011-01-14  ESP 1900-01-01 2002-02-28  FIM 1963-01-01 2002-02-28  FRF 1959-01-01 2002-02-17
    GEK 1993-04-05 1995-09-25  GHC 1979-03-09 2007-12-31  GNS 1972-10-02 1986-01-06  GQE 1975-07-07 1986-06-01
    GRD 1954-05-01 2002-02-28  GWP 1976-02-28 1997-03-31  HRD 1991-12-23 1995-01-01  HRK 1994-05-30 2023-01-14
    IEP 1922-01-01 2002-02-09  ILP 1948-08-16 1980-02-22  ILR 1980-02-22 1985-09-04  ISJ 1918-12-01 1981-01-01
    ITL 1900-01-01 2002-02-28  LTL 1993-06-25 2015-01-15  LTT 1992-10-01 1993-06-25  LUF 1944-09-04 2002-02-28
    LVL 1993-06-28 2014-01-14  LVR 1992-05-07 1993-10-17  MCF 1960-01-01 2002-02-17  MDC 1992-06-01 1993-11-29
    MGF 1963-07-01 2004-12-31  MKN 1992-04-26 1993-05-20  MLF 1962-07-02 1984-08-31  MRO 1973-06-29 2018-06-30
    MTL 1968-06-07 2008-01-31  MVP 1947-01-01 1981-07-01  MXP 1900-01-01 1992-12-31  MZE 1975-06-25 1980-06-16
    MZM 1980-06-16 2006-12-31  NIC 1988-02-15 1991-04-30  NLG 1900-01-01 2002-02-28  PEI 1985-02-01 1991-07-01
    PES 1900-01-01 1985-02-01  PLZ 1950-10-28 1994-12-31  PTE 1911-05-22 2002-02-28  RHD 1970-02-17 1980-04-18
    ROL 1952-01-28 2006-12-31  RUR 1991-12-25 1998-12-31  SDD 1992-06-08 2007-06-30  SDP 1957-04-08 1998-06-01
    SIT 1992-10-07 2007-01-14  SKK 1992-12-31 2009-01-16  SLL 1964-08-04 2023-12-31  SRG 1940-05-10 2003-12-31
    STD 1977-09-08 2017-12-31  SUR 1961-01-01 1992-10-01  TJR 1995-05-10 2000-10-25  TMM 1993-11-01 2009-01-01
    TPE 1959-01-02 2002-05-20  TRL 1922-11-01 2005-12-31  UAK 1992-11-13 1993-10-17  UGS 1966-08-15 1987-05-15
    UYP 1975-07-01 1993-03-01  VEB 1900-01-01 2008-06-30  VEF 2008-01-01 2018-08-20  VNN 1978-05-03 1985-09-14
    YDD 1965-04-01 1996-01-01  YUD 1966-01-01 1990-01-01  YUM 1994-01-24 2002-05-15  YUN 1990-01-01 1992-07-24
    YUR 1992-07-01 1993-10-01  ZMK 1968-01-16 2013-06-30  ZRN 1993-11-01 1998-07-31  ZRZ 1971-10-27 1993-11-01
    ZWD 1980-04-18 2008-08-01  ZWL 2009-02-02 2024-08-31  ZWN 2006-08-01 2008-08-01
    ZWR 2008-08-01 2009-02-02
"""
"""Code, first and last day as legal tender of those that ended since 1980 (1900-01-01: that day or before).

By the currency data of the Unicode CLDR, version 48 (`supplementalData.xml`), all territories together. Where the old
money still paid for a while beside the new (EEK, LVL, LTL, SKK, ZMK, CUC), to the end of that; ZWN is in list three
of ISO 4217.
"""
_PARTS: Final = _WITHDRAWN.split()
WITHDRAWN: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {code: (first, last) for code, first, last in zip(_PARTS[::3], _PARTS[1::3], _PARTS[2::3], strict=True)}
)
"""The first and the last day of each currency that is money no more, in ISO 8601."""
_BEFORE: Final = "1900-01-01"
_WITHOUT_CENTS: Final = ("ADP", "BEF", "BYB", "BYR", "ESP", "GRD", "ITL", "LUF", "MGF", "PTE", "TPE", "TRL")
NO_MONEY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "XXX": "says that there is no currency",
        "XTS": "is for tests",
        **dict.fromkeys(("XAU", "XAG", "XPT", "XPD"), "is a metal"),
        **dict.fromkeys(("XBA", "XBB", "XBC", "XBD"), "is a unit of the bond market"),
    }
)
"""Why nothing is bought with each of these codes of the standard."""


@cache
def currencies() -> frozenset[str]:
    """Return the codes of the standard as it is today, in capitals."""
    from iso4217 import Currency  # noqa: PLC0415 - see above

    return frozenset(each.code for each in Currency)


@cache
def spendable() -> frozenset[str]:
    """Return the codes of what is or was money."""
    return (currencies() | WITHDRAWN.keys()) - NO_MONEY.keys()


def was_money(code: str, day: str) -> bool:
    """Say whether a code that is spendable at all was so on a day (in ISO 8601)."""
    first, last = WITHDRAWN.get(code, (day, day))
    return first <= day <= last


def days_of(code: str) -> str:
    """Say when a withdrawn currency was money."""
    first, last = WITHDRAWN[code]
    return f"until {last}" if first == _BEFORE else f"from {first} to {last}"


def why_no_money(code: str) -> str:
    """Return what a code of the standard is that is no money, as an addition to what is expected; blank for others."""
    why = NO_MONEY.get(code.upper())
    return "" if why is None else f"; {code.upper()} {why}"


@cache
def minor_units() -> Mapping[str, int]:
    """Return how many digits after the point each currency has that has minor units."""
    from iso4217 import Currency  # noqa: PLC0415 - see above

    return (
        dict.fromkeys(WITHDRAWN, 2)
        | dict.fromkeys(_WITHOUT_CENTS, 0)
        | {each.code: each.exponent for each in Currency if each.exponent is not None}
    )
