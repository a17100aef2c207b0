"""What differs between environments: one frozen `Settings` each; read by every module of the CDK app."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from aws_cdk import aws_glue as glue
from aws_cdk import aws_logs as logs

from infra import offered
from infra.channels import SlackChannel, TeamsChannel, Webhook
from infra.schedules import RecipeSchedule, of_recipes
from trainyard.contract.config import Job, default_jobs
from trainyard.errors import ConfigError
from trainyard.run.gpu import FITTING, has_gpu
from trainyard.run.settings.policy import EVERYTHING, Policy
from trainyard.run.tracking import Mlflow
from trainyard.run.watch.capture import CaptureRules

PROJECT = "trainyard"
# By these entry points an installed package offers environments of its own: `prod = "acme_deploy.environments:PROD"`.
GROUP = "trainyard.environments"
# Whether a model that passes the gate waits for a person to approve it before it comes into use.
NONE, REQUIRED = "none", "required"
JOB_STAGES = frozenset(default_jobs())
JOB_FIELDS = frozenset(Job.__dataclass_fields__)
# The name stands in those of tuning jobs, which have 32 characters in all and end in a hash of at least six. It has no
# hyphen: roles, tidying and destroy know an environment's own by `trainyard-<name>-`, so dev would have those of dev-2.
NAME = re.compile(r"[a-z][a-z0-9]{0,8}")
LONGEST_SETTLING_S = 24 * 3600
# A redrive begins within 14 days of the end of an execution; that of an approval may take some more before it ends.
SHORTEST_KEEP_DAYS = 17
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
WEBHOOK = re.compile(r"https://\S+")
ACCOUNT = re.compile(r"\d{12}")
# Names of the tags that the app sets itself.
OWN_TAGS = ("project", "environment")


@dataclass(frozen=True, kw_only=True)
class DatabaseNetwork:
    """Where the ingest job reaches a source database: one subnet and one security group of an existing VPC."""

    subnet_id: str
    availability_zone: str
    security_group_id: str


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One environment. `jobs` changes machines per SageMaker stage; a recipe's run.json still has the last word, where
    `policy` lets it.

    With `gpu` there is an image that trains on machines with one, where the policy lets a run ask for them.
    Data sets and checkpoints between a run's files and its model go after `keep_intermediates_days`.
    `schedules` start recipes by the clock; `run_schedules` switches on those that recipes bring along themselves.
    A set of files is worked on when none of them is younger than `settling_seconds`. With `must_tell` it is not
    synthesized without anybody to tell (`alarm_email`, `alarm_url`, `slack`, `teams`, `webhook_url`), with `account` or
    `region` not for any other. When `monthly_budget_usd` is spent or will be, the e-mail address hears of it.
    `cost_tags` are put on everything, beside project and environment. With `approval` required, a model that passes the
    gate waits for a person to approve it before it comes into use. Endpoints keep of their requests what `capture`
    says, and nothing without it. With `mlflow` every run that was judged is logged to a server of MLflow's.
    """

    name: str
    jobs: Mapping[str, Mapping[str, str | int]] = field(default_factory=dict)
    glue_worker: glue.WorkerType = glue.WorkerType.G_1X
    glue_workers: int = 2
    use_spot: bool = False
    gpu: bool = False
    spark_threshold_gb: float = 10.0
    alarm_email: str | None = None
    alarm_url: str | None = None
    slack: SlackChannel | None = None
    teams: TeamsChannel | None = None
    webhook_url: str | None = None
    must_tell: bool = False
    account: str | None = None
    region: str | None = None
    monthly_budget_usd: float | None = None
    endpoint_alarms: bool = False
    cost_tags: Mapping[str, str] = field(default_factory=dict)
    glue_wheels: bool = True
    customer_key: bool = False
    database: DatabaseNetwork | None = None
    log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH
    run_schedules: bool = False
    schedules: tuple[RecipeSchedule, ...] = ()
    api: bool = False
    retain_data: bool = True
    settling_seconds: int = 120
    keep_intermediates_days: int = 30
    approval: str = NONE
    policy: Policy = field(default_factory=Policy)
    capture: CaptureRules | None = None
    mlflow: Mlflow | None = None

    def __post_init__(self) -> None:
        if problems := list(self._problems()):
            raise ConfigError([f"Settings of environment {self.name}: {each}" for each in problems])

    @property
    def job_prefix(self) -> str:
        """How the names of its SageMaker jobs and models begin: an account has other projects and environments."""
        return f"{self.prefix}-"

    @property
    def tells(self) -> bool:
        """Whether alarms and notifications reach anybody."""
        elsewhere = self.webhook is not None and not self.webhook.on_this_machine
        return bool(self.alarm_email or self.alarm_url or self.chat or elsewhere)

    @property
    def chat(self) -> bool:
        """Whether messages go to a chat channel."""
        return self.slack is not None or self.teams is not None

    @property
    def webhook(self) -> Webhook | None:
        """The program that messages are posted to."""
        return Webhook(url=self.webhook_url) if self.webhook_url is not None else None

    @property
    def tags(self) -> dict[str, str]:
        """What everything that is deployed is tagged with."""
        return {**self.cost_tags, "project": PROJECT, "environment": self.name}

    @property
    def schedules_enabled(self) -> bool:
        """Recipes' own read the database and start at once; until there is a way to it their runs could only fail."""
        return self.run_schedules and self.database is not None

    @property
    def prefix(self) -> str:
        """How the names of everything in this environment begin."""
        return f"{PROJECT}-{self.name}"

    def _problems(self) -> list[str]:
        problems = []
        if not NAME.fullmatch(self.name):
            problems.append(
                f"expected a name of at most nine lower case letters and digits, a letter first, found {self.name!r}."
            )
        if unknown := sorted(set(self.jobs) - JOB_STAGES):
            problems.append(f"expected job stages among {', '.join(sorted(JOB_STAGES))}, found {', '.join(unknown)}.")
        for stage, job in self.jobs.items():
            if unknown := sorted(set(job) - JOB_FIELDS):
                problems.append(f"expected {stage} to set {', '.join(sorted(JOB_FIELDS))}, found {', '.join(unknown)}.")
            elif has_gpu(str(job.get("instance_type", ""))) and not (self.gpu and stage in FITTING):
                problems.append(
                    f"expected {stage} to have a machine without a GPU, which only tune and train use, with gpu=True; "
                    f"found {job['instance_type']}."
                )
        if self.glue_workers < 2:
            problems.append(f"expected at least 2 Glue workers (a driver and an executor), found {self.glue_workers}.")
        if self.spark_threshold_gb <= 0:
            problems.append(f"expected spark_threshold_gb above 0, found {self.spark_threshold_gb}.")
        if not 0 <= self.settling_seconds <= LONGEST_SETTLING_S:
            problems.append(f"expected settling_seconds from 0 to {LONGEST_SETTLING_S}, found {self.settling_seconds}.")
        if self.keep_intermediates_days < SHORTEST_KEEP_DAYS:
            problems.append(
                f"expected keep_intermediates_days of at least {SHORTEST_KEEP_DAYS}, for a redrive reads them, "
                f"found {self.keep_intermediates_days}."
            )
        if self.approval not in (NONE, REQUIRED):
            problems.append(f"expected approval to be {NONE} or {REQUIRED}, found {self.approval!r}.")
        if self.alarm_email is not None and not EMAIL.fullmatch(self.alarm_email):
            problems.append(f"expected an e-mail address for alarms, found {self.alarm_email!r}.")
        problems += self.capture.problems() if self.capture else ()
        problems += self.mlflow.problems() if self.mlflow else ()
        return [*problems, *self._schedule_problems(), *self._account_problems()]

    def _schedule_problems(self) -> Iterator[str]:
        for each in self.schedules:
            yield from each.problems()
        for each in (*of_recipes(enabled=False), *self.schedules):
            if each.schedule.task == "check_drift" and self.capture is None:
                yield f"expected capture, which keeps requests, beside schedule {each.name}, which checks them."
        counted = Counter(each.name for each in (*of_recipes(enabled=False), *self.schedules))
        if taken := sorted(name for name, times in counted.items() if times > 1):
            yield f"expected schedules of different names, found {', '.join(taken)} more than once."

    def _account_problems(self) -> list[str]:
        problems = []
        if self.alarm_url is not None and not WEBHOOK.fullmatch(self.alarm_url):
            problems.append(f"expected alarm_url to begin with https://, found {self.alarm_url!r}.")
        problems += [
            each for channel in (self.slack, self.teams, self.webhook) if channel for each in channel.problems()
        ]
        if self.account is not None and not ACCOUNT.fullmatch(self.account):
            problems.append(f"expected account to have twelve digits, found {self.account!r}.")
        if self.monthly_budget_usd is not None and self.monthly_budget_usd <= 0:
            problems.append(f"expected monthly_budget_usd above 0, found {self.monthly_budget_usd}.")
        if self.monthly_budget_usd is not None and self.alarm_email is None:
            problems.append("expected alarm_email beside monthly_budget_usd, for a budget writes to an e-mail address.")
        if taken := sorted(set(self.cost_tags) & set(OWN_TAGS)):
            problems.append(f"expected cost_tags of other names, found {', '.join(taken)}, which the app sets itself.")
        return problems


# Nothing that is tried out may cost much, but whoever tries it out may change anything.
TRYING_OUT = Policy(upload=dataclasses.replace(Policy().upload, settings=(EVERYTHING,), reserved=()))

ENVIRONMENTS = {
    each.name: each
    for each in (
        Settings(name="dev", log_retention=logs.RetentionDays.TWO_WEEKS, retain_data=False, policy=TRYING_OUT),
        Settings(
            name="prod",
            jobs={
                "process": {"instance_type": "ml.m5.2xlarge"},
                "tune": {"instance_type": "ml.m5.2xlarge"},
                "train": {"instance_type": "ml.m5.2xlarge"},
            },
            glue_workers=4,
            use_spot=True,
            customer_key=True,
            run_schedules=True,
            approval=REQUIRED,
            must_tell=True,
            endpoint_alarms=True,
            log_retention=logs.RetentionDays.SIX_MONTHS,
        ),
    )
}


def settings(name: str) -> Settings:
    """The settings of an environment: of an installed package that offers them by this name, else those above.

    Raises ConfigError for an environment that does not exist, and for what is offered and cannot be used.
    """
    outside = offered.names(GROUP)
    if name in outside:
        return _own(name, offered.load(GROUP, name))
    if name not in ENVIRONMENTS:
        known = ", ".join(dict.fromkeys((*ENVIRONMENTS, *outside)))
        raise ConfigError([f"Expected env to be one of {known}, found {name!r}: pass -c env=dev."])
    return ENVIRONMENTS[name]


def _own(name: str, found: object) -> Settings:
    if not isinstance(found, Settings) or found.name != name:
        told = f"those of {found.name}" if isinstance(found, Settings) else type(found).__name__
        raise ConfigError([f"Expected the entry point {name} of {GROUP} to lead to Settings of {name}, found {told}."])
    return found
