"""Facts, checks, and the catalog that wires them together by type.

A *fact* is a function that reads the world and returns one frozen value.
A *check* is a pure function from facts to a verdict.
Both ask for what they need by annotating their parameters:

    @fact()
    async def image_in_ecr(image: Image, aws: Aws) -> ImageInEcr: ...

    @check("The tag exists in the registry", leg=Leg.EXISTENCE, explains={Symptom.TAG_NOT_FOUND})
    def tag_exists(image: Image, found: ImageInEcr) -> Verdict: ...

``X | None`` means "tell me if you can": use it for garnish, never for the decision.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import types
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

from checks.model import SAYS_NOTHING, Leg, NotApplicable, Place, Symptom, Unavailable, Verdict

# Letters that stay what they are in Markdown, in a link of a chat and in a shell.
_PAGE = re.compile(r"https://[a-z0-9.-]+\.[a-z]+(?:/[A-Za-z0-9._/#-]*)?")


@dataclass(frozen=True, slots=True)
class Need:
    type: Any
    optional: bool


@dataclass(frozen=True, slots=True)
class Fact:
    """``gives`` is the type that the function returns; ``timeout`` is in seconds."""

    fn: Callable[..., Any]
    gives: Any
    needs: tuple[Need, ...]
    timeout: float

    @property
    def id(self) -> str:
        return f"{inside_package(self.fn)}.{self.fn.__name__}"

    def __call__(self, *args: Any) -> Any:
        return self.fn(*args)


@dataclass(frozen=True, slots=True)
class Check:
    fn: Callable[..., Verdict]
    title: str
    leg: Leg
    symptoms: frozenset[Symptom]
    needs: tuple[Need, ...]
    proof: bool = False
    page: str = ""
    place: Place = Place.END

    @property
    def order(self) -> tuple[int, int, str]:
        """As a pull meets what is checked."""
        return (self.leg, self.place, self.id)

    @property
    def id(self) -> str:
        """``aws/role_can_pull``: the path of its file, which is named after it."""
        return inside_package(self.fn).replace(".", "/")

    def explains(self, symptom: Symptom) -> bool:
        """Whether a failure of this check accounts for such a message."""
        return symptom in self.symptoms or symptom in SAYS_NOTHING

    def judge(self, known: Mapping[Any, object]) -> Verdict | None:
        """The verdict on facts that are at hand, by type; ``None`` where one is lacking, or it has none."""
        arguments = [known.get(need.type) for need in self.needs]
        if any(
            value is None and not need.optional for value, need in zip(arguments, self.needs, strict=True)
        ):
            return None
        try:
            return self(*arguments)
        except (NotApplicable, Unavailable):
            return None

    def __call__(self, *args: Any) -> Verdict:
        return self.fn(*args)


def fact(*, timeout: float = 20.0) -> Callable[[Callable[..., Any]], Fact]:
    """Mark a function as a fact. It stays callable, so a test simply calls it."""
    return lambda fn: Fact(fn, get_type_hints(fn)["return"], needs_of(fn), timeout)


def check(
    title: str,
    *,
    leg: Leg,
    explains: AbstractSet[Symptom],
    place: Place = Place.END,
    proof: bool = False,
    page: str = "",
) -> Callable[[Callable[..., Verdict]], Check]:
    """Mark a pure function as a check.

    ``title`` is what people read in chat; ``explains`` lists the symptoms that its failure accounts for.
    ``place``: where on its leg packets meet it. ``proof``: that it passes means that the image was really
    pulled after a fix. ``page``: where the vendor writes of what is checked.

    :raises ValueError: ``page`` is no plain https address.
    """
    if page and not _PAGE.fullmatch(page):
        raise ValueError(f"a page is a plain https address, and {page!r} is not")
    return lambda fn: Check(fn, title, leg, frozenset(explains), needs_of(fn), proof, page, place)


def needs_of(fn: Callable[..., Any]) -> tuple[Need, ...]:
    """What a fact, check, remedy or step asks for, in the order of its parameters."""
    hints = get_type_hints(fn)
    return tuple(_need(hints[name]) for name in inspect.signature(fn).parameters)


def _need(hint: Any) -> Need:
    if get_origin(hint) in (Union, types.UnionType):
        [inner] = [arg for arg in get_args(hint) if arg is not type(None)]
        return Need(inner, optional=True)
    return Need(hint, optional=False)


def inside_package(fn: Callable[..., Any]) -> str:
    """``aws.role_can_pull`` for a function of the module ``checks.aws.role_can_pull``."""
    return fn.__module__.partition(".")[2]


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything the bot knows how to learn and how to judge."""

    facts: Mapping[Any, tuple[Fact, ...]]
    checks: tuple[Check, ...]

    @classmethod
    def of(cls, facts: Iterable[Fact], checks: Iterable[Check]) -> Catalog:
        by_type: dict[Any, list[Fact]] = defaultdict(list)
        for one in sorted(facts, key=lambda fact: fact.id):
            by_type[one.gives].append(one)
        catalog = cls(
            {gives: tuple(group) for gives, group in by_type.items()},
            tuple(sorted(checks, key=lambda check: check.id)),
        )
        catalog._refuse_circles()
        return catalog

    @classmethod
    def load(cls, package: str = "checks") -> Catalog:
        """Import every module under ``package``; an import error stops the bot."""
        found = list(members(package))
        return cls.of(
            {one for one in found if isinstance(one, Fact)},
            {one for one in found if isinstance(one, Check)},
        )

    def unmet(self, roots: Iterable[Any]) -> list[str]:
        """Needs that nobody gives. A test asserts this is empty."""
        known = {*roots, *self.facts}
        askers: list[Fact | Check] = [*self.checks]
        askers += [one for group in self.facts.values() for one in group]
        return [
            f"{asker.id} needs {need.type.__name__}"
            for asker in askers
            for need in asker.needs
            if need.type not in known
        ]

    def _refuse_circles(self) -> None:
        """Facts that wait for each other would wait for ever, so they are refused at start."""
        done: set[Any] = set()

        def visit(wanted: Any, path: tuple[Any, ...]) -> None:
            if wanted in path:
                names = " > ".join(getattr(one, "__name__", str(one)) for one in (*path, wanted))
                raise ValueError(f"facts go round in a circle: {names}")
            if wanted in done:
                return
            for one in self.facts.get(wanted, ()):
                for need in one.needs:
                    visit(need.type, (*path, wanted))
            done.add(wanted)

        for wanted in self.facts:
            visit(wanted, ())


def members(package: str) -> Iterator[object]:
    """Every top-level object of every module under ``package``."""
    root = importlib.import_module(package)
    yield from vars(root).values()
    for info in pkgutil.walk_packages(root.__path__, f"{package}."):
        yield from vars(importlib.import_module(info.name)).values()
