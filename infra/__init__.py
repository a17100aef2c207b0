"""What exists in the cloud: the CDK app; runs on the machine that deploys.

The CDK's libraries run in Node. The one from the wheel is chosen here, before anything imports them, because an older
Node on PATH greets every command with a page of warnings.
"""

import os

from infra.node import node_bin

os.environ.setdefault("JSII_NODE", str(node_bin() / "node"))
