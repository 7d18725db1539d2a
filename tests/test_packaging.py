"""One list of dependencies in three files, and what an installed copy must hold."""

from __future__ import annotations

import json
import re
import tomllib

import yaml
from packaging.requirements import Requirement
from setuptools import find_namespace_packages

from clipaction.base.paths import ROOT
from clipaction.run.environment import requirements, unmet

LOCK = (ROOT / "requirements.lock").read_text()
LOCKED = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", LOCK, re.M))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_direct_dependency_is_bounded_and_locked_within_its_bounds():
    for requirement in map(Requirement, requirements()):
        operators = {specifier.operator for specifier in requirement.specifier}
        assert ">=" in operators and ("<" in operators or requirement.name == "setuptools"), (
            f"{requirement} is not bounded"
        )
        assert requirement.specifier.contains(LOCKED[canonical(requirement.name)]), (
            f"{requirement} but the lock has another"
        )
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


def test_binder_and_the_container_use_the_same_lock_and_commands():
    environment = yaml.safe_load((ROOT / ".binder" / "environment.yml").read_text())
    assert environment["dependencies"][-1] == {"pip": ["-r ../requirements.lock"]}
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert (ROOT / container["postCreateCommand"].split()[0]).is_file()


def test_the_running_environment_meets_the_requirements():
    assert unmet() == []


def test_an_installed_copy_carries_every_data_file_and_module():
    found = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    folders = [ROOT / name.replace(".", "/") for name in find_namespace_packages(str(ROOT), include=found)]
    patterns = ["*.py", *PROJECT["tool"]["setuptools"]["package-data"]["*"]]
    carried = {path for folder in folders for pattern in patterns for path in folder.glob(pattern)}
    files = {path for path in (ROOT / "clipaction").rglob("[!.]*") if path.is_file() and path.suffix != ".pyc"}
    files -= {path for path in files if any(part.startswith(".") for part in path.relative_to(ROOT).parts)}
    assert files <= carried, f"not in package-data: {sorted(path.name for path in files - carried)}"
    modules = {path.parent for path in files if path.suffix == ".py"}
    assert all((folder / "__init__.py").exists() for folder in modules)


def test_licence():
    assert PROJECT["project"]["license"] == "MIT" and (ROOT / "LICENSE").read_text().startswith("MIT License")
