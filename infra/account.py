"""What an environment needs of the account it goes to: `python -m infra.account ENV` prints JSON; where one deploys.

`trainyard doctor` compares it with what there is; the shared package itself knows no infrastructure.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

from infra.settings import Settings, settings
from trainyard.contract.config import default_jobs
from trainyard.errors import ConfigError

TRAINING = ("tune", "train")


def needs(chosen: Settings) -> dict[str, Any]:
    """Where an environment belongs (None: anywhere), whom it tells, and the machines of its jobs by their quota."""
    training = _machines(chosen, TRAINING)
    return {
        "account": chosen.account,
        "region": chosen.region,
        "must_tell": chosen.must_tell,
        "tells": chosen.tells,
        "glue_workers": chosen.glue_workers,
        "processing": _machines(chosen, set(default_jobs()) - set(TRAINING)),
        "training": [] if chosen.use_spot else training,
        "spot_training": training if chosen.use_spot else [],
    }


def _machines(chosen: Settings, stages: Iterable[str]) -> list[str]:
    jobs = default_jobs()
    return sorted({str(chosen.jobs.get(each, {}).get("instance_type", jobs[each].instance_type)) for each in stages})


if __name__ == "__main__":
    try:
        sys.stdout.write(json.dumps(needs(settings(sys.argv[1]))))
    except ConfigError as error:
        sys.exit(str(error))
