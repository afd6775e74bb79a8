//! The workflow run, as the runner's variables describe it for GitHub's API. No request is sent
//! here.

use std::collections::BTreeMap;

/// GitHub's API if the runner does not name one.
pub(super) const PUBLIC_API: &str = "https://api.github.com";
/// The folder of workflow files; a workflow that GitHub created itself has none.
const WORKFLOW_FOLDER: &str = ".github/workflows/";

/// A run of a workflow, and the API that knows the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// `GITHUB_API_URL`.
    pub api: String,
    /// `owner/name`.
    pub repository: String,
    /// The workflow's file, such as `deploy.yml`.
    pub file: String,
    /// The branch; none for tags and pull requests.
    pub branch: Option<String>,
    /// The run's number within its workflow; attempts of one run share it.
    pub number: u64,
}

impl Workflow {
    /// None outside a workflow, and where the runner does not name its file or its number.
    pub fn from_variables(variables: &BTreeMap<String, String>) -> Option<Self> {
        let text = |name: &str| {
            variables
                .get(name)
                .map(|value| value.trim())
                .filter(|value| !value.is_empty())
        };
        let (repository, file) = split_reference(text("GITHUB_WORKFLOW_REF")?)?;
        let is_branch =
            text("GITHUB_REF").is_some_and(|reference| reference.starts_with("refs/heads/"));
        Some(Self {
            api: text("GITHUB_API_URL").unwrap_or(PUBLIC_API).to_owned(),
            repository,
            file,
            branch: text("GITHUB_REF_NAME")
                .filter(|_| is_branch)
                .map(str::to_owned),
            number: text("GITHUB_RUN_NUMBER")?.parse().ok()?,
        })
    }
}

/// `owner/name/.github/workflows/deploy.yml@refs/heads/main` → `owner/name` and `deploy.yml`.
fn split_reference(reference: &str) -> Option<(String, String)> {
    let (path, _) = reference.split_once('@')?;
    let (owner, rest) = path.split_once('/')?;
    let (name, file) = rest.split_once('/')?;
    let file = file
        .strip_prefix(WORKFLOW_FOLDER)
        .filter(|file| !file.is_empty())?;
    (is_name(owner) && is_name(name)).then(|| (format!("{owner}/{name}"), file.to_owned()))
}

/// Whether a text is `owner/name`, and nothing else that could get into a URL.
pub(super) fn is_repository(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(owner, name)| is_name(owner) && is_name(name))
}

/// Characters that GitHub allows in the names of owners and repositories; nothing else may get into
/// a URL.
fn is_name(text: &str) -> bool {
    let is_plain = text
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.'));
    is_plain && !text.is_empty() && text != "." && text != ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_workflow_is_known_by_its_file_whatever_its_reference() {
        let table = [
            (
                "octo/shop/.github/workflows/deploy.yml@refs/heads/main",
                Some(("octo/shop", "deploy.yml")),
            ),
            (
                "octo/shop/.github/workflows/deploy.yml@refs/heads/a@b",
                Some(("octo/shop", "deploy.yml")),
            ),
            (
                "octo/shop.io/.github/workflows/de ploy.yaml@refs/tags/v1",
                Some(("octo/shop.io", "de ploy.yaml")),
            ),
            ("octo/shop/dynamic/pages/build@refs/heads/main", None),
            ("octo/shop/.github/workflows/@refs/heads/main", None),
            ("octo/../.github/workflows/deploy.yml@refs/heads/main", None),
            ("octo/shop/.github/workflows/deploy.yml", None),
        ];
        for (reference, expected) in table {
            let expected =
                expected.map(|(repository, file)| (repository.to_owned(), file.to_owned()));
            assert_eq!(split_reference(reference), expected, "{reference}");
        }
    }

    #[test]
    fn a_run_on_a_tag_or_a_pull_request_has_no_branch() {
        for (reference, expected) in [
            ("refs/heads/main", Some("main")),
            ("refs/tags/main", None),
            ("refs/pull/7/merge", None),
        ] {
            let found = Workflow::from_variables(&variables(&[
                (
                    "GITHUB_WORKFLOW_REF",
                    "octo/shop/.github/workflows/deploy.yml@refs/heads/main",
                ),
                ("GITHUB_REF", reference),
                ("GITHUB_REF_NAME", "main"),
                ("GITHUB_RUN_NUMBER", "41"),
            ]));
            let found = found.unwrap();
            assert_eq!(
                (found.branch.as_deref(), found.number, found.api.as_str()),
                (expected, 41, PUBLIC_API),
                "{reference}"
            );
        }
    }

    #[test]
    fn without_a_workflow_s_variables_there_is_no_workflow() {
        let reference = (
            "GITHUB_WORKFLOW_REF",
            "octo/shop/.github/workflows/deploy.yml@refs/heads/main",
        );
        let (number, no_number) = (("GITHUB_RUN_NUMBER", "41"), ("GITHUB_RUN_NUMBER", "many"));
        for given in [&[][..], &[reference], &[reference, no_number], &[number]] {
            assert_eq!(
                Workflow::from_variables(&variables(given)),
                None,
                "{given:?}"
            );
        }
    }
}
