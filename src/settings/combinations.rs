//! Rules about several inputs at once.

use url::Url;

use super::CheckSettings;
use super::collect::ProblemCollector;
use crate::checks::smoke::Suite;
use crate::inputs::Inputs;
use crate::outcome::Mode;

/// The hint when green cannot be told from blue.
pub(crate) const GREEN_URL: &str = "give the URL of the test listener, such as https://api.example.com:8443; or leave test-url out: production-url is tested after the shift, while blue can still be brought back";

pub(super) fn check(mode: Mode, inputs: &Inputs, collect: &mut ProblemCollector) {
    let checked = inputs.smoke_tests.is_some();
    if checked && inputs.test_url.is_none() && inputs.production_url.is_none() {
        collect.add_problem(
            "smoke-tests",
            "there is no URL to run them at",
            "set test-url (green, before traffic), production-url, or both",
        );
    }
    if !checked
        && inputs.service.is_some()
        && (inputs.test_url.is_some() || inputs.production_url.is_some())
    {
        collect.add_problem(
            "test-url",
            "URLs are given, but no smoke tests",
            "set smoke-tests, or leave test-url and production-url out",
        );
    }
    if inputs
        .stability
        .as_deref()
        .is_some_and(|text| text.eq_ignore_ascii_case("false"))
    {
        check_unfollowed_rollout(inputs, collect);
    }
    if inputs.service.is_none() && mode != Mode::Smoke {
        check_without_service(inputs, collect);
    }
    note_unused_task_inputs(inputs, collect);
}

/// At the same URL, blue answers before the shift and green after it, unless a header tells them
/// apart.
pub(super) fn refuse_same_url(checks: &CheckSettings, collect: &mut ProblemCollector) {
    let (Some(test), Some(production)) = (&checks.test_url, &checks.production_url) else {
        return;
    };
    let differ_by_header = checks.suite.as_ref().is_some_and(Suite::has_test_header);
    let origin = |url: &Url| {
        (
            url.scheme().to_owned(),
            url.host_str()
                .map(|host| host.trim_end_matches('.').to_owned()),
            url.port_or_known_default(),
        )
    };
    let path = |url: &Url| {
        (
            url.path().trim_end_matches('/').to_owned(),
            url.query().map(str::to_owned),
        )
    };
    if !differ_by_header && origin(test) == origin(production) && path(test) == path(production) {
        let message = "it is production-url, where blue answers until traffic has shifted: green would not be tested before users reach it";
        collect.add_problem("test-url", message, GREEN_URL);
    }
}

/// What serves has a version that nobody tells this run: the commit of a schedule is another one.
pub(super) fn refuse_unknown_version(
    checks: &CheckSettings,
    inputs: &Inputs,
    collect: &mut ProblemCollector,
) {
    let needs_version = checks.suite.as_ref().is_some_and(Suite::uses_version);
    if needs_version && inputs.version.is_none() && inputs.tags.is_none() {
        collect.add_problem(
            "version",
            "the tests use ${version}, and which version serves is not known",
            "set version, or test for the version in a document that only deployments use",
        );
    }
}

/// Refuses inputs that need the run to follow its rollout.
fn check_unfollowed_rollout(inputs: &Inputs, collect: &mut ProblemCollector) {
    let needs = [
        (
            "smoke-tests",
            inputs.smoke_tests.is_some(),
            "smoke tests need",
        ),
        ("alarms", inputs.alarms.is_some(), "watching alarms needs"),
        ("analysis", inputs.analysis.is_some(), "an analysis needs"),
        (
            "tags-when-deployed",
            inputs.tags_when_deployed.is_some(),
            "tags that wait for the new image to serve need",
        ),
        (
            "migrate-undo",
            inputs.migrate_undo.is_some(),
            "undoing a migration after a rollback needs",
        ),
    ];
    for (input, _, needs) in needs.into_iter().filter(|(_, is_given, _)| *is_given) {
        let message = format!("false leaves the rollout to AWS, but {needs} it to be followed");
        collect.add_problem(
            "wait-for-service-stability",
            message,
            format!("leave it out, or leave {input} out"),
        );
    }
    if inputs
        .approval
        .as_deref()
        .is_some_and(|text| !text.eq_ignore_ascii_case("none"))
    {
        collect.add_problem(
            "approval",
            "no run would follow the rollout to its gate: wait-for-service-stability is false",
            "leave one of them out",
        );
    }
}

fn check_without_service(inputs: &Inputs, collect: &mut ProblemCollector) {
    let sources = [
        &inputs.task_definition,
        &inputs.task_definition_arn,
        &inputs.task_definition_family,
    ];
    if sources.iter().all(|source| source.is_none()) {
        collect.add_problem(
            "service",
            "it is missing, and so is a task definition to register without it",
            "set service, or task-definition to register only",
        );
    }
    if inputs.smoke_tests.is_some() {
        collect.add_problem(
            "smoke-tests",
            "there is no service whose rollout could be tested",
            "set service",
        );
    }
    // Usually an expression came out empty; then the job would succeed without a deployment.
    for input in rollout_only_inputs(inputs) {
        let remedy = format!(
            "set service (it is absent or empty), or leave {input} out to register the task definition only"
        );
        collect.add_problem(
            input,
            "there is no service that could be rolled out",
            remedy,
        );
    }
}

/// The given inputs about a service's rollout, except those that turn something off.
fn rollout_only_inputs(inputs: &Inputs) -> Vec<&'static str> {
    let equals = |input: &Option<String>, word: &str| {
        input
            .as_deref()
            .is_some_and(|text| text.eq_ignore_ascii_case(word))
    };
    let is_true = |input: &Option<String>| equals(input, "true");
    let given = [
        ("codedeploy-appspec", inputs.codedeploy_appspec.is_some()),
        (
            "codedeploy-application",
            inputs.codedeploy_application.is_some(),
        ),
        (
            "codedeploy-deployment-group",
            inputs.codedeploy_group.is_some(),
        ),
        (
            "codedeploy-deployment-description",
            inputs.codedeploy_description.is_some(),
        ),
        (
            "codedeploy-deployment-config",
            inputs.codedeploy_config.is_some(),
        ),
        (
            "force-new-deployment",
            is_true(&inputs.force_new_deployment),
        ),
        ("desired-count", inputs.desired_count.is_some()),
        (
            "strategy",
            inputs.strategy.is_some() && !equals(&inputs.strategy, "auto"),
        ),
        ("canary-percent", inputs.canary_percent.is_some()),
        ("canary-bake", inputs.canary_bake.is_some()),
        ("step-percent", inputs.step_percent.is_some()),
        ("step-bake", inputs.step_bake.is_some()),
        ("bake", inputs.bake.is_some()),
        (
            "approval",
            inputs.approval.is_some() && !equals(&inputs.approval, "none"),
        ),
        ("suspend-autoscaling", is_true(&inputs.suspend_autoscaling)),
        ("wait-for-service-stability", is_true(&inputs.stability)),
        ("wait-until", inputs.wait_until.is_some()),
        ("test-url", inputs.test_url.is_some()),
        ("production-url", inputs.production_url.is_some()),
        ("waive-alarms", inputs.waive_alarms.is_some()),
    ];
    given
        .into_iter()
        .filter(|(_, is_given)| *is_given)
        .map(|(input, _)| input)
        .collect()
}

/// Notes the inputs that are given and not used.
fn note_unused_task_inputs(inputs: &Inputs, collect: &mut ProblemCollector) {
    if inputs
        .run_task
        .as_deref()
        .is_some_and(|text| text.eq_ignore_ascii_case("true"))
    {
        return;
    }
    let own = [("run-task-container-overrides", &inputs.task_overrides)];
    let ebs = [("run-task-managed-ebs-volume", &inputs.task_ebs)];
    let shared = [
        ("run-task-security-groups", &inputs.task_security_groups),
        ("run-task-subnets", &inputs.task_subnets),
        ("run-task-capacity-provider-strategy", &inputs.task_strategy),
        ("run-task-tags", &inputs.task_tags),
    ];
    // Where it runs is said for the migration by the same inputs.
    let is_used = inputs.migrate.is_some() || inputs.migrate_undo.is_some();
    let shared = shared.into_iter().filter(|_| !is_used);
    let given: Vec<&str> = own
        .into_iter()
        .chain(shared)
        .chain(ebs)
        .filter(|(_, value)| value.is_some())
        .map(|(input, _)| input)
        .collect();
    if !given.is_empty() {
        collect.add_note(format!(
            "{} given and not used: run-task is not true",
            list_with_verb(&given)
        ));
    }
}

fn list_with_verb(inputs: &[&str]) -> String {
    format!(
        "{} {}",
        inputs.join(", "),
        if inputs.len() == 1 { "is" } else { "are" }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(given: &[(&str, &str)]) -> Vec<String> {
        let variables = given
            .iter()
            .map(|(name, value)| {
                (
                    format!("INPUT_{}", name.to_uppercase()),
                    (*value).to_owned(),
                )
            })
            .collect();
        let (inputs, unknown) = crate::inputs::read_all(&variables);
        assert_eq!(unknown, []);
        let mut collect = ProblemCollector::default();
        check(Mode::Deploy, &inputs, &mut collect);
        collect
            .finish(|_| Some(()))
            .1
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    type InputPairs = &'static [(&'static str, &'static str)];

    #[test]
    fn without_a_service_nothing_is_accepted_that_only_a_rollout_has() {
        let table: [(InputPairs, &[&str]); 8] = [
            (
                &[
                    ("codedeploy-application", "A"),
                    ("codedeploy-deployment-group", "G"),
                ],
                &["codedeploy-application", "codedeploy-deployment-group"],
            ),
            (
                &[("codedeploy-appspec", "appspec.yaml")],
                &["codedeploy-appspec"],
            ),
            (
                &[("strategy", "canary"), ("canary-percent", "10")],
                &["strategy", "canary-percent"],
            ),
            (&[("approval", "before-traffic")], &["approval"]),
            (
                &[("wait-for-service-stability", "true")],
                &["wait-for-service-stability"],
            ),
            (
                &[("test-url", "https://x"), ("wait-until", "shifted")],
                &["wait-until", "test-url"],
            ),
            (
                &[
                    ("wait-for-service-stability", "false"),
                    ("force-new-deployment", "false"),
                    ("approval", "none"),
                    ("strategy", "auto"),
                ],
                &[],
            ),
            (
                &[
                    ("run-task", "true"),
                    ("wait-for-minutes", "5"),
                    ("propagate-tags", "NONE"),
                    ("if-running", "wait"),
                ],
                &[],
            ),
        ];
        for (given, refused) in table {
            let all = [&[("task-definition", "td.json"), ("service", "")], given].concat();
            let expected: Vec<String> = refused
                .iter()
                .map(|input| format!("{input}: there is no service that could be rolled out"))
                .collect();
            assert_eq!(problems(&all), expected, "{given:?}");
            let with_service = [
                &all[..],
                &[
                    ("service", "api"),
                    ("smoke-tests", "s.yml"),
                    ("production-url", "https://x"),
                ],
            ]
            .concat();
            assert!(
                refused.is_empty() || problems(&with_service).is_empty(),
                "{given:?}"
            );
        }
    }
}
