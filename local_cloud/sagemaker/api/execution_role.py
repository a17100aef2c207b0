"""Clients that act as the role a request names, for jobs, models and endpoints; runs in the server."""

from __future__ import annotations

from local_cloud import roles
from local_cloud.jobs.settings import Settings
from local_cloud.jobs.transfer import RoleClients
from local_cloud.sagemaker.api.errors import invalid
from trainyard.errors import TrainyardError

SERVICE = "sagemaker.amazonaws.com"


def role_clients(role_arn: str, session: str, *, settings: Settings) -> RoleClients:
    """Clients of a role; one that does not exist or does not trust SageMaker is a ValidationException."""
    try:
        credentials = roles.session_credentials(role_arn, session[:64], service=SERVICE)
    except TrainyardError as error:
        raise invalid(f"Could not assume role {role_arn}. {error}") from error
    return RoleClients(settings, role_arn=role_arn, credentials=credentials)
