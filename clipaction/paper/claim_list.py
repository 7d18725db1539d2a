"""claims.yaml, opened and checked: what is claimed, in words that say how to measure it."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from ..base.errors import UserError

Step = Literal["zero_shot", "instability", "masking", "noise", "calibrated", "relevance", "ward"]
Measured = Literal["accuracy", "confidence", "nll", "brier", "miscalibration", "relevance", "disagreement"]
Role = Literal["none", "square", "heldout", "hidden", "boxed", "elsewhere", "isolated"]
Scene = Literal["all", "usual", "random", "other"]
OWN_STEP = {"miscalibration": "calibrated", "relevance": "relevance", "disagreement": "instability"}
BEST_RIVAL = "best-rival"


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Other(Part):
    """What differs on the side that a claim is compared with: exactly one of the three."""

    method: str | None = Field(None, description="another method, or best-rival")
    condition: Role | None = Field(None, description="another condition, of the same clips")
    scene: Scene | None = Field(None, description="clips in another kind of scene: not paired")

    @model_validator(mode="after")
    def _one(self):
        if len(self.changed) != 1:
            raise ValueError("name exactly one of method, condition and scene")
        return self

    @property
    def changed(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


class Claim(Part):
    """One claim: a number, the side on which it is expected, and who says so."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$", description="its name in claims.csv")
    claim: str = Field(min_length=5, description="in plain words")
    said_by: Literal["paper", "us"] = Field(description="paper: the abstract says it")
    family: Literal["primary", "exploratory"] = Field(description="primary: corrected for the number of primary claims")
    side: Literal[">", "<"] = Field(description="where the number is expected, seen from `against`")
    source: str = Field(pattern=r"^(fig|tab)\d\d$", description="the figure or table that shows it")
    step: Step = Field(description="whose saved rows are used")
    measure: Measured = Field(description="what is averaged over the clips; measures.py has each")
    method: str = Field("clip", description="a method's name; headline stands for one")
    condition: Annotated[
        tuple[Role, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)
    ] = Field(
        ("none",),
        min_length=1,
        description="none: unmasked; square: step noise's masked condition; heldout: its other mask shape; "
        "hidden: actor and prop gone; boxed: hidden by boxes; elsewhere: the same boxes elsewhere; isolated: alone",
    )
    scene: Scene = Field("all", description="clips in this kind of scene")
    domain: Literal["home", "ward"] = Field("home", description="home: the domain that was trained on")
    against: Other | Literal["chance"] | float = Field(description="the other side, or a boundary")

    @model_validator(mode="after")
    def _makes_sense(self):
        fits = self.step == OWN_STEP.get(self.measure, self.step)
        if not fits or (self.step in ("relevance", "instability") and self.measure not in OWN_STEP):
            raise ValueError(f"measure {self.measure} cannot be taken from step {self.step}")
        if isinstance(self.against, Other):
            own = {"method": self.method, "condition": " ".join(self.condition), "scene": self.scene}
            ((name, value),) = self.against.changed.items()
            if own[name] == value:
                raise ValueError(f"against: {name} {value} is the claim's own")
        return self


class Question(Part):
    ask: str = Field(pattern=r"\?$")
    claim: str = Field(description="id of the claim that answers it")


class ClaimList(Part):
    """claims.yaml."""

    headline: str = Field(description="the method that stands for the paper's noise")
    rivals: tuple[str, ...] = Field(min_length=1, description="among these, best-rival is found")
    trained: tuple[Step, ...] = Field(description="steps that come after a training")
    questions: tuple[Question, ...] = Field(min_length=1)
    claims: tuple[Claim, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self):
        names = [claim.id for claim in self.claims]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"claim {min(twice)} is there twice")
        for question in self.questions:
            if question.claim not in names:
                raise ValueError(f"questions: no claim {question.claim}")
        return self

    def method(self, name: str) -> str:
        """The method that a name stands for: 'headline+probe' -> 'anchored-class+probe'."""
        return self.headline + name.removeprefix("headline") if name.startswith("headline") else name

    def asked(self) -> list[Claim]:
        """The claims, without one that compares a method with itself or repeats an earlier one: so it is when the
        headline is a method that has claims of its own."""
        found: dict[tuple, Claim] = {}
        for claim in self.claims:
            method, other = self.method(claim.method), claim.against
            if isinstance(other, Other) and other.method:
                other = Other(method=self.method(other.method))
            if isinstance(other, Other) and other.method == method:
                continue
            key = (claim.step, claim.measure, method, claim.condition, claim.scene, claim.domain, claim.side, other)
            found.setdefault(key, claim)
        return list(found.values())


def claim_list(path: str | Path | None = None) -> ClaimList:
    """The claims of a file, or the package's own. Raises UserError, naming claim and field, for what does not fit."""
    return own() if path is None else read(Path(path).read_text(), str(path))


@cache
def own() -> ClaimList:
    return read(resources.files("clipaction.paper").joinpath("claims.yaml").read_text(), "claims.yaml")


def read(text: str, name: str) -> ClaimList:
    """The claims in a YAML text; `name` is what errors call it."""
    try:
        values = yaml.safe_load(text)
        return ClaimList.model_validate(values)
    except yaml.YAMLError as error:
        raise UserError(f"{name}: not readable as YAML ({' '.join(str(error).split())}); mend the file") from None
    except ValidationError as error:
        raise UserError(f"{name}: {explain(error.errors()[0], values)}; mend the entry") from None


def explain(error: Any, values: Any) -> str:
    """'claim where: side: input should be '>' or '<' (got '=')'."""
    where, message = list(error["loc"]), error["msg"].removeprefix("Value error, ")
    parts: list[str] = []
    if where[:1] == ["claims"] and len(where) > 1:
        entry = values["claims"][where[1]]
        parts = [f"claim {entry.get('id', where[1] + 1) if isinstance(entry, dict) else where[1] + 1}"]
        where = where[2:]
    parts += [str(part) for part in where if str(part).islower()]  # names of classes in a union say nothing
    got = "" if error["type"] in ("missing", "value_error") else f" (got {error['input']!r})"
    return ": ".join([*parts, message[0].lower() + message[1:] + got])
