//! The secrets that a document declares: fetched once, before anything is changed, and masked
//! before anything is reported of them.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use crate::checks::smoke::Suite;
use crate::error::Failure;
use crate::plan::ChecksPlan;
use crate::run::Run;
use crate::secret::Secret;

/// Every secret that the smoke tests use, by the name that it has in them.
pub async fn fetch(run: &Run, checks: &ChecksPlan) -> Result<BTreeMap<String, Secret>, Failure> {
    let wanted = checks.suite.iter().flat_map(Suite::required_secrets);
    let fetched = wanted.map(async |wanted| {
        (
            wanted.name.clone(),
            run.aws
                .get_secret_value(&wanted.id, wanted.key.as_deref())
                .await,
        )
    });
    let mut secrets = BTreeMap::new();
    for (name, value) in join_all(fetched).await {
        let value = value?;
        run.mask_secret(&value);
        secrets.insert(name, value);
    }
    Ok(secrets)
}
