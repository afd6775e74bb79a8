//! Rules about several inputs at once.

use url::Url;

use super::Checks;
use super::collect::Collect;
use crate::checks::smoke::Suite;
use crate::inputs::Inputs;

/// What to do where green cannot be told from blue.
pub(crate) const GREEN_URL: &str = "give the URL of the test listener, such as https://api.example.com:8443; or leave test-url out: production-url is tested after the shift, while blue can still be brought back";

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

/// At one URL blue answers before the shift and green after it, unless a header tells them apart.
pub(super) fn same_side(checks: &Checks, collect: &mut Collect) {
    let (Some(test), Some(production)) = (&checks.test_url, &checks.production_url) else { return };
    let by_header = checks.suite.as_ref().is_some_and(Suite::tells_sides_by_header);
    let place = |url: &Url| {
        (url.scheme().to_owned(), url.host_str().map(|host| host.trim_end_matches('.').to_owned()), url.port_or_known_default())
    };
    let path = |url: &Url| (url.path().trim_end_matches('/').to_owned(), url.query().map(str::to_owned));
    if !by_header && place(test) == place(production) && path(test) == path(production) {
        let message = "it is production-url, where blue answers until traffic has shifted: green would not be tested before users reach it";
        collect.problem("test-url", message, GREEN_URL);
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
