"""A file that describes a cluster, for --cluster cluster.yaml; docs/cluster.yaml is an example."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import Field, ValidationError, model_validator

from ..base.errors import UserError
from ..profiles.load import explain
from ..profiles.schema import Section


class Slurm(Section):
    jobs: int = Field(ge=1, description="how many jobs are queued; a run begins with the first and uses all that come")
    cores: int = Field(1, ge=1, description="cores a job; without a GPU, as many tasks run in it side by side")
    memory: str = Field(pattern=r"^\d+ ?[GMT]i?B$", description="memory a job, such as 32GB")
    walltime: str = Field(
        "04:00:00", pattern=r"^(\d+-)?\d+(:\d\d){0,2}$", description="time a job: hours:minutes:seconds"
    )
    gpu: bool = Field(False, description="whether a job has a GPU (--gres=gpu:1) and does one task at a time on it")
    queue: str | None = Field(None, description="Slurm's partition")
    account: str | None = Field(None, description="whom the time is charged to")
    interface: str | None = Field(None, description="network interface that all nodes share, such as ib0")
    prologue: tuple[str, ...] = Field((), description="shell lines before a worker starts, such as module load cuda")
    directives: tuple[str, ...] = Field((), description="more #SBATCH options, such as --constraint=a100")


class Ssh(Section):
    hosts: tuple[str, ...] = Field(min_length=1, description="names that ssh knows, without asking for a password")
    workers: int = Field(1, ge=1, description="workers a host: one a core, or one where a host has a GPU")


class ClusterFile(Section):
    """One of the two sections."""

    slurm: Slurm | None = Field(None, description="jobs that Slurm queues")
    ssh: Ssh | None = Field(None, description="hosts that ssh reaches")

    @model_validator(mode="after")
    def _one(self):
        if (self.slurm is None) == (self.ssh is None):
            raise ValueError("give one section, slurm or ssh")
        return self


def read_cluster_file(path: Path) -> Slurm | Ssh:
    """The validated section of the file. Raises UserError, one line, for a file that cannot be read or a value that
    does not fit."""
    try:
        values = yaml.safe_load(path.read_text())
        file = ClusterFile.model_validate({} if values is None else values)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path}: not readable as YAML ({' '.join(str(error).split())}); mend the file") from None
    except ValidationError as error:
        texts = "; ".join(explain(each, ClusterFile) for each in error.errors())
        raise UserError(f"{path}: {texts}; docs/cluster.yaml is an example") from None
    wanted = file.slurm or file.ssh
    assert wanted is not None
    return wanted
