"""Which remedies fit what was found. Pure but for the facts that the remedies ask for."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from checks.graph import Catalog
from checks.model import FailedPull, Finding, NotApplicable, Status, Unavailable, causes
from checks.resolve import Memo, Resolver
from handlers.decision import Offer
from handlers.remedy import Advice, ByHand, Plan, Refused, Remedy

log = logging.getLogger(__name__)


async def offers_for(
    pulls: Iterable[FailedPull],
    findings: Iterable[Finding],
    *,
    catalog: Catalog,
    remedies: Iterable[Remedy],
    roots: Mapping[Any, object],
    memo: Memo,
    enabled: frozenset[str] = frozenset(),
    advice: Iterable[Advice] = (),
) -> tuple[Offer, ...]:
    """The offers for everything that fails, root cause first; a plan that cures many pulls is offered once.

    What could not be decided gets no plan, but the remedy's own words on why, where it has some. It gets no
    advice either: people would act on it. Where nothing has a plan, somebody who may know more can be asked.
    """
    pulls, remedies, advice = tuple(pulls), tuple(remedies), tuple(advice)
    known = tuple(findings)
    offers: dict[tuple[str, str, str, ByHand | None], Offer] = {}
    for pull in pulls:
        resolver = Resolver(catalog, {**roots, FailedPull: pull}, memo)
        for finding in _worth_curing(tuple(f for f in known if f.subject.key == pull.key)):
            fails = finding.verdict.status is Status.FAIL
            answers = [
                replace(offer, cures=finding.check)
                for remedy in remedies
                if finding.check in {one.id for one in remedy.all_cures}
                for offer in await _offers(remedy, resolver, enabled)
                if offer.plan is None or fails
            ]
            for one in advice if fails else ():
                answers += await _advised(one, finding.check, resolver)
            for offer in answers:
                offers.setdefault((offer.remedy, offer.digest, offer.refused, offer.by_hand), offer)
    found = tuple(offers.values())
    if any(offer.plan for offer in found):
        return found
    asking = [one for one in remedies if one.asks]
    resolvers = (Resolver(catalog, {**roots, FailedPull: pull}, memo) for pull in pulls)
    return (*found, *await _question(resolvers, asking, enabled))


async def follow_ups(
    pulls: Iterable[FailedPull],
    *,
    catalog: Catalog,
    remedies: Iterable[Remedy],
    roots: Mapping[Any, object],
    memo: Memo,
    enabled: frozenset[str],
) -> tuple[Offer, ...]:
    """What may hurry the recovery along once the cause is cured: remedies that cure nothing themselves."""
    remedies = tuple(remedies)
    offers: dict[str, Offer] = {}
    for pull in pulls:
        resolver = Resolver(catalog, {**roots, FailedPull: pull}, memo)
        for remedy in remedies:
            if remedy.cures is None and not remedy.asks:
                for offer in await _offers(remedy, resolver, enabled):
                    if offer.plan is not None:
                        offers.setdefault(offer.digest, offer)
    return tuple(offers.values())


async def _question(
    resolvers: Iterable[Resolver], asking: list[Remedy], enabled: frozenset[str]
) -> tuple[Offer, ...]:
    """What can be asked about the first pull of which it can: the others fail for the same reason."""
    for resolver in resolvers:
        offers = [offer for remedy in asking for offer in await _offers(remedy, resolver, enabled)]
        if planned := tuple(offer for offer in offers if offer.plan is not None):
            return planned
    return ()


def _worth_curing(findings: tuple[Finding, ...]) -> list[Finding]:
    """Causes first, root first; then what fails at a later station (it is met next) or is undecided.

    A failure at an earlier station than the root cause is contradicted by the symptom itself: the pull
    got past it. It is shown, never cured.
    """
    roots = causes(findings)
    latest = roots[0].leg if roots else None
    later = [
        finding
        for finding in sorted(findings, key=lambda f: f.order)
        if not finding.is_cause
        and (
            finding.verdict.status is Status.UNKNOWN
            or (finding.verdict.status is Status.FAIL and latest is not None and finding.leg >= latest)
        )
    ]
    return [*roots, *later]


async def _offers(remedy: Remedy, resolver: Resolver, enabled: frozenset[str]) -> tuple[Offer, ...]:
    allowed = remedy.id in enabled
    try:
        plans: tuple[Plan, ...] = remedy(*await resolver.arguments(remedy.needs))
    except NotApplicable:
        return ()
    except Refused as why:
        return (Offer.of(remedy, None, refused=str(why), enabled=allowed),)
    except Unavailable as why:
        return (Offer.of(remedy, None, refused=f"could not be planned: {why}", enabled=allowed),)
    except Exception as error:
        log.exception("remedy %s crashed", remedy.id)
        why_not = f"it crashed while planning ({type(error).__name__}); the log has more"
        return (Offer.of(remedy, None, refused=why_not, enabled=allowed),)
    return tuple(Offer.of(remedy, plan, enabled=allowed and not plan.lacks) for plan in plans)


async def _advised(advice: Advice, check: str, resolver: Resolver) -> tuple[Offer, ...]:
    if check not in {one.id for one in advice.cures}:
        return ()
    try:
        said = advice(*await resolver.arguments(advice.needs))
    except NotApplicable:
        return ()
    except Unavailable as why:
        said = ByHand(f"what a person has to do could not be worked out: {why}")
    except Exception as error:
        log.exception("advice %s crashed", advice.id)
        said = ByHand(f"it crashed ({type(error).__name__}); the log has more")
    return (Offer.advised(advice, check, said),)
