"""Serving: answers requests with the model in the model folder, in SageMaker, under `docker run` or on a laptop."""

from __future__ import annotations

import os

# One request is one small product of matrices: threads would cost more than they bring. Read when numpy is imported.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


def main() -> None:
    """Serve until a stop signal comes."""
    from trainyard.run import container
    from trainyard.serving.server import host_of_environment, port_of_environment, serve

    serve(container.model_dir(), host=host_of_environment(), port=port_of_environment())
