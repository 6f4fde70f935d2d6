"""What is looked at before anything is sent for a company: that it is well, and has all that its rows name.

Only reads, so all of it may be repeated. What was seen is kept in the journal with its age: a run on the next
morning mostly asks for nothing but the connection.
"""

from collections.abc import Iterable

from runner.codat.references import references_in, references_of, with_ids
from runner.domain.ids import CompanyId
from runner.domain.mapping_options import FAULT_CODES, By, Fault, MappingOptions, Reference, Resolved, Resolver
from runner.domain.preflight import IDS_LIFE, LINKED_LIFE, NAMES_LIFE, Preflight, is_fresh
from runner.errors import Refused
from runner.journal.preflight import Candidate, Rejection, Seen
from runner.steps.asking import asked, said
from runner.steps.defaults import demand_defaults
from runner.steps.holds import held_by_refusal, not_linked
from runner.steps.kit import Kit

PAGE = 500
_CODES = frozenset(FAULT_CODES.values())
_ABOUT_THE_COMPANY = frozenset({403, 404})

Meanings = dict[Reference, Resolved | Fault]


async def preflight(company: CompanyId, kit: Kit) -> None:
    """Check a company that something is to be sent for, once a run; put ids in the place of names and codes.

    Rejects expenses that name what the company does not have. Raises `CompanyHeld` where the company itself is at
    fault, `PreflightUnanswered` where Codat could not be asked. What Codat does not say is never held against
    anybody.
    """
    checks = kit.checks
    if checks.level is Preflight.OFF or company in checks.done:
        return
    work = await kit.journal.preflight.to_send(company)
    if not (work.undrafted or work.drafted):
        return
    seen = await kit.journal.preflight.seen(company)
    await _demand_connection(company, seen, kit)
    await demand_defaults(company, work, seen, kit)
    if checks.level is Preflight.ROWS and work.undrafted:
        await _check_rows(company, seen, kit)
    checks.done.add(company)


async def _demand_connection(company: CompanyId, seen: Seen, kit: Kit) -> None:
    if is_fresh(seen.linked_at, LINKED_LIFE, now=kit.clock.now()):
        return
    roster = kit.checks.roster
    if roster is None or not await roster.lists_as_linked(company):
        try:
            info = await asked(kit.codat.company(company))
        except Refused as refusal:
            if refusal.status not in _ABOUT_THE_COMPANY:
                return
            raise held_by_refusal(refusal) from refusal
        if info.linked is False:
            raise not_linked()
    await kit.journal.preflight.record_linked(company)


async def _check_rows(company: CompanyId, seen: Seen, kit: Kit) -> None:
    references, rewritten = await _references(company, kit)
    resolver = await _resolver(company, references, seen, kit)
    if resolver is None:
        return
    meanings = {each: resolver.resolve(each) for each in references}
    if rewritten or any(_changes(each, found) for each, found in meanings.items()):
        await _apply(company, meanings, resolver, kit)


def _changes(reference: Reference, found: Resolved | Fault) -> bool:
    return isinstance(found, Fault) or found.id != reference.text


async def _references(company: CompanyId, kit: Kit) -> tuple[set[Reference], bool]:
    """Return all that the company's expenses name, and whether any of them has been given ids before."""
    references: set[Reference] = set()
    rewritten = False
    after = 0
    while page := await kit.journal.preflight.page(company, after=after, limit=PAGE):
        after = page[-1].place
        rewritten = rewritten or any(each.rewritten for each in page)
        references |= references_in(each.payload for each in page)
    return references, rewritten


async def _resolver(company: CompanyId, references: Iterable[Reference], seen: Seen, kit: Kit) -> Resolver | None:
    """Return who knows what the references mean, asking Codat only where what was seen before does not do."""
    now = kit.clock.now()
    young = is_fresh(seen.options_at, NAMES_LIFE, now=now)
    if seen.options is not None and is_fresh(seen.options_at, IDS_LIFE, now=now):
        resolver = Resolver(seen.options)
        # What is not found may have been created since: nobody is rejected by an old list.
        if all(_is_settled(resolver.resolve(each), young=young) for each in references):
            return resolver
    options = None
    if seen.options is not None or not young:
        options = await _read_options(company, kit)
        await kit.journal.preflight.record_options(company, options)
    if options is None:
        _tell_unchecked(company, kit)
    return None if options is None else Resolver(options)


def _is_settled(found: Resolved | Fault, *, young: bool) -> bool:
    return isinstance(found, Resolved) and (young or found.by is By.ID)


async def _read_options(company: CompanyId, kit: Kit) -> MappingOptions | None:
    """Return what the company accepts; None where Codat does not say, which is no reason to reject anything."""
    options = await said(kit.codat.mapping_options(company))
    return None if options is None or options.say_nothing else options


def _tell_unchecked(company: CompanyId, kit: Kit) -> None:
    if not kit.checks.unchecked:
        kit.note(
            "preflight_incomplete",
            company=company,
            message="Codat does not say what this company accepts: its rows are sent without having been checked.",
        )
    kit.checks.unchecked.add(company)


async def _apply(company: CompanyId, meanings: Meanings, resolver: Resolver, kit: Kit) -> None:
    """Write down in which form each expense will be sent, and which of them will not."""
    ids = {each: found.id for each, found in meanings.items() if isinstance(found, Resolved)}
    faults = {each: found for each, found in meanings.items() if isinstance(found, Fault)}
    messages = {fault: resolver.message(fault) for fault in faults.values()}
    named = rejected = after = 0
    while page := await kit.journal.preflight.page(company, after=after, limit=PAGE):
        after = page[-1].place
        bodies: list[tuple[int, bytes]] = []
        rejections: list[Rejection] = []
        for each in page:
            wrong = [faults[one] for one in sorted(references_of(each.payload)) if one in faults]
            if wrong and _was_never_tried(each):
                rejections.append(_rejection(each, wrong, messages))
            elif not wrong and ((body := with_ids(each.payload, ids)) != each.payload or each.rewritten):
                bodies.append((each.place, body))
        if bodies or rejections:
            await kit.journal.preflight.record(company, bodies=bodies, rejections=rejections)
        named += len(bodies)
        rejected += len(rejections)
    if named:
        kit.note("references_resolved", company=company, expenses=named)
    if rejected:
        example = next(iter(messages.values()))
        kit.note("preflight_rejected", company=company, rejected=rejected, message=example)


def _was_never_tried(candidate: Candidate) -> bool:
    """Say whether the expense certainly is not in the books: only then may it be called rejected.

    One that somebody sends again because it failed or was in doubt may be there after all; Codat judges it.
    """
    return not candidate.retries or candidate.code in _CODES


def _rejection(candidate: Candidate, wrong: list[Fault], messages: dict[Fault, str]) -> Rejection:
    return Rejection(candidate.place, wrong[0].code, " ".join(messages[each] for each in wrong))
