"""What was learned of AWS and of GitHub since the first version, fact by fact: its source, and what holds it here.

G is what recordings of real accounts settled; H is news of Lambda, CloudWatch and GitHub since 2025. The numbers are
those that docstrings cite as `facts.md G7`. A fact is held by claims (see claims.py), or by tests as `file::test`.
"""

from __future__ import annotations

from dataclasses import dataclass

REC = "tests/emulator/codedeploy/test_recorded.py::test_"
NEWS = "tests/emulator/lambda_/test_news.py::test_"
RUNS = "tests/runs/test_news.py::test_"
PRUNE = "tests/runs/commands/test_prune.py::test_"
CHECKS = "tests/core/plan/preflight/test_checks.py::test_"
EDGE = "tests/edge/aws/"
GUARDS = "tests/core/guards/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """`unused` says why nothing here rests on it, where no claim and no test holds it."""

    says: str
    source: str
    claims: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    unused: str = ""


FACTS: dict[str, Fact] = {
    "G1": Fact(
        says="A Lambda target has three lifecycle events, without Start and End",
        source="recorded",
        claims=("lifecycle-events",),
        tests=(f"{REC}g1_the_lifecycle_events_are_three",),
    ),
    "G2": Fact(
        says="targetVersionWeight is a fraction; 1 is all traffic",
        source="recorded",
        claims=("weight", "one-percent", "weight-at-the-end"),
        tests=(f"{REC}g2_a_weight_is_a_fraction_of_one",),
    ),
    "G3": Fact(
        says="The event of a hook that the AppSpec does not name ends Succeeded",
        source="recorded",
        claims=("undeclared-hooks",),
        tests=(f"{REC}g3_the_events_of_hooks_that_nobody_declared_succeed_in_a_moment",),
    ),
    "G4": Fact(
        says="A rollback lists three events, all Succeeded, and runs no hook",
        source="recorded",
        claims=("rollback-events", "rollback-runs-no-hook"),
        tests=(f"{REC}g4_g5_g6_a_rollback_is_made_at_once_runs_no_hook_and_is_over_in_seconds",),
    ),
    "G5": Fact(
        says="A rollback shifts all at once and is over in seconds",
        source="recorded",
        claims=("rollback-quick",),
        tests=(f"{REC}g4_g5_g6_a_rollback_is_made_at_once_runs_no_hook_and_is_over_in_seconds",),
    ),
    "G6": Fact(
        says="A rollback is created within half a second",
        source="recorded",
        claims=("rollback-soon",),
        tests=(f"{REC}g4_g5_g6_a_rollback_is_made_at_once_runs_no_hook_and_is_over_in_seconds",),
    ),
    "G7": Fact(
        says="rollbackMessage names the other deployment on both sides and never changes",
        source="recorded",
        claims=("rollback-messages",),
        tests=(f"{REC}g7_the_messages_of_a_rollback_name_both_sides_and_never_change",),
    ),
    "G8": Fact(
        says="A group's first deployment is rolled back too",
        source="recorded",
        claims=("first-deployment-rolled-back",),
        tests=(f"{REC}g8_a_groups_first_deployment_is_rolled_back_too",),
    ),
    "G9": Fact(
        says="A rollback is made even where the alarm came before any traffic had moved",
        source="recorded",
        tests=(f"{REC}g9_a_rollback_is_made_even_when_the_alarm_came_before_any_traffic",),
    ),
    "G10": Fact(
        says="An alarm stops the deployment after 11 s; each alarm is named in brackets of its own",
        source="recorded",
        claims=("alarm-status", "alarm-code", "alarm-message", "alarm-events"),
        tests=(
            f"{REC}g10_an_alarm_is_acted_on_after_eleven_seconds",
            f"{REC}g10_several_alarms_are_named_each_in_its_own_brackets",
        ),
    ),
    "G11": Fact(
        says="HOOK_EXECUTION_FAILURE names no hook",
        source="recorded",
        claims=("failed-hook-code", "failed-hook-message", "failed-hook-events"),
        tests=(f"{REC}g11_a_hook_that_failed_is_not_named",),
    ),
    "G12": Fact(
        says="A hook that never answers times out after an hour",
        source="documented",
        tests=(f"{REC}g12_a_hook_that_never_answers_times_out",),
    ),
    "G13": Fact(
        says="A malformed AppSpec is accepted and fails then",
        source="recorded",
        claims=("malformed-appspec",),
        tests=(f"{REC}g13_an_appspec_that_cannot_be_parsed_is_accepted_and_fails_then",),
    ),
    "G14": Fact(
        says="A zip in S3 with an AppSpec in it is a revision",
        source="recorded",
        tests=(
            f"{REC}g14_a_revision_may_be_a_zip",
            f"{REC}g14_the_answer_of_2018_to_a_zip_is_a_switch",
        ),
    ),
    "G15": Fact(
        says="A hook's event has two members, and its execution id is long and opaque",
        source="recorded",
        claims=("hook-event",),
        tests=(f"{REC}g15_a_hooks_event_has_two_members_and_an_opaque_id",),
    ),
    "G16": Fact(
        says="StopDeployment may answer Forced",
        source="documented",
        claims=("stop-answer",),
        tests=(f"{REC}g16_a_stop_may_be_forced",),
    ),
    "G17": Fact(
        says="CloudFormation's deployments have the creator `user` and revisions of the type String",
        source="recorded",
        claims=("creator",),
        tests=(f"{EDGE}codedeploy/test_codedeploy.py::test_the_text_of_a_revision_is_read_by_its_hash",),
    ),
    "G18": Fact(
        says="A canary of five minutes takes 302 s",
        source="recorded",
        claims=("duration",),
        tests=(f"{REC}g18_a_canary_of_five_minutes_takes_302_seconds",),
    ),
    "G19": Fact(
        says="lambdaFunctionInfo may be empty while the first hook runs",
        source="an issue",
        tests=(f"{REC}g19_the_functions_data_may_be_missing",),
    ),
    "G20": Fact(
        says="One function may serve both hooks",
        source="documented",
        claims=("one-hook-for-both",),
        tests=(f"{REC}g20_one_function_may_serve_both_hooks",),
    ),
    "G21": Fact(
        says="AWS's own AppSpecs in JSON are indented with tabs",
        source="documented",
        claims=("tabs",),
        tests=(f"{REC}g21_an_appspec_in_json_may_be_indented_with_tabs",),
    ),
    "G22": Fact(
        says="AWS's own assistant refuses an empty hook",
        source="aws/aws-codedeploy-appspec-assistant",
        tests=("tests/core/given/files/test_appspec.py::test_an_empty_member_is_a_variable_that_was_not_set",),
    ),
    "G23": Fact(
        says="floci emulates CodeDeploy for Lambda too",
        source="its repository",
        tests=("tests/conformance/test_facts.py::test_no_page_says_that_nothing_else_emulates_codedeploy",),
    ),
    # News of Lambda
    "H1": Fact(
        says="A version on managed instances is Active when they have started, in 15 minutes and more",
        source="documented, botocore's Lambda model",
        tests=(
            f"{NEWS}a_version_is_pending_until_its_instances_have_started",
            f"{RUNS}a_version_whose_instances_take_a_quarter_of_an_hour_is_waited_for",
            "tests/core/machine/stages/test_publishing.py::test_instances_that_do_not_start_within_an_hour_are_given_up",
        ),
    ),
    "H2": Fact(
        says="Traffic that more than doubles within five minutes may be throttled there",
        source="documented",
        tests=(
            "tests/core/test_schedule.py::"
            "test_the_steepest_rise_is_one_that_more_than_doubles_the_traffic_within_five_minutes",
            f"{RUNS}a_version_whose_instances_take_a_quarter_of_an_hour_is_waited_for",
        ),
    ),
    "H3": Fact(
        says="`$LATEST` is ActiveNonInvocable there, and a bare name invokes what was published last",
        source="documented, botocore's Lambda model",
        tests=(
            f"{NEWS}latest_is_never_invoked_and_a_bare_name_means_what_was_published_last",
            f"{EDGE}lambda_/test_callers.py::test_on_managed_instances_the_published_latest_is_asked_for_too",
            f"{CHECKS}what_is_wrong_is_said_with_what_to_do",
        ),
    ),
    "H4": Fact(
        says="A Deactivated version comes back by its scaling config, not by an invocation",
        source="documented",
        tests=(
            f"{NEWS}a_version_without_instances_comes_back_by_its_scaling_config",
            f"{RUNS}a_version_that_was_scaled_to_nothing_is_refused_with_the_way_back",
        ),
    ),
    "H5": Fact(
        says="A durable execution stays on the version that began it, which must not be deleted",
        source="documented",
        tests=(
            f"{NEWS}an_execution_stays_on_its_version_until_it_is_stopped",
            f"{RUNS}executions_that_stay_on_the_old_version_are_told",
            f"{PRUNE}executions_and_instances_keep_their_versions",
        ),
    ),
    "H6": Fact(
        says="UpdateFunctionCode without S3ObjectStorageMode makes a copy of code that Lambda read from S3",
        source="botocore's Lambda model",
        tests=(
            f"{NEWS}who_does_not_ask_for_a_reference_again_gets_a_copy",
            f"{EDGE}lambda_/test_lambda.py::test_an_update_keeps_the_way_in_which_code_is_stored",
            f"{RUNS}code_that_lambda_reads_from_s3_is_not_made_a_copy",
        ),
    ),
    "H7": Fact(
        says="GetFunction's Code has an Error where the code cannot be read",
        source="botocore's Lambda model",
        tests=(
            f"{NEWS}code_by_reference_is_told_and_its_loss_too",
            f"{RUNS}code_that_is_gone_is_refused",
        ),
    ),
    "H8": Fact(
        says="Code storage is 300 GB by default",
        source="documented",
        tests=("tests/emulator/lambda_/test_lambda.py::test_account_settings_and_provisioned_concurrency_answer",),
    ),
    "H9": Fact(
        says="State reasons say that the code does not start, or that there is no room for it",
        source="botocore's Lambda model",
        tests=(
            f"{EDGE}lambda_/test_lambda.py::test_state_reasons_with_a_remedy_are_lambdas",
            f"{RUNS}code_that_found_no_instances_is_sent_again_and_becomes_a_new_version",
        ),
    ),
    "H10": Fact(
        says="Invoke takes a TenantId, and has errors of versions that cannot start",
        source="botocore's Lambda model",
        tests=(
            f"{EDGE}lambda_/test_invoking.py::test_a_tenant_is_named_and_an_error_of_the_function_is_an_answer",
            "tests/core/machine/stages/test_smoking.py::test_a_version_that_cannot_start_has_failed",
        ),
    ),
    "H11": Fact(
        says="An environment that may not be decrypted comes as an Error: unknown, not empty",
        source="botocore's Lambda model; an issue of lambda-deploy",
        tests=(
            f"{NEWS}who_may_not_use_the_key_gets_an_error_for_an_environment",
            f"{RUNS}a_change_of_nothing_but_a_sealed_environment_is_deployed",
        ),
    ),
    # News of CloudWatch
    "H12": Fact(
        says="DescribeAlarms answers log alarms where they are asked for; EvaluationState says what is not evaluated",
        source="botocore's CloudWatch model",
        tests=(
            f"{NEWS}alarms_come_by_the_kinds_that_are_asked_for",
            f"{EDGE}test_evidence.py::test_alarms_of_all_kinds_come_in_the_order_asked_for_and_missing_ones_not_at_all",
            f"{RUNS}a_log_alarm_stops_a_deployment_and_one_that_is_not_evaluated_is_warned_of",
        ),
    ),
    "H13": Fact(
        says="Metrics of one version under an alias: FunctionName, Resource, ExecutedVersion; zero is no point; "
        "a minute is judged two minutes after its end",
        source="documented; an issue of SAM",
        tests=(
            f"{GUARDS}test_queries.py::test_the_dimensions_of_a_version_and_of_the_alias",
            f"{GUARDS}test_queries.py::test_nothing_younger_than_two_minutes_is_asked",
            "tests/emulator/metrics/test_answers.py::test_zero_is_no_point",
        ),
    ),
    "H14": Fact(
        says="GetMetricData takes 500 metrics a call",
        source="documented",
        tests=(f"{EDGE}test_metrics.py::test_windows_are_calls_of_their_own_and_so_are_more_than_500_metrics",),
    ),
    "H15": Fact(
        says="Log streams of a version begin with the day and its number",
        source="documented",
        tests=(
            f"{EDGE}test_evidence.py::test_a_versions_own_errors_are_its_streams_lines_that_look_like_errors",
            "tests/emulator/metrics/test_traffic.py::test_errors_are_in_the_log_stream_of_their_version",
        ),
    ),
    "H16": Fact(
        says="With few calls an alias's shares vary widely",
        source="documented",
        tests=(f"{GUARDS}test_simulation.py::test_healthy_versions_are_not_stopped",),
    ),
    # News of GitHub, and of others
    "H17": Fact(
        says="A parallel step that is canceled counts as neither failed nor canceled, so the post step always runs",
        source="the runner's source",
        tests=("tests/project/test_metadata.py::test_the_post_step_runs_after_failure_and_cancel_alone",),
    ),
    "H18": Fact(
        says="GITHUB_ARTIFACTS declares subjects with digests",
        source="the runner's source",
        unused="it is behind a flag; nothing is written to it",
    ),
    "H19": Fact(
        says="CodePipeline has a Lambda deploy action that shifts an alias without CodeDeploy",
        source="documented",
        unused="it creates no deployment that could be followed; the alias is read anew before every write",
    ),
    "H20": Fact(
        says="amazon-ecs-deploy-task-definition detects a rollback since 2.6.2",
        source="its repository",
        unused="a peer's behavior",
    ),
}
