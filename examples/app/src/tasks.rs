//! The tasks that people have: made, listed, read, removed. In memory, and so of this container
//! alone.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http_body_util::{BodyExt, Limited};
use hyper::body::Body;
use hyper::header::LOCATION;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::answer::{self, Answer};
use crate::journal;

/// Far more than any task.
const BODY_LIMIT: usize = 16 * 1024;
/// A service without real users must not fill its memory: the oldest task goes.
const TASKS: usize = 1_000;

/// All tasks.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    made: u64,
    by_id: BTreeMap<u64, Value>,
}

impl Tasks {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a request of `/tasks` or below; none for a method that is not allowed there.
    pub(crate) async fn answer<B: Body>(
        &self,
        method: &Method,
        path: &str,
        body: B,
    ) -> Option<Answer>
    where
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let id = path.strip_prefix("/tasks/");
        match (id, method) {
            (None, &Method::GET | &Method::HEAD) => Some(self.list()),
            (None, &Method::POST) => Some(self.make(body).await),
            (Some(id), &Method::GET | &Method::HEAD) => Some(self.read(id)),
            (Some(id), &Method::DELETE) => Some(self.remove(id)),
            (_, _) => None,
        }
    }

    fn list(&self) -> Answer {
        let kept = self.kept();
        let tasks: Vec<&Value> = kept.by_id.values().collect();
        answer::json(
            StatusCode::OK,
            &json!({ "total": tasks.len(), "tasks": tasks }),
        )
    }

    async fn make<B: Body>(&self, body: B) -> Answer
    where
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
            return answer::empty(StatusCode::PAYLOAD_TOO_LARGE);
        };
        let body: Value = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
        let Some(title) = body
            .get("title")
            .and_then(Value::as_str)
            .filter(|title| !title.is_empty())
        else {
            return answer::json(
                StatusCode::UNPROCESSABLE_ENTITY,
                &json!({ "error": "a task has a title" }),
            );
        };
        let mut kept = self.kept();
        kept.made += 1;
        let (id, task) = (
            kept.made,
            json!({ "id": kept.made, "title": title, "done": false, "created": journal::now() }),
        );
        kept.by_id.insert(id, task.clone());
        if kept.by_id.len() > TASKS {
            kept.by_id.pop_first();
        }
        answer::with(
            answer::json(StatusCode::CREATED, &task),
            LOCATION,
            &format!("/tasks/{id}"),
        )
    }

    fn read(&self, id: &str) -> Answer {
        let found = id
            .parse()
            .ok()
            .and_then(|id: u64| self.kept().by_id.get(&id).cloned());
        found.map_or_else(no_such_task, |task| answer::json(StatusCode::OK, &task))
    }

    fn remove(&self, id: &str) -> Answer {
        let removed = id
            .parse()
            .ok()
            .and_then(|id: u64| self.kept().by_id.remove(&id));
        removed.map_or_else(no_such_task, |_| answer::empty(StatusCode::NO_CONTENT))
    }
}

fn no_such_task() -> Answer {
    answer::json(StatusCode::NOT_FOUND, &json!({ "error": "no such task" }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Full;
    use hyper::body::Bytes;

    async fn ask(tasks: &Tasks, method: Method, path: &str, body: &str) -> (u16, Value) {
        let answer = tasks
            .answer(&method, path, Full::<Bytes>::from(body.to_owned()))
            .await
            .expect("allowed");
        let status = answer.status().as_u16();
        let bytes = answer
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    #[tokio::test]
    async fn a_task_is_made_read_listed_and_removed() {
        let tasks = Tasks::default();
        let (status, task) = ask(&tasks, Method::POST, "/tasks", r#"{"title":"buy milk"}"#).await;
        assert_eq!(
            (status, &task["id"], &task["title"], &task["done"]),
            (201, &json!(1), &json!("buy milk"), &json!(false))
        );
        assert_eq!(
            ask(&tasks, Method::GET, "/tasks/1", "").await,
            (200, task.clone())
        );
        assert_eq!(
            ask(&tasks, Method::GET, "/tasks", "").await,
            (200, json!({ "total": 1, "tasks": [task] }))
        );
        assert_eq!(ask(&tasks, Method::DELETE, "/tasks/1", "").await.0, 204);
        assert_eq!(ask(&tasks, Method::GET, "/tasks/1", "").await.0, 404);
        assert_eq!(ask(&tasks, Method::DELETE, "/tasks/1", "").await.0, 404);
    }

    #[tokio::test]
    async fn what_is_no_task_is_refused() {
        let tasks = Tasks::default();
        for body in ["", "{}", r#"{"title":""}"#, r#"{"title":7}"#] {
            assert_eq!(
                ask(&tasks, Method::POST, "/tasks", body).await.0,
                422,
                "{body}"
            );
        }
        assert_eq!(ask(&tasks, Method::GET, "/tasks/x", "").await.0, 404);
        assert!(
            tasks
                .answer(&Method::PUT, "/tasks/1", Full::<Bytes>::default())
                .await
                .is_none()
        );
    }

    #[tokio::test]
    async fn the_oldest_goes_when_there_are_too_many() {
        let tasks = Tasks::default();
        for _ in 0..=TASKS {
            ask(&tasks, Method::POST, "/tasks", r#"{"title":"more"}"#).await;
        }
        assert_eq!(
            ask(&tasks, Method::GET, "/tasks", "").await.1["total"],
            TASKS
        );
        assert_eq!(ask(&tasks, Method::GET, "/tasks/1", "").await.0, 404);
    }
}
