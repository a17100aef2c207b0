"""Every attribute of MiniStack that the local cloud relies on, checked when the server starts."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect

from trainyard.errors import TrainyardError

VERSION = "1.5.33"

# Module -> attribute -> names of its parameters (None: not a function).
SEAMS: dict[str, dict[str, tuple[str, ...] | None]] = {
    "ministack.app": {
        "_get_module": ("name",),
        "_load_persisted_state": (),
        "_state_map": None,
        "save_all": ("services",),
        "app": ("scope", "receive", "send"),
        "AUTH": None,
        "SERVICE_HANDLERS": None,
        "_build_persistence_save_dict": (),
        "call_service_handler_sync": (
            "handler", "method", "path", "headers", "body", "query_params", "timeout",
        ),
    },
    "ministack.core.lambda_runtime": {
        "_PYTHON_WORKER_SCRIPT": None,
        "Worker": None,
        "execution_credentials": ("config",),
    },
    "ministack.services.lambda_svc": {
        "_BLOB_REF_KEY": None,
        "_write_code_blob": ("code_zip",),
        "get_state": (),
        "_execute_function_warm": ("func", "event", "request_id"),
        "execution_credentials": ("config",),
        "_execute_function_dispatch": ("func", "config", "event", "request_id", "started"),
        "_execute_function_with_config_scope": ("func", "event"),
        "_execution_record_for_config": ("func", "config"),
        "_get_func_record_for_ref": ("function_ref",),
        "_event_invoke_config": ("func", "qualifier"),
        "invoke_async_with_retry": ("func", "event"),
    },
    "ministack.core.persistence": {
        "_json_default": ("obj",),
        "_state_format_version": ("service",),
        "_json_object_hook": ("obj",),
        "load_state": ("service",),
    },
    "ministack.core.responses": {
        "AccountRegionScopedDict": None,
        "AccountScopedDict": None,
        "now_iso": (),
        "new_uuid": (),
        "get_account_id": (),
        "get_region": (),
        "request_scope": ("account_id", "region"),
        "json_response": ("data", "status", "content_type",),
        "error_response_json": ("code", "message", "status", "extra", "message_key", "content_type",),
    },
    "ministack.core.router": {"SERVICE_PATTERNS": None, "extract_access_key_id": ("headers", "query_params")},
    "ministack.core.iam_actions": {
        "_BOTOCORE_SERVICE_MAP": None,
        "SERVICE_TO_IAM_NAMESPACE": None,
        "extract_iam_action": ("service", "method", "path", "headers", "body", "query_params"),
        "extract_resource_arn": (
            "service", "method", "path", "headers", "body", "query_params", "region", "account_id",
        ),
        "_safe_json_field": ("body", "field"),
        "request_tag_context": ("service", "iam_action", "body", "params"),
    },
    "ministack.core.iam_evaluator": {
        "enforce": ("access_key_id", "iam_action", "service", "region", "resource_arn", "service_context"),
        "evaluate": ("ctx", "policies", "limits"),
        "evaluate_resource_policy": ("doc", "ctx", "service", "named_only", "direct_only"),
        "combine_resource_policy": ("identity", "ctx", "policy", "owner_account", "required", "limits"),
        "_resource_policy": ("service", "resource_arn"),
        "_gather_role_policies": ("role_name", "account_id"),
        "_permissions_boundary": ("store", "name", "account_id"),
        "_POLICY_REQUIRED": None,
        "EvalContext": None,
        "AuthError": None,
        "_anonymous": None,
        "_served_unsigned": ("service", "iam_action"),
        "is_root_access_key": ("access_key_id",),
    },
    "ministack.services.iam": {"_roles": None},
    "ministack.services.sts": {
        "_sessions": None,
        "is_root_access_key": ("access_key_id",),
        "register_session": ("access_key", "session"),
    },
    "ministack.services.eventbridge": {
        "_put_events": ("data", "allow_aws_source"),
        "_invoke_target": ("target", "event", "rule", "view"),
        "_events_log_list": (),
        "_dispatch_to_lambda": ("arn", "payload"),
        "_dispatch_to_stepfunctions": ("arn", "payload"),
        "_dispatch_to_sns": ("arn", "payload"),
        "_dispatch_to_sqs": ("spec", "payload", "sqs_parameters"),
        "start_scheduler": (),
        "_rule_last_fired": None,
        "_rules": None,
    },
    "ministack.services.scheduler": {"_schedule_last_fired": None, "_schedules": None},
    "ministack.services.s3": {
        "_put_object": ("bucket_name", "key", "body", "headers"),
        "_atomic_write": ("fpath", "data", "text"),
        "_persist_object": ("bucket", "key", "obj"),
        "_persist_delete_marker": ("bucket_name", "key", "marker"),
        "_persist_displaced_version": ("bucket_name", "key", "prior_obj", "versioning"),
        "_bucket_notifications": None,
        "_next_event_sequencer": ("event_name",),
        "_fire_s3_event": (
            "bucket_name", "key", "event_name", "size", "etag", "deletion_type", "restore_event_data", "version_id",
            "sequencer", "object_extra", "record_extra",
        ),
        "_fire_s3_event_async": (
            "bucket_name", "key", "event_name", "size", "etag", "deletion_type", "version_id", "object_extra",
            "record_extra",
        ),
    },
    "ministack.services.sns": {
        "_threading": None,
        "_deliver_to_lambda": (
            "endpoint", "envelope", "topic_arn", "sub_arn", "msg_id", "raw_message", "message_attributes",
        ),
        "publish_internal": (
            "topic_arn", "message", "subject", "message_structure", "message_attributes", "message_group_id",
            "message_deduplication_id",
        ),
        "SnsPublishError": None,
    },
    "ministack.services.sqs": {
        "_act_send_message": ("data", "qurl"),
        "_queue_by_arn": ("arn",),
        "_queue_url_for_account": ("account_id", "name"),
        "queue_policy_allows": ("queue_arn", "service", "source_arn", "source_account"),
    },
    "ministack.core.arn": {"parse_arn": ("value",)},
    "ministack.services.cloudwatch": {
        "handle_request": ("method", "path", "headers", "body", "query_params"),
        "_alarms": None,
        "_metrics": None,
        "_calc_stats": ("points",),
        "_dims_key": ("dims",),
        "_dispatch_alarm_actions": ("alarm", "old_state", "new_state", "reason"),
        "_evaluate_alarm": ("alarm",),
        "_evaluate_all_alarms": (),
        "_evaluate_parent_alarms": ("child", "seen"),
        "_metric_bucket": ("key",),
        "_record_history": ("alarm_name", "old_state", "new_state", "reason", "alarm_type", "reason_data"),
        "_stat_value": ("stats", "stat_name", "points"),
    },
    "ministack.services.cloudwatch_logs": {
        "_log_records": None,
        "_restore_state": ("data",),
        "load_persisted_state": ("data",),
        "_append_log_events": ("stream", "events"),
        "_describe_log_groups": ("data",),
        "_describe_log_streams": ("data",),
        "_log_groups": None,
        "_create_log_stream": ("data",),
        "_put_log_events": ("data",),
    },
    "ministack.services.ecr": {
        "_describe_images": ("data",),
        "_find_image": ("repo_name", "image_id"),
        "_repositories": None,
    },
    "ministack.services.athena": {
        "_create_table_input": ("ddl",),
        "_create_workgroup": ("data",),
        "_CreateTable": None,
        "_Cursor": None,
        "_datum_text": ("value",),
        "_empty_relation": ("table_data",),
        "_ensure_default_workgroup": (),
        "_execute_query": ("query_id", "query", "database", "ddl", "catalog"),
        "_executions": None,
        "_rewrite_data_paths": ("query", "database", "catalog"),
        "_run_ddl": ("ddl", "database"),
        "_run_duckdb": ("query", "database", "catalog"),
        "_start_query_execution": ("data",),
        "_STORED_AS": None,
        "_table_references": ("query",),
        "_table_relation": ("table_data", "files"),
        "_workgroups": None,
    },
    "ministack.services.glue": {
        "_create_table": ("data",),
        "_partitions": None,
        "_tables": None,
        "_jobs": None,
        "_create_job": ("data",),
        "_update_job": ("data",),
        "_start_job_run": ("data",),
        "_get_job_run": ("data",),
        "_get_job_runs": ("data",),
        "_batch_stop_job_run": ("data",),
    },
    "ministack.services.cloudformation.provisioners": {
        "_RESOURCE_HANDLERS": None,
        "_STACK_TAG_PROPERTY": None,
        "_GLUE_JOB_DEFAULTS": None,
    },
    "ministack.services.stepfunctions": {
        "handle_request": ("method", "path", "headers", "body", "query_params"),
        "load_persisted_state": ("data",),
        "_restore_state": ("data",),
        "_finalize_response": ("response",),
        "_state_machines": None,
        "_executions": None,
        "_AWS_SDK_SERVICE_MAP": None,
        "_AWS_SDK_ERROR_PREFIX": None,
        "_AWS_SDK_ERROR_CODE_OVERRIDES": None,
        "_SFN_WAIT_SCALE": None,
        "_SERVICE_DISPATCH": None,
        "_ExecutionError": None,
        "_start_execution": ("data",),
        "_stop_execution": ("data",),
        "_describe_execution": ("data",),
        "_describe_state_machine": ("data",),
        "_describe_state_machine_for_execution": ("data",),
        "_list_executions": ("data",),
        "_delete_state_machine": ("data",),
        "_state_machine_versions": None,
        "_state_machine_aliases": None,
        "_execution_version_arn": ("arn",),
        "_resolve_state_machine_arn": ("arn",),
        "_publish_state_machine_version": ("data",),
        "_delete_state_machine_version": ("data",),
        "_create_state_machine_alias": ("data",),
        "_update_state_machine_alias": ("data",),
        "_delete_state_machine_alias": ("data",),
        "_run_execution": ("exec_arn",),
        "_run_sub_machine": ("states", "start_at", "input_data", "execution", "ctx"),
        "_run_map_items": ("state_def", "raw_input", "execution", "ctx"),
        "_run_parallel_branches": ("state_def", "raw_input", "execution", "ctx"),
        "_emit_execution_status_event": ("execution",),
        "_execute_pass": ("state_def", "raw_input", "ctx"),
        "_execute_wait": ("state_def", "raw_input", "ctx"),
        "_execute_choice": ("state_def", "raw_input", "ctx"),
        "_evaluate_jsonata_choice_rule": ("rule", "raw_input", "ctx"),
        "_fail_state_error": ("state_def", "raw_input", "ctx"),
        "_invoke_resource": ("resource", "input_data"),
        "_invoke_with_callback": ("resource", "input_data", "token", "state_def"),
        "_invoke_nested_start_execution": ("resource", "input_data"),
        "_invoke_nested_start_execution_sync": ("resource", "input_data"),
        "_nested_start_execution_request": ("input_data",),
        "_scaled_sleep": ("seconds",),
        "_apply_state_assign": ("state_def", "raw_input", "ctx", "result", "error_output"),
        "_apply_jsonata_arguments": ("state_def", "raw_input", "ctx"),
        "_apply_jsonata_output": ("state_def", "raw_input", "ctx", "result", "error_output", "default"),
        "_apply_jsonata_template": ("value", "raw_input", "ctx", "result", "error_output"),
        "_jsonata_state_field": ("state_def", "field", "expected", "raw_input", "ctx"),
        "_apply_input_path": ("state_def", "data", "ctx"),
        "_apply_output_path": ("state_def", "data", "ctx"),
        "_apply_parameters": ("state_def", "data", "ctx"),
        "_apply_result_selector": ("state_def", "data"),
        "_apply_result_path": ("state_def", "original", "result"),
        "_apply_catcher": ("catcher", "raw_input", "ctx", "query_language", "error_output"),
        "_error_matches": ("error_equals", "error"),
        "_next_or_end": ("state_def",),
        "_resolve_path_or_ctx": ("path", "data", "ctx"),
        "_sdk_json_params": ("service_info", "service_key", "action", "input_data"),
        "_state_query_language": ("state_def", "ctx"),
    },
    "ministack.services.dynamodb": {
        "_INDEX_MEMBERS": None,
        "_tables": None,
        "_set_item": ("table", "pk_val", "sk_val", "item"),
        "_remove_item": ("table", "pk_val", "sk_val"),
        "_items_replaced": ("table",),
        "get_state": (),
    },
}  # fmt: skip


class SeamMoved(TrainyardError):
    """MiniStack is not the version, or not of the shape, that the local cloud was built on."""


def check() -> None:
    """Raise SeamMoved when the installed MiniStack is another version or lacks something we rely on."""
    installed = importlib.metadata.version("ministack")
    if installed != VERSION:
        raise SeamMoved(
            f"The local cloud is built on ministack {VERSION}, but {installed} is installed: "
            f"install the locked version, or check every seam in {__name__} against the new one."
        )
    _check_worker_script()
    for module_name, attributes in SEAMS.items():
        module = importlib.import_module(module_name)
        for name, parameters in attributes.items():
            _check_attribute(module, name, path=f"{module_name}.{name}", parameters=parameters)


def _check_worker_script() -> None:
    from ministack.core import lambda_runtime

    from local_cloud.lambda_errors import REPORT

    if REPORT not in lambda_runtime._PYTHON_WORKER_SCRIPT:
        raise SeamMoved("MiniStack's Lambda worker reports exceptions in another way than local_cloud.lambda_errors.")


def _check_attribute(module: object, name: str, *, path: str, parameters: tuple[str, ...] | None) -> None:
    if not hasattr(module, name):
        raise SeamMoved(f"MiniStack has no {path} any more: the local cloud needs it (see {__name__}).")
    if parameters is None:
        return
    found = tuple(inspect.signature(getattr(module, name)).parameters)
    if found != parameters:
        raise SeamMoved(f"MiniStack's {path} takes {found} where the local cloud expects {parameters}.")
