//! Comments on a pull request: one is kept for each subject, and written anew.
//!
//! A comment is known by a marker in its first line, which names the subject and the run, and by
//! its author: everybody may write a comment with a marker, and could change it afterwards. Two runs
//! at once may both write a first comment; each of them looks again, and the oldest one stays.

use octocrab::Octocrab;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{self, GithubError, read_answer};
use super::pull_request::PullRequestRun;
use crate::secret::Secret;

const PER_PAGE: usize = 100;
/// Comments come oldest first, so that ours is on the first pages; more are not looked at.
const MAX_PAGES: usize = 10;
const MARKER_BEGIN: &str = "<!-- ecs-bluegreen-action";

/// The first line of a comment of ours, which nobody sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// What the comment is about, in hexadecimal digits.
    pub subject: String,
    /// The id and the attempt of the run that wrote it; a later run has greater ones.
    pub run: (u64, u64),
}

impl Marker {
    /// The line.
    pub fn to_line(&self) -> String {
        let (id, attempt) = self.run;
        format!("{MARKER_BEGIN} {} {id}.{attempt} -->", self.subject)
    }

    /// Reads the first line of a comment.
    fn from_body(body: &str) -> Option<Self> {
        let line = body.lines().next()?.trim_end();
        let words = line.strip_prefix(MARKER_BEGIN)?.strip_suffix("-->")?;
        let (subject, run) = words.trim().split_once(' ')?;
        let (id, attempt) = run.split_once('.')?;
        Some(Self {
            subject: subject.to_owned(),
            run: (id.parse().ok()?, attempt.parse().ok()?),
        })
    }
}

/// What became of a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommentWritten {
    /// It is on the pull request.
    Written,
    /// A later run has written it, and knows better.
    LeftToLaterRun,
}

/// The comments of a pull request.
#[derive(Debug)]
pub struct IssueComments<'r> {
    client: Octocrab,
    run: &'r PullRequestRun,
    number: u64,
}

#[derive(Debug, Clone, Deserialize)]
struct IssueComment {
    id: u64,
    #[serde(default)]
    body: Option<String>,
    user: Option<CommentAuthor>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct CommentAuthor {
    login: String,
    #[serde(rename = "type", default)]
    kind: String,
}

/// A comment of ours, by its marker.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OwnComment {
    id: u64,
    run: (u64, u64),
}

impl<'r> IssueComments<'r> {
    /// Prepares the client, with the proxy of the environment; nothing is sent.
    ///
    /// # Errors
    /// The API's address is no URL, or the token is none.
    pub fn connect(
        run: &'r PullRequestRun,
        number: u64,
        token: &Secret,
    ) -> Result<Self, GithubError> {
        let client = client::connect(&run.api, token)?;
        Ok(Self {
            client,
            run,
            number,
        })
    }

    /// Writes the comment of a subject, in place where there is one. `body` begins with the marker.
    ///
    /// # Errors
    /// GitHub refused or did not answer. A comment may have been written all the same.
    pub async fn write(&self, marker: &Marker, body: &str) -> Result<CommentWritten, GithubError> {
        let own = self.list_own(marker).await?;
        if is_written_later(&own, marker) {
            return Ok(CommentWritten::LeftToLaterRun);
        }
        if let Some((first, others)) = own.split_first() {
            self.update(first.id, body).await?;
            self.delete_older(others, marker).await?;
        } else {
            let id = self.create(body).await?;
            self.keep_one(id, marker, body).await?;
        }
        Ok(CommentWritten::Written)
    }

    /// Another run may have written a first comment at the same time: the oldest one stays.
    async fn keep_one(&self, created: u64, marker: &Marker, body: &str) -> Result<(), GithubError> {
        let own = self.list_own(marker).await?;
        let Some((first, others)) = own.split_first() else {
            return Ok(());
        };
        if first.id == created {
            return self.delete_older(others, marker).await;
        }
        if !is_written_later(&own, marker) {
            self.update(first.id, body).await?;
        }
        self.delete(created).await
    }

    /// Those of later runs are left to them: they look for this one too.
    async fn delete_older(
        &self,
        others: &[OwnComment],
        marker: &Marker,
    ) -> Result<(), GithubError> {
        for other in others.iter().filter(|other| other.run <= marker.run) {
            self.delete(other.id).await?;
        }
        Ok(())
    }

    /// Our comments about the subject, the oldest first.
    async fn list_own(&self, marker: &Marker) -> Result<Vec<OwnComment>, GithubError> {
        let mut marked = Vec::new();
        for page in 1..=MAX_PAGES {
            let comments = self.read_page(page).await?;
            let is_last = comments.len() < PER_PAGE;
            marked.extend(comments.into_iter().filter_map(|comment| {
                let found = Marker::from_body(comment.body.as_deref()?)?;
                (found.subject == marker.subject).then_some((comment, found.run))
            }));
            if is_last {
                break;
            }
        }
        let is_person = |(comment, _): &(IssueComment, _)| !is_bot(comment.user.as_ref());
        // A token of a person is told by asking; that of a job or an app may not ask.
        let login = if marked.iter().any(is_person) {
            self.read_login().await
        } else {
            None
        };
        let mut own: Vec<OwnComment> = marked
            .into_iter()
            .filter(|(comment, _)| is_ours(comment.user.as_ref(), login.as_deref()))
            .map(|(comment, run)| OwnComment {
                id: comment.id,
                run,
            })
            .collect();
        own.sort_by_key(|comment| comment.id);
        Ok(own)
    }

    async fn read_page(&self, page: usize) -> Result<Vec<IssueComment>, GithubError> {
        let route = format!("{}?per_page={PER_PAGE}&page={page}", self.list_route());
        let answer = self.client._get(route).await?;
        read_answer(answer.map(reqwest::Body::wrap).into()).await
    }

    async fn read_login(&self) -> Option<String> {
        let answer = self.client._get("/user").await.ok()?;
        let user: CommentAuthor = read_answer(answer.map(reqwest::Body::wrap).into())
            .await
            .ok()?;
        Some(user.login)
    }

    async fn create(&self, body: &str) -> Result<u64, GithubError> {
        let body = json!({ "body": body });
        let answer = self.client._post(self.list_route(), Some(&body)).await?;
        let made: IssueComment = read_answer(answer.map(reqwest::Body::wrap).into()).await?;
        Ok(made.id)
    }

    async fn update(&self, id: u64, body: &str) -> Result<(), GithubError> {
        let body = json!({ "body": body });
        let answer = self.client._patch(self.route(id), Some(&body)).await?;
        read_answer::<Value>(answer.map(reqwest::Body::wrap).into())
            .await
            .map(drop)
    }

    /// It is no error when it is gone.
    async fn delete(&self, id: u64) -> Result<(), GithubError> {
        let answer = self.client._delete(self.route(id), None::<&()>).await?;
        match read_answer::<Value>(answer.map(reqwest::Body::wrap).into()).await {
            Ok(_) | Err(GithubError::Answered { status: 404, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn list_route(&self) -> String {
        format!(
            "/repos/{}/issues/{}/comments",
            self.run.repository, self.number
        )
    }

    fn route(&self, id: u64) -> String {
        format!("/repos/{}/issues/comments/{id}", self.run.repository)
    }
}

fn is_bot(author: Option<&CommentAuthor>) -> bool {
    author.is_some_and(|author| author.kind == "Bot")
}

/// Jobs and apps write as bots; what a person wrote is ours only if the token is this person's.
fn is_ours(author: Option<&CommentAuthor>, login: Option<&str>) -> bool {
    is_bot(author) || author.is_some_and(|author| login == Some(author.login.as_str()))
}

fn is_written_later(own: &[OwnComment], marker: &Marker) -> bool {
    own.iter().any(|comment| comment.run > marker.run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_known_by_its_first_line() {
        let marker = Marker {
            subject: "3f2a".to_owned(),
            run: (4711, 2),
        };
        let body = format!("{}\n## planned", marker.to_line());
        assert_eq!(Marker::from_body(&body), Some(marker));
        for other in [
            "",
            "## planned",
            "> <!-- ecs-bluegreen-action 3f2a 1.1 -->",
            "<!-- ecs-bluegreen-action 3f2a -->",
            "<!-- ecs-bluegreen-action 3f2a one.two -->",
        ] {
            assert_eq!(Marker::from_body(other), None, "{other}");
        }
    }

    #[test]
    fn what_a_stranger_wrote_is_not_ours() {
        let author = |kind: &str| CommentAuthor {
            login: "mallory".to_owned(),
            kind: kind.to_owned(),
        };
        assert!(is_ours(Some(&author("Bot")), None));
        assert!(is_ours(Some(&author("User")), Some("mallory")));
        assert!(!is_ours(Some(&author("User")), Some("octocat")));
        assert!(!is_ours(Some(&author("User")), None));
        assert!(!is_ours(None, Some("octocat")));
    }
}
