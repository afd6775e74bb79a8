//! `mode: cleanup`: revisions and images that nothing needs any more go, or are only shown.

use std::collections::BTreeSet;

use serde_json::Value;

use super::rollback_target::list_good;
use super::{Ending, Halt, planning, run_step};
use crate::aws::arn::short_name;
use crate::aws::log_retention::LogGroupLookup;
use crate::choices::CleanupEffect;
use crate::cleanup::{self, CleanupDecision, CleanupWorld, Fate, RevisionUse};
use crate::error::Failure;
use crate::event::{CleanupFate, CleanupKind, CleanupRow, CleanupTable, Event, Step};
use crate::observe::uses::{self, UsesQuery, read_unthrottled};
use crate::outcome::{Outcome, Reason};
use crate::plan::CleanupPlan;
use crate::planner::Planner;
use crate::run::Run;
use crate::steps::cleanup::{self as removal, CleanedCounts};
use crate::survey::Snapshot;

/// A rollback can go back to so many of the last good deployments.
const GOOD_DEPLOYMENTS: usize = 5;

/// What was found, and what is to be done.
struct Found {
    decision: CleanupDecision,
    /// Why nothing goes, where a use could not be read.
    unread: Option<String>,
    table: CleanupTable,
    /// The log groups whose retention changes.
    log_groups: Vec<String>,
}

pub(super) async fn clean_up(run: &Run, planner: &Planner) -> Result<Ending, Halt> {
    let plan = planner.cleanup();
    let found = run_step(run, Step::Survey, read(run, planner, &plan), |_| {
        "read".to_owned()
    })
    .await?;
    run.emit(Event::CleanupDecided(Box::new(found.table.clone())));
    let ending = match plan.effect {
        CleanupEffect::Shown => Ending {
            outcome: Outcome::Planned,
            reason: Reason::AsPlanned,
            sentence: format!("{}; nothing was changed", describe(&found.table)),
        },
        CleanupEffect::Done => {
            let cleaned = run_step(run, Step::Cleanup, remove(run, &plan, &found), |cleaned| {
                describe_cleaned(*cleaned, &found)
            })
            .await?;
            Ending {
                outcome: Outcome::Cleaned,
                reason: Reason::AsPlanned,
                sentence: describe_cleaned(cleaned, &found),
            }
        }
    };
    run.emit(Event::Measured {
        reads: run.aws.read_count(),
    });
    Ok(ending)
}

async fn read(run: &Run, planner: &Planner, plan: &CleanupPlan) -> Result<Found, Halt> {
    let snapshot = planning::survey(run, planner).await?;
    let service = snapshot.service.clone().unwrap_or_default();
    let serving = short_name(service.revision()).to_owned();
    let family = serving.split(':').next().unwrap_or_default().to_owned();
    let caller = read_unthrottled(run, || run.aws.identify_caller()).await;
    let caller = caller.ok().map(|caller| caller.describe());
    let query = UsesQuery {
        family: &family,
        repository: plan.repository.as_ref(),
    };
    let (mut world, definition) = read_family(run, query, &serving).await?;
    world.claim_revisions(&serving, caller.as_deref());
    if snapshot.running.is_some() {
        let check = "a deployment of the service is in progress";
        run.emit(Event::Warned {
            sentence: format!("{check}, so that nothing goes; clean up when it is over").into(),
        });
        world.unread.push(check.to_owned());
    }
    add_good_deployments(run, plan, &snapshot, &mut world).await;
    if let Some(repository) = &plan.repository {
        world.images = read_unthrottled(run, || run.aws.list_images(repository))
            .await
            .map_err(Failure::from)?;
    }
    uses::find_uses(run, query, &mut world).await;
    let decision = cleanup::decide(&world, plan.kept);
    let mut table = to_table(&decision);
    let log_groups = read_log_groups(run, plan, &definition, &mut table).await?;
    Ok(Found {
        decision,
        unread: world.unread.first().cloned(),
        table,
        log_groups,
    })
}

/// The ACTIVE revisions of the family, and the definition that serves.
async fn read_family(
    run: &Run,
    query: UsesQuery<'_>,
    serving: &str,
) -> Result<(CleanupWorld, Value), Failure> {
    let arns = read_unthrottled(run, || run.aws.list_all_revisions(query.family)).await?;
    let (mut world, mut definition) = (CleanupWorld::default(), Value::Null);
    let prefix = format!("{}:", query.family);
    for arn in arns
        .iter()
        .filter(|arn| short_name(arn).starts_with(&prefix))
    {
        let described = read_unthrottled(run, || run.aws.describe_task_definition(arn.as_str()));
        let answer = described.await?;
        let revision = uses::to_family_revision(&answer, query);
        if revision.name == serving {
            definition = answer["taskDefinition"].clone();
        }
        world.revisions.push(revision);
    }
    Ok((world, definition))
}

/// The last good deployments stay, so that a rollback has somewhere to go.
async fn add_good_deployments(
    run: &Run,
    plan: &CleanupPlan,
    snapshot: &Snapshot,
    world: &mut CleanupWorld,
) {
    let good = match list_good(run, &plan.history, snapshot).await {
        Ok(good) => good,
        Err(failure) => {
            let check = "the last good deployments are not known";
            run.emit(Event::Warned {
                sentence: format!(
                    "{check}, so that nothing goes: {}; {}",
                    failure.chain.join(": "),
                    failure.hints.join("; ")
                )
                .into(),
            });
            world.unread.push(check.to_owned());
            return;
        }
    };
    let mut kept: BTreeSet<String> = BTreeSet::new();
    for deployment in good {
        let revision = short_name(&deployment.revision).to_owned();
        if kept.len() >= GOOD_DEPLOYMENTS && !kept.contains(&revision) {
            continue;
        }
        if kept.insert(revision.clone()) {
            world.revision_uses.push(RevisionUse {
                revision,
                by: "one of the last good deployments".to_owned(),
            });
        }
    }
}

fn to_table(decision: &CleanupDecision) -> CleanupTable {
    let row = |kind, name: String, fate: &Fate| CleanupRow {
        kind,
        name,
        fate: if fate.goes() {
            CleanupFate::Goes
        } else {
            CleanupFate::Stays
        },
        why: match fate {
            Fate::Goes => "".into(),
            Fate::Stays(why) => why.as_str().into(),
        },
    };
    let revisions = decision.revisions.iter();
    let revisions = revisions.map(|(one, fate)| row(CleanupKind::Revision, one.name.clone(), fate));
    let images = decision.images.iter();
    let images = images.map(|(one, fate)| row(CleanupKind::Image, one.describe(), fate));
    CleanupTable {
        rows: revisions.chain(images).collect(),
    }
}

/// The log groups of the containers that serve, where they keep their lines for another time than
/// is asked for.
async fn read_log_groups(
    run: &Run,
    plan: &CleanupPlan,
    definition: &Value,
    table: &mut CleanupTable,
) -> Result<Vec<String>, Failure> {
    let Some(days) = plan.log_retention else {
        return Ok(Vec::new());
    };
    let mut changing = Vec::new();
    for group in log_groups_of(definition) {
        let found = read_unthrottled(run, || run.aws.read_log_retention(&group)).await?;
        let (fate, why) = match found {
            LogGroupLookup::Missing => {
                (CleanupFate::Stays, "there is no such group yet".to_owned())
            }
            LogGroupLookup::KeepsDays(kept) if kept == days => (
                CleanupFate::Stays,
                format!("it keeps its lines for {days} days already"),
            ),
            LogGroupLookup::KeepsDays(kept) => (
                CleanupFate::Changes,
                format!("keeps its lines for {days} days instead of {kept}"),
            ),
            LogGroupLookup::KeepsForEver => (
                CleanupFate::Changes,
                format!("keeps its lines for {days} days instead of for ever"),
            ),
        };
        table.rows.push(CleanupRow {
            kind: CleanupKind::LogGroup,
            name: group.clone(),
            fate,
            why: why.into(),
        });
        if fate == CleanupFate::Changes {
            changing.push(group);
        }
    }
    Ok(changing)
}

fn log_groups_of(definition: &Value) -> BTreeSet<String> {
    let containers = definition["containerDefinitions"].as_array();
    containers
        .into_iter()
        .flatten()
        .filter_map(|container| {
            let group = container.pointer("/logConfiguration/options/awslogs-group")?;
            group.as_str().map(str::to_owned)
        })
        .collect()
}

async fn remove(run: &Run, plan: &CleanupPlan, found: &Found) -> Result<CleanedCounts, Halt> {
    let mut cleaned = CleanedCounts::default();
    let revisions: Vec<_> = found.decision.revisions_to_go().collect();
    cleaned.revisions = removal::deregister(run, &revisions).await?;
    if let Some(repository) = &plan.repository {
        let images: Vec<_> = found.decision.images_to_go().collect();
        (cleaned.images, cleaned.kept_by_ecr) =
            removal::delete_images(run, repository, &images).await?;
    }
    if let Some(days) = plan.log_retention {
        cleaned.log_groups = removal::set_retention(run, &found.log_groups, days).await?;
    }
    Ok(cleaned)
}

/// "3 revisions and 1 image would go, 20 revisions and 30 images stay".
fn describe(table: &CleanupTable) -> String {
    let count = |fate| {
        let kinds = [CleanupKind::Revision, CleanupKind::Image];
        let looked_at = kinds
            .into_iter()
            .filter(|kind| table.rows.iter().any(|row| row.kind == *kind));
        let counted = looked_at.map(|kind| {
            let count = table.count(kind, fate);
            format!("{count} {}", kind.word(count))
        });
        counted.collect::<Vec<_>>().join(" and ")
    };
    format!(
        "{} would go, {} stay",
        count(CleanupFate::Goes),
        count(CleanupFate::Stays)
    )
}

fn describe_cleaned(cleaned: CleanedCounts, found: &Found) -> String {
    let counts = [
        (cleaned.revisions, CleanupKind::Revision, "deregistered"),
        (cleaned.images, CleanupKind::Image, "deleted"),
        (cleaned.kept_by_ecr, CleanupKind::Image, "kept by ECR"),
        (
            cleaned.log_groups,
            CleanupKind::LogGroup,
            "given the retention",
        ),
    ];
    let parts: Vec<String> = counts
        .into_iter()
        .filter(|(count, _, _)| *count > 0)
        .map(|(count, kind, what)| format!("{count} {} {what}", kind.word(count)))
        .collect();
    match &found.unread {
        Some(unread) => {
            let removed = "no revision and no image was removed";
            let parts = parts.iter().map(|part| format!("; {part}"));
            format!("{removed}: {unread}{}", parts.collect::<String>())
        }
        None if parts.is_empty() => "there was nothing to remove".to_owned(),
        None => parts.join(", "),
    }
}
