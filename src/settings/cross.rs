//! Rules about several inputs at once.

use super::collect::Collect;
use crate::inputs::Inputs;

pub(super) fn check(inputs: &Inputs, collect: &mut Collect) {
    let checked = inputs.smoke_tests.is_some();
    if checked && inputs.test_url.is_none() && inputs.production_url.is_none() {
        collect.problem("smoke-tests", "there is no URL to run them at", "set test-url (green, before traffic), production-url, or both");
    }
    if !checked && (inputs.test_url.is_some() || inputs.production_url.is_some()) {
        collect.problem("test-url", "URLs are given, but no smoke tests", "set smoke-tests, or leave test-url and production-url out");
    }
    if inputs.stability.as_deref().is_some_and(|text| text.eq_ignore_ascii_case("false")) {
        left_to_aws(inputs, collect);
    }
    if inputs.service.is_none() {
        without_service(inputs, collect);
    }
}

/// What needs a rollout that is followed.
fn left_to_aws(inputs: &Inputs, collect: &mut Collect) {
    let needs = [
        ("smoke-tests", inputs.smoke_tests.is_some(), "smoke tests need"),
        ("alarms", inputs.alarms.is_some(), "watching alarms needs"),
        ("analysis", inputs.analysis.is_some(), "an analysis needs"),
        ("tags-when-deployed", inputs.tags_when_deployed.is_some(), "tags that wait for the new image to serve need"),
    ];
    for (input, _, needs) in needs.into_iter().filter(|(_, is_given, _)| *is_given) {
        let message = format!("false leaves the rollout to AWS, but {needs} it to be followed");
        collect.problem("wait-for-service-stability", message, format!("leave it out, or leave {input} out"));
    }
    if inputs.approval.is_some() {
        collect.problem(
            "approval",
            "nobody would bring the rollout to its gate: wait-for-service-stability is false",
            "leave one of them out",
        );
    }
}

fn without_service(inputs: &Inputs, collect: &mut Collect) {
    let sources = [&inputs.task_definition, &inputs.task_definition_arn, &inputs.task_definition_family];
    if sources.iter().all(|source| source.is_none()) {
        collect.problem(
            "service",
            "it is missing, and so is a task definition to register without it",
            "set service, or task-definition to register only",
        );
    }
    if inputs.smoke_tests.is_some() {
        collect.problem("smoke-tests", "there is no service whose rollout could be tested", "set service");
    }
}
