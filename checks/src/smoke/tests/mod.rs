//! Whole tests against real servers: HTTPS with an authority of our own, HTTP/2, slow and endless
//! answers, redirects elsewhere.

mod abuse;
mod cross_origin;
mod presets;
mod requests;
mod server;
mod tls;

use url::Url;

use crate::moment::Moment;
use crate::secret::Secret;

use super::parse::tests::test_resources;
use super::{Mismatch, RunLimits, TestResult, TestVerdict, Values, parse, run};

/// The values of the variables in these tests.
fn values() -> Values {
    Values {
        version: "v1".to_owned(),
        digest: "sha256:ab".to_owned(),
        revision: "api:7".to_owned(),
        environment: [("TOKEN".to_owned(), Secret::new("p@ss/w&rd"))].into(),
        secrets: [("KEY".to_owned(), Secret::new("k3y from the manager"))].into(),
        ..Values::default()
    }
}

/// A workspace of these files.
struct Workspace(Vec<(&'static str, Vec<u8>)>);

impl Workspace {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let found = self
            .0
            .iter()
            .find(|(name, _)| *name == path)
            .map(|(_, bytes)| bytes.clone());
        found.ok_or_else(|| "cannot be read (there is no such file)".to_owned())
    }
}

/// The document's tests at a moment, each sent once.
async fn run_at(
    moment: Moment,
    base: &Url,
    document: &str,
    workspace: &Workspace,
) -> Vec<TestResult> {
    let suite = parse(
        document,
        "inline",
        test_resources(&|path| workspace.read(path)),
    )
    .unwrap_or_else(|problems| panic!("{problems:?}"));
    run(
        &suite,
        moment,
        base,
        &values(),
        &RunLimits::default(),
        &|_| (),
    )
    .await
}

/// One test with these lines, sent once to green.
async fn run_one(base: &Url, test: &str, workspace: &Workspace) -> TestResult {
    let document = format!(
        "{SECRETS}\ndefaults: {{ timeout: 2s, retry: {{ for: 0s }} }}\ntests: [{{ name: a, {test} }}]"
    );
    run_at(Moment::Green, base, &document, workspace)
        .await
        .remove(0)
}

const SECRETS: &str = "secrets: { KEY: { secret: prod/api, key: key } }";

/// What was not met, as `what: expected, found`; nothing when the test passed.
fn format_failures(result: &TestResult) -> String {
    let failures = result.failures.iter().map(
        |Mismatch {
             what,
             expected,
             found,
         }| format!("{what}: {expected}, {found}"),
    );
    let text = failures.collect::<Vec<_>>().join(" | ");
    assert_eq!(
        text.is_empty(),
        result.verdict == TestVerdict::Passed,
        "{result:?}"
    );
    text
}
