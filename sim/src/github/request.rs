//! What a request to GitHub asks: which operation, with which filters and page. Pure.

use std::collections::BTreeMap;

use hyper::Method;

use super::options::GithubRun;

/// GitHub's page when none is asked for, and its largest.
const DEFAULT_PAGE: usize = 30;
const MAX_PAGE: usize = 100;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RequestedOperation {
    /// The runs of a workflow.
    Runs {
        repository: String,
        workflow: String,
    },
    Run {
        repository: String,
        id: String,
    },
    /// The runs of a commit's checks.
    Checks {
        repository: String,
        commit: String,
    },
    /// An ID token of the job.
    IdToken,
    /// The comments of a pull request: listing them, or writing one.
    Comments {
        repository: String,
        pull_request: String,
        method: CommentMethod,
    },
    /// One comment: writing it anew, or deleting it.
    Comment {
        repository: String,
        id: String,
        method: CommentMethod,
    },
    /// Who the token's owner is.
    User,
    /// Something that the stage does not have.
    Unknown,
}

/// What is done with comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CommentMethod {
    List,
    Create,
    Update,
    Delete,
}

impl CommentMethod {
    fn from_http(method: &Method) -> Option<Self> {
        match *method {
            Method::GET => Some(Self::List),
            Method::POST => Some(Self::Create),
            Method::PATCH => Some(Self::Update),
            Method::DELETE => Some(Self::Delete),
            _ => None,
        }
    }

    const fn operation(self) -> &'static str {
        match self {
            Self::List => "ListIssueComments",
            Self::Create => "CreateIssueComment",
            Self::Update => "UpdateIssueComment",
            Self::Delete => "DeleteIssueComment",
        }
    }
}

impl RequestedOperation {
    /// By the method and the path below the API's root.
    pub(super) fn parse(method: &Method, path: &str) -> Self {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let own = |text: &str| text.to_owned();
        match parts.as_slice() {
            ["repos", owner, name, "actions", "workflows", file, "runs"] => Self::Runs {
                repository: format!("{owner}/{name}"),
                workflow: own(file),
            },
            ["repos", owner, name, "actions", "runs", id] => Self::Run {
                repository: format!("{owner}/{name}"),
                id: own(id),
            },
            ["repos", owner, name, "commits", commit, "check-runs"] => Self::Checks {
                repository: format!("{owner}/{name}"),
                commit: own(commit),
            },
            ["id-token"] => Self::IdToken,
            ["repos", owner, name, "issues", number, "comments"] => {
                let method = CommentMethod::from_http(method);
                let listed = [CommentMethod::List, CommentMethod::Create];
                match method.filter(|method| listed.contains(method)) {
                    Some(method) => Self::Comments {
                        repository: format!("{owner}/{name}"),
                        pull_request: own(number),
                        method,
                    },
                    None => Self::Unknown,
                }
            }
            ["repos", owner, name, "issues", "comments", id] => {
                let method = CommentMethod::from_http(method);
                let single = [CommentMethod::Update, CommentMethod::Delete];
                match method.filter(|method| single.contains(method)) {
                    Some(method) => Self::Comment {
                        repository: format!("{owner}/{name}"),
                        id: own(id),
                        method,
                    },
                    None => Self::Unknown,
                }
            }
            ["user"] if *method == Method::GET => Self::User,
            _ => Self::Unknown,
        }
    }

    /// Whether it changes anything.
    pub(super) fn is_write(&self) -> bool {
        match self {
            Self::Comments { method, .. } | Self::Comment { method, .. } => {
                *method != CommentMethod::List
            }
            Self::Runs { .. }
            | Self::Run { .. }
            | Self::Checks { .. }
            | Self::IdToken
            | Self::User
            | Self::Unknown => false,
        }
    }

    /// The operation's name in the ledger.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Runs { .. } => "ListWorkflowRuns",
            Self::Run { .. } => "GetWorkflowRun",
            Self::Checks { .. } => "ListCheckRunsForRef",
            Self::IdToken => "GetIdToken",
            Self::Comments { method, .. } | Self::Comment { method, .. } => method.operation(),
            Self::User => "GetAuthenticatedUser",
            Self::Unknown => "GetSomething",
        }
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Query(BTreeMap<String, String>);

impl Query {
    pub(super) fn parse(query: &str) -> Self {
        Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// Whether a run passes every filter. `status` is about the conclusion too.
    pub(super) fn matches(&self, run: &GithubRun) -> bool {
        self.0.iter().all(|(name, wanted)| match name.as_str() {
            "branch" => run.branch == *wanted,
            "event" => run.event == *wanted,
            "actor" => run.actor == *wanted,
            "head_sha" => run.sha == *wanted,
            "status" => run.status == *wanted || run.conclusion.as_ref() == Some(wanted),
            _ => true,
        })
    }

    fn number(&self, name: &str, default: usize) -> usize {
        self.0
            .get(name)
            .and_then(|text| text.parse().ok())
            .filter(|number| *number > 0)
            .unwrap_or(default)
    }

    /// The page, counted from 1.
    pub(super) fn page(&self) -> usize {
        self.number("page", 1)
    }

    /// How many runs a page has.
    pub(super) fn per_page(&self) -> usize {
        self.number("per_page", DEFAULT_PAGE).min(MAX_PAGE)
    }

    /// The same query, for another page.
    pub(super) fn with_page(&self, page: usize) -> String {
        let others = self.0.iter().filter(|(name, _)| name.as_str() != "page");
        let page = ("page", page.to_string());
        let mut query = form_urlencoded::Serializer::new(String::new());
        query
            .extend_pairs(others)
            .append_pair(page.0, &page.1)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_of_runs_are_known() {
        let repository = "org/repo".to_owned();
        let runs = RequestedOperation::Runs {
            repository: repository.clone(),
            workflow: "deploy.yml".to_owned(),
        };
        assert_eq!(
            RequestedOperation::parse(
                &Method::GET,
                "repos/org/repo/actions/workflows/deploy.yml/runs"
            ),
            runs
        );
        assert_eq!(
            RequestedOperation::parse(&Method::GET, "repos/org/repo/actions/runs/7"),
            RequestedOperation::Run {
                repository,
                id: "7".to_owned()
            }
        );
        assert_eq!(
            RequestedOperation::parse(&Method::GET, "repos/org/repo/actions/runs/7/jobs"),
            RequestedOperation::Unknown
        );
    }

    #[test]
    fn a_status_is_also_a_conclusion_and_unknown_filters_filter_nothing() {
        let run = GithubRun::new_successful(1, 1, "a");
        let table = [
            ("status=success", true),
            ("status=completed", true),
            ("status=failure", false),
            ("branch=main&exclude_pull_requests=1", true),
        ];
        for (query, fits) in table {
            assert_eq!(Query::parse(query).matches(&run), fits, "{query}");
        }
    }

    #[test]
    fn a_page_has_thirty_runs_and_never_more_than_a_hundred() {
        let table = [
            ("", (1, 30)),
            ("page=3&per_page=10", (3, 10)),
            ("page=0&per_page=500", (1, 100)),
        ];
        for (query, expected) in table {
            assert_eq!(
                (Query::parse(query).page(), Query::parse(query).per_page()),
                expected,
                "{query}"
            );
        }
        assert_eq!(
            Query::parse("page=2&branch=a%2Fb").with_page(3),
            "branch=a%2Fb&page=3"
        );
    }
}
