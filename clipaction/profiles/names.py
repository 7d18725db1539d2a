"""Names in profiles, checked against what is registered, so that those added by a notebook or an extension are known,
too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator

from ..base.errors import UserError
from ..base.paths import check_name, path_of


def registered(find: Callable[[str], object]) -> Callable[[str], str]:
    """A validator of names: `find` raises UserError for an unknown one."""

    def check(name: str) -> str:
        try:
            find(name)
        except UserError as error:
            raise ValueError(str(error)) from None
        return name

    return check


def find_shape(name: str) -> object:
    from ..masking.shapes import SHAPES

    return SHAPES[name]


def find_condition(name: str) -> object:
    from ..masking.conditions import check

    return check(name)


def find_source(name: str) -> object:
    from ..masking.regions import SOURCES

    return SOURCES[name]


def find_dataset(name: str) -> object:
    from ..data.dataset import find_dataset

    return find_dataset(name)


def find_noise(name: str) -> object:
    from ..noise.learning import RECIPES

    if RECIPES[name].real:
        raise UserError(f'the noise "{name}" has the eps of "{name.removesuffix("-real")}"; name that one')
    return RECIPES[name]


def find_network(name: str) -> object:
    from ..rivals.networks import network_names

    if name not in network_names():
        raise UserError(f"there is no network {name}; there are {', '.join(network_names())}")
    return name


Condition = Annotated[str, AfterValidator(registered(find_condition))]
Shape = Annotated[str, AfterValidator(registered(find_shape))]
Source = Annotated[str, AfterValidator(registered(find_source))]
Noise = Annotated[str, AfterValidator(registered(find_noise))]
Network = Annotated[str, AfterValidator(registered(find_network))]
Name = Annotated[str, AfterValidator(registered(check_name))]
File = Annotated[str, AfterValidator(registered(path_of))]
Kind = Annotated[str, AfterValidator(registered(find_dataset))]
