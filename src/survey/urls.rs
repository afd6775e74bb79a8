//! What answers at the URLs of the tests before anything is changed, and which listener is behind
//! test-url.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use url::{Host, Url};

use crate::aws::codedeploy_shapes::DeploymentGroup;
use crate::aws::ecs_shapes::Service;
use crate::aws::elb::ListenerAddress;
use crate::checks::moment::Moment;
use crate::checks::smoke::{self, Suite, Values};
use crate::outcome::Mode;
use crate::run::Run;
use crate::settings::Settings;

/// The longest that a DNS lookup may take: only a name that is found is of use.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);

/// What was found at the URLs of the tests.
#[derive(Debug, Clone, Default)]
pub struct Urls {
    /// URLs at which nothing answers.
    pub unreachable: Vec<UnreachableUrl>,
    /// Whether test-url answers with a version other than the one to deploy, in the response that
    /// is to show the new version.
    pub tells_another_version: bool,
    /// The addresses behind the URLs, by input; only a verification looks them up.
    pub addresses: BTreeMap<&'static str, Vec<String>>,
    /// The listeners of the service that test-url was compared with.
    pub test_url_listeners: TestUrlListeners,
}

/// A URL at which nothing answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreachableUrl {
    /// The input with the URL.
    pub input: &'static str,
    /// The URL.
    pub url: String,
    /// The reason.
    pub why: String,
}

/// Listeners of the service, and which of them test-url leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestUrlListeners {
    /// The ARNs of the listeners that it leads to.
    Known(BTreeSet<String>),
    /// They could not be read; the reason.
    NotRead(String),
}

impl Default for TestUrlListeners {
    fn default() -> Self {
        Self::Known(BTreeSet::new())
    }
}

/// Sends requests to both URLs as the tests would. A rollback is not refused because of what it
/// rolls back.
pub(super) async fn probe(settings: &Settings) -> Urls {
    let checks = &settings.checks;
    let Some(suite) = checks
        .suite
        .as_ref()
        .filter(|_| settings.mode.plans_deployment() || settings.mode == Mode::Rollback)
    else {
        return Urls::default();
    };
    let test = checks
        .test_url
        .as_ref()
        .filter(|_| sends_requests(suite, &[Moment::Green]));
    let production = checks
        .production_url
        .as_ref()
        .filter(|_| sends_requests(suite, &[Moment::Step, Moment::Production, Moment::Bake]));
    let values = Values {
        version: settings.version.clone().unwrap_or_default(),
        environment: checks.environment.iter().cloned().collect(),
        plain: checks.plain_names.clone(),
        ..Values::default()
    };
    let another = async {
        match test {
            Some(url) => smoke::reports_another_version(suite, url, &values).await,
            None => false,
        }
    };
    let looks_up = settings.mode == Mode::Verify;
    let (test_addresses, production_addresses, test, production, tells_another_version) = tokio::join!(
        resolve_host(test.filter(|_| looks_up)),
        resolve_host(production.filter(|_| looks_up)),
        find_unreachable("test-url", suite, Moment::Green, test),
        find_unreachable("production-url", suite, Moment::Production, production),
        another
    );
    let unreachable = test
        .into_iter()
        .chain(production)
        .filter(|_| settings.mode.plans_deployment())
        .collect();
    Urls {
        unreachable,
        tells_another_version,
        addresses: [
            ("test-url", test_addresses),
            ("production-url", production_addresses),
        ]
        .into(),
        test_url_listeners: TestUrlListeners::default(),
    }
}

async fn resolve_host(url: Option<&Url>) -> Vec<String> {
    match url.and_then(Url::host_str) {
        Some(host) => resolve_addresses(host)
            .await
            .iter()
            .map(ToString::to_string)
            .collect(),
        None => Vec::new(),
    }
}

/// Whether this runner sends requests at one of these moments.
fn sends_requests(suite: &Suite, moments: &[Moment]) -> bool {
    let warms_up = moments.contains(&Moment::Green) && !suite.warm_ups().is_empty();
    warms_up
        || moments
            .iter()
            .any(|moment| suite.count_tests(*moment) > 0 || suite.loads(*moment).next().is_some())
}

async fn find_unreachable(
    input: &'static str,
    suite: &Suite,
    moment: Moment,
    url: Option<&Url>,
) -> Option<UnreachableUrl> {
    let url = url?;
    let why = smoke::check_reachable(suite, moment, url).await.err()?.why;
    let mut shown = url.clone();
    // Only a URL that cannot have a password returns an error.
    let _ = shown.set_password(None);
    Some(UnreachableUrl {
        input,
        url: shown.to_string(),
        why,
    })
}

/// Which of the service's listeners test-url leads to.
pub(super) async fn find_test_url_listeners(
    run: &Run,
    settings: &Settings,
    group: Option<&DeploymentGroup>,
    service: Option<&Service>,
) -> TestUrlListeners {
    let Some(url) = settings
        .checks
        .test_url
        .as_ref()
        .filter(|_| settings.checks.suite.is_some())
    else {
        return TestUrlListeners::default();
    };
    let listeners: Vec<String> = match (group, service) {
        (Some(group), _) => group
            .test_listeners
            .iter()
            .chain(&group.production_listeners)
            .cloned()
            .collect(),
        (None, Some(service)) => service
            .test_rules()
            .into_iter()
            .chain(service.production_rules())
            .collect(),
        (None, None) => Vec::new(),
    };
    match run.aws.read_listener_addresses(&listeners).await {
        Ok(fronts) => TestUrlListeners::Known(listeners_behind(run, url, &fronts).await),
        Err(error) => TestUrlListeners::NotRead(error.summary()),
    }
}

/// A listener is behind a URL if the URL has its port and names its load balancer: by the load
/// balancer's own DNS name, or by a name that resolves only to its addresses.
async fn listeners_behind(
    run: &Run,
    url: &Url,
    candidates: &[ListenerAddress],
) -> BTreeSet<String> {
    let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
        return BTreeSet::new();
    };
    let at_port = candidates.iter().filter(|front| front.port == port);
    let (named, others): (Vec<&ListenerAddress>, Vec<&ListenerAddress>) =
        at_port.partition(|front| is_same_host(&host, &front.host));
    let mut found: BTreeSet<String> = named
        .into_iter()
        .map(|front| front.listener.clone())
        .collect();
    // A proxy resolves names itself.
    if others.is_empty() || uses_proxy(run) {
        return found;
    }
    let own = resolve_addresses(&host.to_string()).await;
    for front in others {
        if !own.is_empty() && own.is_subset(&resolve_addresses(&front.host).await) {
            found.insert(front.listener.clone());
        }
    }
    found
}

fn is_same_host(host: &Host<&str>, name: &str) -> bool {
    host.to_string()
        .trim_end_matches('.')
        .eq_ignore_ascii_case(name.trim_end_matches('.'))
}

fn uses_proxy(run: &Run) -> bool {
    let names = ["http_proxy", "https_proxy", "all_proxy"];
    run.runner
        .variables
        .iter()
        .any(|(name, value)| !value.is_empty() && names.contains(&name.to_lowercase().as_str()))
}

async fn resolve_addresses(host: &str) -> BTreeSet<IpAddr> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match tokio::time::timeout(LOOKUP_TIMEOUT, tokio::net::lookup_host((host, 0))).await {
        Ok(Ok(found)) => found.map(|address| address.ip()).collect(),
        Ok(Err(_)) | Err(_) => BTreeSet::new(),
    }
}
