"""One list of dependencies, told three ways, and what an installed copy must carry."""

from __future__ import annotations

import re
import tomllib

import yaml
from packaging.requirements import Requirement

from clipaction.environment import requirements, unmet
from clipaction.paths import ROOT

LOCK = (ROOT / "requirements.lock").read_text()
LOCKED = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", LOCK, re.M))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_direct_dependency_is_bounded_and_locked_within_its_bounds():
    for requirement in map(Requirement, requirements()):
        operators = {specifier.operator for specifier in requirement.specifier}
        assert ">=" in operators and ("<" in operators or requirement.name == "setuptools"), f"{requirement} is not bounded"
        assert requirement.specifier.contains(LOCKED[canonical(requirement.name)]), f"{requirement} but the lock has another"
    assert set(map(Requirement, PROJECT["build-system"]["requires"])) <= set(map(Requirement, requirements()))


def test_every_locked_version_has_hashes_and_names_no_address():
    for entry in re.split(r"^(?=[a-z])", LOCK, flags=re.M)[1:]:
        assert "--hash=sha256:" in entry, entry.splitlines()[0]
    code = [line for line in LOCK.splitlines() if not line.startswith("#")]
    assert not [line for line in code if "://" in line or line.startswith("-") or " @ " in line]


def test_environment_yml_says_the_same():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, inner = environment["dependencies"]
    assert python.startswith("python >=3.11") and PROJECT["project"]["requires-python"] == ">=3.11"
    assert pip == "pip" and inner == {"pip": ["-r requirements.lock"]}


def test_the_running_environment_meets_the_requirements():
    assert unmet() == []


def test_an_installed_copy_carries_every_data_file_and_module():
    packages = {p.parent.relative_to(ROOT).as_posix().replace("/", ".") for p in (ROOT / "clipaction").rglob("__init__.py")}
    assert packages == set(PROJECT["tool"]["setuptools"]["packages"])
    patterns = PROJECT["tool"]["setuptools"]["package-data"]
    carried = {p for package, globs in patterns.items() for g in globs for p in (ROOT / package.replace(".", "/")).glob(g)}
    files = {p for p in (ROOT / "clipaction").rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc", ".tmp")}
    assert files <= carried, f"not in package-data: {sorted(p.name for p in files - carried)}"


def test_licence():
    assert PROJECT["project"]["license"] == "MIT" and (ROOT / "LICENSE").read_text().startswith("MIT License")
