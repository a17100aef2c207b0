"""Where commands are sent: real AWS or a local cloud, as one object that makes boto3 clients; runs on a laptop."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trainyard.errors import NotFound

# boto3 takes .3 s to load: it is imported by what needs it, for commands that talk to no cloud import this module too.
if TYPE_CHECKING:
    import boto3


@dataclass(frozen=True, kw_only=True)
class Target:
    """A cloud to talk to. `local` clouds answer at once, so they are asked more often.

    `through` is where the shell sends the calls to AWS, when that is not AWS's own address.
    """

    session: boto3.Session
    local: bool = False
    endpoint: str | None = None
    through: str | None = None
    ca_bundle: str | None = None
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)
    # Clients may be used by several threads, and made by one at a time.
    _making: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The target in a reader's words."""
        if self.local:
            return f"local cloud at {self.endpoint}"
        where = f"AWS, region {self.region}"
        return f"{where}, through {self.through}" if self.through else where

    @property
    def region(self) -> str:
        """The region commands go to; raises NotFound when none is set."""
        if self.session.region_name:
            return str(self.session.region_name)
        raise NotFound("Expected a region, found none; set AWS_REGION or `region` in the AWS profile.")

    @property
    def poll_seconds(self) -> float:
        """How long to wait before asking again: real AWS throttles."""
        return 0.5 if self.local else 3.0

    def client(self, service: str) -> Any:
        """The boto3 client of a service, made once."""
        from botocore.config import Config

        with self._making:
            if service not in self._clients:
                # A name that is only known at run time fits none of the overloads of boto3's type stubs.
                make: Any = self.session.client
                self._clients[service] = make(
                    service,
                    region_name=self.region,
                    endpoint_url=self.endpoint,
                    verify=self.ca_bundle,
                    config=Config(
                        retries={"mode": "standard", "max_attempts": 6},
                        connect_timeout=10,
                        s3={"addressing_style": "path" if self.local else "auto"},
                        # A proxy of the shell is no way to this machine's own port.
                        proxies={} if self.local else None,
                    ),
                )
            return self._clients[service]


def on_aws(environment: Mapping[str, str]) -> Target:
    """The target of boto3's own chain: profile, environment, instance role; AWS_ENDPOINT_URL is honoured by boto3."""
    import boto3

    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    return Target(session=boto3.Session(region_name=region), through=environment.get("AWS_ENDPOINT_URL"))


def on_local_cloud(environment: Mapping[str, str]) -> Target:
    """The target that the variables of a running local cloud describe; nothing that is set up for AWS is read."""
    from trainyard.client.local_session import LocalSession

    return Target(
        session=LocalSession(environment),
        local=True,
        endpoint=environment["AWS_ENDPOINT_URL"],
        ca_bundle=environment.get("AWS_CA_BUNDLE"),
    )
