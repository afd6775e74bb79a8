//! The task that runs before the rollout: the one-off task, or the migration's.

use super::collect::{OptionalInput, ProblemCollector};
use crate::documents::ebs::{VolumeOwner, parse_managed_volume};
use crate::documents::network::Network;
use crate::documents::overrides;
use crate::documents::run_task::{TaskRequest, TaskWait};
use crate::inputs::Inputs;

pub(super) fn settings(
    inputs: &Inputs,
    collect: &mut ProblemCollector,
) -> OptionalInput<TaskRequest> {
    let is_one_off = collect.read_bool("run-task", inputs.run_task.as_deref()) == Some(true);
    if is_one_off || inputs.migrate.is_some() {
        OptionalInput::of(request(inputs, collect))
    } else {
        OptionalInput::Absent
    }
}

pub(super) fn request(inputs: &Inputs, collect: &mut ProblemCollector) -> Option<TaskRequest> {
    let text = |input: &Option<String>| input.clone().unwrap_or_default();
    let launch_types = [
        ("FARGATE", "FARGATE"),
        ("EC2", "EC2"),
        ("EXTERNAL", "EXTERNAL"),
    ];
    let network = Network::from_run_task_inputs(
        &text(&inputs.task_subnets),
        &text(&inputs.task_security_groups),
        &text(&inputs.task_public_ip),
    );
    let network = collect.value_or_problems(network);
    let wait = collect.read_bool("wait-for-task-stopped", inputs.wait_for_task.as_deref());
    let overrides = collect.value_or_problems(overrides::parse_container_overrides(&text(
        &inputs.task_overrides,
    )));
    let strategy = collect.value_or_problems(overrides::parse_capacity_providers(&text(
        &inputs.task_strategy,
    )));
    let tags = collect.value_or_problems(overrides::parse_tags(&text(&inputs.task_tags)));
    let changed = [&overrides, &strategy, &tags]
        .into_iter()
        .flatten()
        .flat_map(|list| &list.notes);
    changed.for_each(|note| collect.add_note(note.to_string()));
    let volume = collect.read_volume(parse_managed_volume(
        &text(&inputs.task_ebs_name),
        &text(&inputs.task_ebs),
        VolumeOwner::RunTask,
    ));
    let is_spot = inputs
        .task_launch_type
        .as_deref()
        .is_some_and(|text| text.eq_ignore_ascii_case("FARGATE_SPOT"));
    if is_spot {
        let remedy = r#"set run-task-capacity-provider-strategy: [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]"#;
        collect.add_problem(
            "run-task-launch-type",
            "FARGATE_SPOT is a capacity provider, not a launch type",
            remedy,
        );
    }
    let launch_type = inputs.task_launch_type.as_deref().filter(|_| !is_spot);
    let launch_type = collect
        .read_choice("run-task-launch-type", launch_type, &launch_types)
        .map(str::to_owned);
    Some(TaskRequest {
        overrides: overrides?,
        network: network?,
        strategy: strategy?.items,
        launch_type,
        started_by: inputs
            .task_started_by
            .clone()
            .unwrap_or_else(|| "GitHub-Actions".into()),
        tags: tags?.items,
        volume,
        wait: if wait == Some(false) {
            TaskWait::DoNotWait
        } else {
            TaskWait::UntilStopped
        },
    })
}
