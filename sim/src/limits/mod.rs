//! How many requests AWS takes: which bucket a request draws from, and whether there is a token for
//! it.
//!
//! It counts nothing and answers nobody: the ledger counts, the wire refuses. Limits hold in real
//! time under both clocks, because callers poll in real time.

mod bucket;
mod documented;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use bucket::Bucket;

/// Which requests are limited.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limits {
    /// No limits.
    #[default]
    None,
    /// As AWS documents it; where it does not, as the stage chose (`src/limits/documented.rs`).
    Documented,
    /// These and no others.
    Custom(Vec<Limit>),
}

/// A bucket that the operations named share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Its name on `/_stage/limits`.
    pub name: String,
    /// As in `ecs:DescribeServices`; a `*` at the end is any rest.
    pub operations: Vec<String>,
    /// How many requests at once.
    pub burst: f64,
    /// How many a second in the long run.
    pub per_second: f64,
}

impl Limit {
    fn matches(&self, operation: &str) -> bool {
        self.operations
            .iter()
            .any(|pattern| match pattern.strip_suffix('*') {
                Some(start) => operation.starts_with(start),
                None => pattern == operation,
            })
    }
}

/// Whether a request may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It may.
    Allowed,
    /// Its bucket is empty.
    Throttled,
}

/// All buckets of the account.
#[derive(Debug)]
pub(crate) struct Buckets {
    buckets: Mutex<Vec<(Limit, Bucket)>>,
}

impl Buckets {
    /// Full buckets.
    pub(crate) fn new(limits: &Limits, now_ms: i64) -> Self {
        let limits = match limits {
            Limits::None => Vec::new(),
            Limits::Documented => documented::limits(),
            Limits::Custom(limits) => limits.clone(),
        };
        let full = |limit: Limit| {
            let bucket = Bucket::new_full(limit.burst, limit.per_second, now_ms);
            (limit, bucket)
        };
        Self {
            buckets: Mutex::new(limits.into_iter().map(full).collect()),
        }
    }

    fn lock_buckets(&self) -> MutexGuard<'_, Vec<(Limit, Bucket)>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a token for an operation (`ecs:UpdateService`) out of the first bucket that is about
    /// it.
    pub(crate) fn take_token(&self, operation: &str, now_ms: i64) -> Admission {
        let mut all = self.lock_buckets();
        let bucket = all
            .iter_mut()
            .find(|(limit, _)| limit.matches(operation))
            .map(|(_, bucket)| bucket);
        if bucket.is_none_or(|bucket| bucket.take(now_ms)) {
            Admission::Allowed
        } else {
            Admission::Throttled
        }
    }

    /// Every bucket with the tokens that are left.
    pub(crate) fn view(&self, now_ms: i64) -> Value {
        let view = |(limit, bucket): &mut (Limit, Bucket)| {
            json!({ "name": limit.name, "operations": limit.operations, "burst": limit.burst, "per_second": limit.per_second,
                "tokens": bucket.tokens(now_ms) })
        };
        self.lock_buckets().iter_mut().map(view).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count_passed(buckets: &Buckets, operation: &str, requests: usize) -> usize {
        (0..requests)
            .filter(|_| buckets.take_token(operation, 0) == Admission::Allowed)
            .count()
    }

    #[test]
    fn without_limits_everything_passes() {
        assert_eq!(
            count_passed(&Buckets::new(&Limits::None, 0), "ecs:UpdateService", 1000),
            1000
        );
    }

    #[test]
    fn operations_of_one_category_share_its_bucket() {
        let buckets = Buckets::new(&Limits::Documented, 0);
        assert_eq!(
            count_passed(&buckets, "ecs:DeregisterTaskDefinition", 15),
            15
        );
        assert_eq!(count_passed(&buckets, "ecs:RegisterTaskDefinition", 15), 5);
        assert_eq!(count_passed(&buckets, "ecs:DescribeTaskDefinition", 60), 50);
    }

    #[test]
    fn reads_of_codedeploy_do_not_draw_from_its_mutations() {
        let buckets = Buckets::new(&Limits::Documented, 0);
        assert_eq!(count_passed(&buckets, "codedeploy:GetDeployment", 100), 60);
        assert_eq!(
            count_passed(&buckets, "codedeploy:BatchGetDeploymentTargets", 100),
            0
        );
        assert_eq!(
            count_passed(&buckets, "codedeploy:CreateDeployment", 100),
            20
        );
    }

    #[test]
    fn an_operation_without_a_bucket_is_not_limited() {
        assert_eq!(
            count_passed(
                &Buckets::new(&Limits::Documented, 0),
                "sts:GetCallerIdentity",
                1000
            ),
            1000
        );
    }

    #[test]
    fn custom_limits_are_written_as_json() {
        let text = r#"{ "custom": [{ "name": "all", "operations": ["ecs:*"], "burst": 1, "per_second": 0.5 }] }"#;
        let limits: Limits = serde_json::from_str(text).expect("limits");
        assert_eq!(
            count_passed(&Buckets::new(&limits, 0), "ecs:ListTasks", 3),
            1
        );
        assert_eq!(
            serde_json::from_str::<Limits>("\"documented\"").expect("limits"),
            Limits::Documented
        );
    }
}
