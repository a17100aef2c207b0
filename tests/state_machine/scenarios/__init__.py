"""Ways through the machine that the tests walk; names and numbers are made up, shapes are those of AWS."""

from __future__ import annotations

from tests.state_machine.scenarios.approving import approvals, rejections
from tests.state_machine.scenarios.checking import checks
from tests.state_machine.scenarios.children import fan_outs
from tests.state_machine.scenarios.deploying import deployments, first_endpoint, roll_outs, takeovers
from tests.state_machine.scenarios.training import (
    faults,
    named,
    refusals,
    reuses,
    scorings,
    settlings,
    trainings,
    unlogged,
)
from tests.state_machine.scenarios.verifying import verifications
from tests.state_machine.scenarios.ways import Scenario


def scenarios() -> list[Scenario]:
    """All of them; the first is a plain training that an upload starts."""
    first = {"the first version of an endpoint on instances is created": first_endpoint()}
    ways = trainings() | reuses() | faults() | refusals() | named() | settlings() | fan_outs() | scorings()
    ways |= (
        unlogged()
        | checks()
        | verifications()
        | first
        | takeovers()
        | roll_outs()
        | deployments()
        | approvals()
        | rejections()
    )
    return [{"name": name, **each} for name, each in ways.items()]
