"""Methods by name: a method turns the images of clips into class scores. Protocols of noise, rivals and networks are
methods.

A method is registered with a function that builds it from a set-up (what it may learn from and use). What is built
takes images [N, T, 3, S, S] in [0, 1] and returns clip scores [N, C] and frame scores [N, T, C]. Only a method
registered with `uses_label=True` is ever given labels, and it is marked as a bound wherever it appears."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from ..base.registry import Registry


@dataclass(frozen=True)
class Method:
    """How a method is called and drawn, what it learned from, and how to build it.

    kind: 'protocol', 'rival', 'network', or 'mixture' (of the answers of two other methods, `parts`). section: of the
    tables in which it stands. needs: the noises or views that it is built from. colour: a name of
    `paper.style.PALETTE`; marker: Matplotlib's. labels: which labels it learned from ('none', 'training', "the clip's
    own"). uses_label: whether it is told the class of the very clip it judges. slow: whether it takes many forward
    passes a frame, so that it is run on unmasked clips only."""

    name: str
    label: str
    kind: str = "protocol"
    colour: str = "grey"
    marker: str = "."
    labels: str = "none"
    uses_label: bool = False
    slow: bool = False
    section: str = ""
    needs: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    build: Callable[..., Any] | None = None


METHODS: Registry[Method] = Registry("method")


def method(name: str, label: str, **facts: Any) -> Callable[[Callable], Callable]:
    """Registers the decorated builder; the facts are the fields of Method."""

    def add(build: Callable) -> Callable:
        METHODS[name] = Method(name, label, build=build, **facts)
        return build

    return add


def registered_name(name: str) -> str | None:
    """The name under which a method is registered: its own, or 'shortlist' for 'shortlist-5'; None if unknown."""
    stem, _, number = name.rpartition("-")
    return name if name in METHODS else stem if number.isdecimal() and stem in METHODS else None


def find_method(name: str) -> Method:
    """The method of that name; 'shortlist-5' is 'shortlist' with another number. An unknown one is drawn in grey, and
    it is not known which labels it used."""
    known = registered_name(name)
    if known is None:
        return Method(name, name, kind="unknown", labels="not known")
    return replace(METHODS[known], name=name, label=METHODS[known].label + name.removeprefix(known))


def in_order(names: Iterable[str]) -> list[str]:
    """Method names in the order of their registration; 'shortlist-5' where 'shortlist' is, unknown ones at the end."""
    known = list(METHODS)

    def rank(name: str) -> tuple[int, str]:
        own = registered_name(name)
        return len(known) if own is None else known.index(own), name

    return sorted(set(names), key=rank)
