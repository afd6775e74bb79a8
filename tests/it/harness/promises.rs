//! What holds in every story: no secret anywhere, no command of a stranger, nothing asked of AWS
//! that the docs do not name.

use ecs_bluegreen_sim::Stage;

use super::action_run::ActionRun;

pub(super) const ACCESS_KEY: &str = "ASIACANARYACCESSKEY0";
pub(super) const SECRET_KEY: &str = "canary/Secret+Access/Key/0123456789abcde";
pub(super) const SESSION_TOKEN: &str = "canary-Session-Token//0123456789+abcdef==";
pub(super) const REGISTRY_PASSWORD: &str = "canary-registry-password";
pub(super) const SMOKE_TOKEN: &str = "canary-smoke-token";
/// How the secrets begin that the stage hands out for a role and for a job.
const HANDED_OUT: [&str; 3] = [
    "canary-role-secret",
    "canary-role-session",
    "canary-id-token",
];

/// Whatever may stand at the begin of a line of ours that the runner reads as a command.
const COMMANDS: &[&str] = &[
    "::group::",
    "::endgroup::",
    "::error title=",
    "::warning title=",
    "::add-mask::",
];

/// Asserts what holds for every run of the action.
pub(super) fn check(run: &ActionRun) {
    check_secrets(run);
    check_commands(run);
    assert_eq!(run.errors, "", "nothing goes to standard error");
    for (name, value) in run.outputs.iter().filter(|(name, _)| *name != "report") {
        assert!(
            !value.contains("/workspace") && !value.contains("/github/"),
            "{name} is a path that the next step does not have: {value}"
        );
    }
    if let Some(report) = run.outputs.get("report") {
        serde_json::from_str::<serde_json::Value>(report).expect("the report is JSON");
    }
}

fn check_secrets(run: &ActionRun) {
    let log = run
        .log
        .iter()
        .filter(|line| !line.starts_with("::add-mask::"))
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    let pairs = |values: &std::collections::BTreeMap<String, String>| {
        values.values().cloned().collect::<Vec<_>>().join("\n")
    };
    let places = [
        ("log", log),
        ("summary", run.summary.clone()),
        ("outputs", pairs(&run.outputs)),
        ("state", pairs(&run.state)),
        ("journal", run.journal.clone()),
    ];
    for (place, text) in &places {
        let found = HANDED_OUT.iter().find(|secret| text.contains(**secret));
        assert!(found.is_none(), "a secret stands in the {place}: {found:?}");
    }
    for secret in [SECRET_KEY, SESSION_TOKEN, REGISTRY_PASSWORD, SMOKE_TOKEN]
        .iter()
        .flat_map(|secret| spellings(secret))
    {
        for (place, text) in &places {
            assert!(
                !text.contains(&secret),
                "a secret stands in the {place}: {secret}"
            );
        }
    }
}

/// As it is, as in a URL, as in basic authentication.
fn spellings(secret: &str) -> Vec<String> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let url: String =
        percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC)
            .to_string();
    vec![
        secret.to_owned(),
        url,
        STANDARD.encode(secret),
        STANDARD.encode(format!("AWS:{secret}")),
    ]
}

fn check_commands(run: &ActionRun) {
    for line in &run.log {
        assert!(
            !line.contains("##["),
            "an old command of a stranger: {line}"
        );
        assert!(
            !line.contains('\r'),
            "a carriage return ends a line for the runner: {line}"
        );
        let known = COMMANDS.iter().any(|command| line.starts_with(command));
        assert!(
            known || !line.trim_start().starts_with("::"),
            "a command of a stranger: {line}"
        );
    }
}

/// Every operation that came is in the policy of docs/iam.md.
pub(super) fn check_permissions(stage: &Stage) {
    let policy = include_str!("../../../docs/iam.md");
    let called = stage
        .ledger()
        .into_iter()
        .map(|entry| entry.operation)
        .chain(stage.read_counts().into_keys());
    for operation in called.filter(|operation| !operation.starts_with("github:")) {
        let action = operation
            .replace("elbv2:", "elasticloadbalancing:")
            .replace("service-quotas:", "servicequotas:")
            .replace("s3:HeadObject", "s3:GetObject");
        assert!(
            policy.contains(&format!("\"{action}\"")),
            "docs/iam.md does not name {action}"
        );
    }
}
