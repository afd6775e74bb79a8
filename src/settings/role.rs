//! `role-to-assume` and its companions, and `registry-role-to-assume`: the roles that are assumed,
//! and with what.

use std::collections::BTreeMap;
use std::time::Duration;

use url::{Host, Url};

use super::collect::ProblemCollector;
use crate::aws::connection::{InstanceProfile, RegistryRole, RoleRequest, UnnamedRegistry};
use crate::aws::ecr_host::EcrHost;
use crate::aws::id_token::IdTokenRequest;
use crate::documents::changes::is_role_arn;
use crate::github::commands::LogStyle;
use crate::inputs::Inputs;
use crate::registry::ImageReference;
use crate::runner::Runner;
use crate::secret::Secret;

const ROLE: &str = "role-to-assume";
const REGISTRY_ROLE: &str = "registry-role-to-assume";
/// What STS takes, and no role allows more.
const SHORTEST: Duration = Duration::from_mins(15);
const LONGEST: Duration = Duration::from_hours(12);
/// What every role allows.
const DEFAULT: Duration = Duration::from_hours(1);

/// The role of the run, and that of the registry.
pub(super) type RoleSettings = (Option<RoleRequest>, Option<RegistryRole>);

pub(super) fn settings(
    inputs: &Inputs,
    runner: &Runner,
    instance_profile: InstanceProfile,
    collect: &mut ProblemCollector,
) -> RoleSettings {
    refuse_unused(inputs, collect);
    let id_token = read_id_token(inputs, runner, collect);
    let has_others =
        instance_profile == InstanceProfile::Used || has_credentials(&runner.variables);
    if (inputs.role.is_some() || inputs.registry_role.is_some())
        && id_token.is_none()
        && !has_others
        && runner.log_style == LogStyle::WorkflowCommands
    {
        let input = if inputs.role.is_some() {
            ROLE
        } else {
            REGISTRY_ROLE
        };
        collect.add_problem(
            input,
            "the job has no ID token to assume the role with, and no other credentials",
            "give the job `permissions: id-token: write` (a pull request from a fork is never given a token)",
        );
    }
    let shape = (
        read_session_name(inputs, collect),
        read_duration(inputs, collect),
        id_token,
    );
    let role = read_role(ROLE, inputs.role.as_deref(), &shape, collect);
    let registry = read_role(
        REGISTRY_ROLE,
        inputs.registry_role.as_deref(),
        &shape,
        collect,
    );
    let registry = registry.and_then(|request| read_registry(inputs, request, collect));
    (role, registry)
}

/// What both roles have in common: the session's name, its duration, the ID token.
type SessionShape = (String, Duration, Option<IdTokenRequest>);

fn read_role(
    input: &str,
    arn: Option<&str>,
    (session_name, duration, id_token): &SessionShape,
    collect: &mut ProblemCollector,
) -> Option<RoleRequest> {
    let arn = arn?;
    if !is_role_arn(arn) {
        collect.add_problem(
            input,
            format!("`{arn}` is not the ARN of a role"),
            "write it whole: arn:aws:iam::ACCOUNT:role/NAME",
        );
        return None;
    }
    Some(RoleRequest {
        arn: arn.into(),
        session_name: session_name.clone(),
        duration: *duration,
        id_token: id_token.clone(),
    })
}

fn refuse_unused(inputs: &Inputs, collect: &mut ProblemCollector) {
    if inputs.role.is_some() || inputs.registry_role.is_some() {
        return;
    }
    let given = [
        ("role-session-name", &inputs.role_session),
        ("role-duration", &inputs.role_duration),
        ("role-chaining", &inputs.role_chaining),
        ("audience", &inputs.audience),
    ];
    for (input, value) in given {
        if value.is_some() {
            let remedy = "set role-to-assume, or leave it out";
            collect.add_problem(input, "it is given without a role", remedy);
        }
    }
}

/// Where the job requests its ID tokens; none where it has none, or is not to use them.
fn read_id_token(
    inputs: &Inputs,
    runner: &Runner,
    collect: &mut ProblemCollector,
) -> Option<IdTokenRequest> {
    let chaining = collect
        .read_bool("role-chaining", inputs.role_chaining.as_deref())
        .unwrap_or_default();
    let variable = |name: &str| {
        let value = runner.variables.get(name)?.trim();
        (!value.is_empty()).then_some(value)
    };
    let url = Url::parse(variable("ACTIONS_ID_TOKEN_REQUEST_URL")?)
        .ok()
        .filter(is_safe)?;
    let token = Secret::new(variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN")?);
    let audience = inputs.audience.clone();
    (!chaining).then(|| IdTokenRequest {
        url,
        token,
        audience: audience.unwrap_or_else(|| "sts.amazonaws.com".to_owned()),
    })
}

/// The token that asks is sent over TLS, or to this machine.
fn is_safe(url: &Url) -> bool {
    let is_here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_here)
}

/// Whether the environment says where there are credentials.
fn has_credentials(variables: &BTreeMap<String, String>) -> bool {
    [
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ]
    .iter()
    .any(|name| {
        variables
            .get(*name)
            .is_some_and(|value| !value.trim().is_empty())
    })
}

fn read_session_name(inputs: &Inputs, collect: &mut ProblemCollector) -> String {
    let Some(name) = inputs.role_session.clone() else {
        return "GitHubActions".to_owned();
    };
    let fits = name
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter));
    if !fits || !(2..=64).contains(&name.len()) {
        collect.add_problem(
            "role-session-name",
            format!("`{}` is not the name of a session", name.escape_debug()),
            "use 2 to 64 letters, digits and `_`, `+`, `=`, `,`, `.`, `@`, `-`",
        );
    }
    name
}

fn read_duration(inputs: &Inputs, collect: &mut ProblemCollector) -> Duration {
    let duration = collect
        .read_duration("role-duration", inputs.role_duration.as_deref())
        .unwrap_or(DEFAULT);
    if !(SHORTEST..=LONGEST).contains(&duration) {
        collect.add_problem(
            "role-duration",
            "AWS gives sessions of 15 minutes to 12 hours",
            "use 15m to 12h, or leave it out: the session is renewed as long as the run lasts",
        );
    }
    duration
}

/// Whose registry is meant by a repository without a host; refused where that may be both, and
/// where the role would not be used.
fn read_registry(
    inputs: &Inputs,
    request: RoleRequest,
    collect: &mut ProblemCollector,
) -> Option<RegistryRole> {
    let account = request.arn.account().to_owned();
    let source = inputs.image.as_deref().and_then(source_account);
    let target = inputs.repository.as_deref().map(host_account);
    let is_source = source.as_deref() == Some(account.as_str());
    let unnamed = match target {
        Some(None) if is_source => {
            let message = format!(
                "it is a role of account {account}, where image is; whether repository is there too is not said"
            );
            let remedy = "write repository whole: ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME";
            collect.add_problem(REGISTRY_ROLE, message, remedy);
            return None;
        }
        Some(Some(other)) if other != account && !is_source => {
            let message = format!(
                "it is a role of account {account}, and repository is in account {other}: nothing would be done with it"
            );
            let remedy = format!("give a role of account {other}, or leave it out");
            collect.add_problem(REGISTRY_ROLE, message, remedy);
            return None;
        }
        None if is_source => UnnamedRegistry::OfService,
        Some(Some(_)) => UnnamedRegistry::OfService,
        Some(None) | None => UnnamedRegistry::OfRegistryRole,
    };
    Some(RegistryRole { request, unnamed })
}

/// The account of a registry of ECR in front of a name.
fn host_account(name: &str) -> Option<String> {
    let (host, _) = name.split_once('/')?;
    EcrHost::parse(host).map(|host| host.account)
}

fn source_account(image: &str) -> Option<String> {
    match image.parse().ok()? {
        ImageReference::Registry(name) | ImageReference::Bare(name) => {
            host_account(name.repository())
        }
        ImageReference::Engine(_)
        | ImageReference::Layout { .. }
        | ImageReference::OciArchive { .. }
        | ImageReference::DockerArchive { .. } => None,
    }
}

/// Of ARNs, by their inputs, those of another account, with that account.
pub(super) fn find_foreign(
    given: impl IntoIterator<Item = (&'static str, Option<String>)>,
    account: &str,
) -> Vec<(&'static str, String)> {
    let of = |arn: String| {
        let found = arn.strip_prefix("arn:")?.split(':').nth(3)?;
        let is_account = found.len() == 12 && found.bytes().all(|byte| byte.is_ascii_digit());
        (is_account && found != account).then(|| found.to_owned())
    };
    given
        .into_iter()
        .filter_map(|(input, arn)| Some((input, of(arn?)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(inputs: &Inputs) -> (RoleSettings, Vec<String>) {
        let runner = Runner {
            log_style: LogStyle::WorkflowCommands,
            variables: [
                (
                    "ACTIONS_ID_TOKEN_REQUEST_URL",
                    "https://example.com/token?a=1",
                ),
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "secret"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
            ..Runner::default()
        };
        let mut collect = ProblemCollector::default();
        let roles = settings(inputs, &runner, InstanceProfile::Unused, &mut collect);
        let problems = collect.finish(|_| Some(())).1;
        (roles, problems.iter().map(ToString::to_string).collect())
    }

    fn with_registry(repository: Option<&str>, image: Option<&str>) -> Inputs {
        Inputs {
            registry_role: Some("arn:aws:iam::222222222222:role/push".into()),
            repository: repository.map(str::to_owned),
            image: image.map(str::to_owned),
            ..Inputs::default()
        }
    }

    #[test]
    fn the_registry_s_role_is_for_its_own_account() {
        let (own, other) = (
            "222222222222.dkr.ecr.eu-central-1.amazonaws.com/api",
            "111111111111.dkr.ecr.eu-central-1.amazonaws.com/api",
        );
        let source = format!("docker://{own}:1");
        let table = [
            (Some("api"), Some("api:1"), true),
            (Some(own), Some("api:1"), false),
            (Some(other), Some(source.as_str()), false),
            (None, Some(source.as_str()), false),
            (None, None, true),
        ];
        for (repository, image, takes_unnamed) in table {
            let ((_, role), problems) = read(&with_registry(repository, image));
            let role = role.unwrap();
            assert_eq!(problems, Vec::<String>::new());
            assert_eq!(role.covers(None), takes_unnamed, "{repository:?} {image:?}");
            assert!(role.covers(Some("222222222222")) && !role.covers(Some("111111111111")));
        }
        let refused = [(Some("api"), source.as_str()), (Some(other), "api:1")];
        for (repository, image) in refused {
            let ((_, role), problems) = read(&with_registry(repository, Some(image)));
            assert!(role.is_none() && problems.len() == 1, "{problems:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_role_is_told_at_once() {
        let inputs = Inputs {
            role: Some("deploy".into()),
            role_session: Some("a b".into()),
            role_duration: Some("5m".into()),
            ..Inputs::default()
        };
        let expected = [
            "role-session-name: `a b` is not the name of a session",
            "role-duration: AWS gives sessions of 15 minutes to 12 hours",
            "role-to-assume: `deploy` is not the ARN of a role",
        ];
        assert_eq!(read(&inputs).1, expected);
        let unused = Inputs {
            audience: Some("x".into()),
            ..Inputs::default()
        };
        assert_eq!(read(&unused).1, ["audience: it is given without a role"]);
    }

    #[test]
    fn the_token_is_sent_over_tls_or_to_this_machine_only() {
        let is_safe = |url: &str| is_safe(&Url::parse(url).unwrap());
        assert!(is_safe("https://example.com/") && is_safe("http://127.0.0.1:1/"));
        assert!(!is_safe("http://example.com/") && !is_safe("http://127.evil.example.com/"));
    }
}
