"""Checks a request against botocore's own description of SageMaker, as the service does; runs in the server."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

from local_cloud.sagemaker.api.errors import invalid, not_implemented


@functools.cache
def model() -> ServiceModel:
    """botocore's description of SageMaker."""
    return botocore.session.Session().get_service_model("sagemaker")


def check(operation: str, request: Mapping[str, Any]) -> None:
    """Raise a ValidationException that lists every violated constraint of the request, or NotImplemented."""
    if operation not in model().operation_names:
        raise not_implemented(operation)
    shape = model().operation_model(operation).input_shape
    if shape is None:
        return
    report = ParamValidator().validate(dict(request), shape)
    if report.has_errors():
        raise invalid(report.generate_report())
    problems = list(_violations(request, shape, path=""))
    if problems:
        plural = "s" if len(problems) > 1 else ""
        raise invalid(f"{len(problems)} validation error{plural} detected: {'; '.join(problems)}")


def described(operation: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a record that the operation's answer has."""
    shape = model().operation_model(operation).output_shape
    members = shape.members if isinstance(shape, StructureShape) else {}
    return {name: record[name] for name in members if record.get(name) is not None}


def _violations(value: Any, shape: Shape, *, path: str) -> Iterator[str]:
    """Constraints botocore's validator leaves to the service: greatest lengths and values, patterns, enumerations."""
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield from _violations(value[name], member, path=f"{path}.{_lower(name)}".lstrip("."))
    elif isinstance(shape, ListShape):
        yield from _too_long(value, shape, path=path)
        for index, each in enumerate(value, 1):
            yield from _violations(each, shape.member, path=f"{path}.{index}.member")
    elif isinstance(shape, MapShape):
        yield from _too_long(value, shape, path=path)
        for key, each in value.items():
            yield from _violations(key, shape.key, path=f"{path}.key")
            yield from _violations(each, shape.value, path=f"{path}.{key}")
    elif isinstance(shape, StringShape):
        yield from _too_long(value, shape, path=path)
        yield from _text(value, shape, path=path)
    elif shape.type_name in {"integer", "long", "float", "double"} and value > shape.metadata.get("max", value):
        yield f"Value '{value}' at '{path}' must be less than or equal to {shape.metadata['max']}"


def _too_long(value: Any, shape: Shape, *, path: str) -> Iterator[str]:
    greatest = shape.metadata.get("max")
    if greatest is not None and len(value) > greatest:
        yield (
            f"Value '{value}' at '{path}' failed to satisfy constraint: "
            f"Member must have length less than or equal to {greatest}"
        )


def _text(value: str, shape: StringShape, *, path: str) -> Iterator[str]:
    pattern = _compiled(shape.metadata.get("pattern", ""))
    if pattern is not None and not pattern.fullmatch(value):
        yield (
            f"Value '{value}' at '{path}' failed to satisfy constraint: "
            f"Member must satisfy regular expression pattern: {pattern.pattern}"
        )
    if shape.enum and value not in shape.enum:
        shown = ", ".join(shape.enum[:8]) + (", ..." if len(shape.enum) > 8 else "")
        yield f"Value '{value}' at '{path}' failed to satisfy constraint: Member must satisfy enum value set: [{shown}]"


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """The pattern, or None for the few that are written for Java only (`\\p{L}`)."""
    try:
        return re.compile(pattern) if pattern else None
    except re.error:
        return None


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]
