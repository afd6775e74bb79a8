//! `mode: drift`: what differs on the service from what the last deployment of this action left.
//! Nothing is written.

use super::{Ending, Halt, planning, run_step};
use crate::aws::arn::short_name;
use crate::aws::ecs_shapes::Service;
use crate::aws::scaling::resource_id;
use crate::clock::format_rfc3339;
use crate::documents::compare::{ShownField, diff, is_equivalent};
use crate::documents::deployment_configuration::HookIdentity;
use crate::documents::described::from_described;
use crate::documents::service_fields::{canonical_fields, desired_count};
use crate::drift::{DeployedState, DeploymentRecord, RECORD_TAG, RecordedRun};
use crate::event::{DriftState, DriftedField, Event, FoundDrift, LastRecord, Step};
use crate::outcome::{Outcome, Reason};
use crate::planner::Planner;
use crate::run::Run;
use crate::survey::{RegisteredRevision, Snapshot};
use crate::text::Text;

pub(super) async fn find(run: &Run, planner: &Planner) -> Result<Ending, Halt> {
    let snapshot = planning::survey(run, planner);
    let looked = async {
        let snapshot = snapshot.await?;
        let found = look(run, &snapshot, planner.shown_values()).await;
        Ok::<_, Halt>((snapshot, found))
    };
    let (snapshot, found) = run_step(run, Step::Survey, looked, |_| "read".to_owned()).await?;
    let drift = found.unwrap_or_else(|| {
        let why = "the service was not read".to_owned();
        unknown(DriftState::Unrecorded, None, why)
    });
    if drift.state == DriftState::Unrecorded {
        run.emit(Event::Warned {
            sentence: drift.sentence().into(),
        });
    }
    let ending = ending(&snapshot, &drift);
    run.emit(Event::Drift(Box::new(drift)));
    run.emit(Event::Measured {
        reads: run.aws.read_count(),
    });
    Ok(ending)
}

/// What differs now; none without a service.
pub(super) async fn look(
    run: &Run,
    snapshot: &Snapshot,
    shown_values: &[ShownField],
) -> Option<FoundDrift> {
    let service = snapshot.service.as_ref()?;
    if snapshot.running.is_some() || service.is_changing() {
        let why = "a deployment of the service is in progress, or blue is still kept; look again when it is over";
        return Some(unknown(DriftState::Changing, None, why.to_owned()));
    }
    let tag = service.tag(RECORD_TAG);
    Some(match tag.map(DeploymentRecord::from_tag) {
        None => unknown(
            DriftState::Unrecorded,
            None,
            "no deployment of this action is recorded on the service; the next one that ends deployed is"
                .to_owned(),
        ),
        Some(None) => unknown(
            DriftState::Unrecorded,
            None,
            format!("this version of the action did not write the service's tag {RECORD_TAG}; the next deployment replaces it"),
        ),
        Some(Some(DeploymentRecord::Unfinished(by))) => {
            let since = last_record(&by);
            let why = format!(
                "run {} started a deployment and did not see its end; the next one that ends deployed is recorded",
                since.run
            );
            unknown(DriftState::Unrecorded, Some(since), why)
        }
        Some(Some(DeploymentRecord::Deployed(state))) => {
            compare(run, service, snapshot.live_revision.as_ref(), &state, shown_values).await
        }
    })
}

fn unknown(state: DriftState, since: Option<LastRecord>, why: String) -> FoundDrift {
    FoundDrift {
        state,
        why: Some(why.into()),
        since,
        changes: Vec::new(),
        remedies: Vec::new(),
        notes: Vec::new(),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "seconds of the epoch are far below the limit"
)]
fn last_record(by: &RecordedRun) -> LastRecord {
    LastRecord {
        run: by.run.clone(),
        time: format_rfc3339(by.at as f64),
    }
}

async fn compare(
    run: &Run,
    service: &Service,
    live: Option<&RegisteredRevision>,
    state: &DeployedState,
    shown_values: &[ShownField],
) -> FoundDrift {
    let pause = service.tagged_pause();
    let fields = canonical_fields(&service.answer, HookIdentity::from_pause(pause.as_ref()));
    let mut drift = FoundDrift {
        state: DriftState::None,
        why: None,
        since: Some(last_record(&state.by)),
        changes: Vec::new(),
        remedies: Vec::new(),
        notes: Vec::new(),
    };
    if let Some(changed) = compare_revision(run, service, live, state, shown_values).await {
        drift.remedies.push(
            format!(
                "mode: rollback with rollback-to: {} brings back what was deployed",
                state.revision_name(service.revision())
            )
            .into(),
        );
        drift.changes.push(changed);
    }
    let before = drift.changes.len();
    match compare_count(run, service, state).await {
        CountDifference::None => {}
        CountDifference::Changed(changed) => drift.changes.push(changed),
        CountDifference::NotCompared(note) => drift.notes.push(note),
    }
    let named = state.differing_fields(&fields);
    drift
        .changes
        .extend(named.into_iter().map(|field| DriftedField {
            field: field.to_owned(),
            detail: Text::default(),
            changes: Vec::new(),
        }));
    if drift.changes.len() > before {
        let remedy = "set it back where the service is described, or with aws ecs update-service";
        drift.remedies.push(remedy.into());
    }
    if !drift.changes.is_empty() {
        drift.state = DriftState::Found;
        let keep = "to keep it, describe it where the service is described, and deploy: a deployment that ends deployed records what is there then (force-new-deployment: true where it would change nothing)";
        drift.remedies.push(keep.into());
    }
    drift
}

/// The revision that serves, where it is not what was deployed.
async fn compare_revision(
    run: &Run,
    service: &Service,
    live: Option<&RegisteredRevision>,
    state: &DeployedState,
    shown_values: &[ShownField],
) -> Option<DriftedField> {
    let revision = service.revision();
    if state.is_revision(revision) {
        return None;
    }
    let deployed = state.revision_name(revision);
    let now = short_name(revision);
    let mut detail = format!("{now} serves, {deployed} was deployed");
    let mut changes = Vec::new();
    if let Some(live) = live {
        if state.is_content(&live.answer) {
            return None;
        }
        detail.push_str(&describe_registration(now, &live.answer));
        match run.aws.describe_task_definition(&deployed).await {
            Ok(recorded) => {
                let now = from_described(&live.answer);
                if is_equivalent(&now, &recorded) {
                    return None;
                }
                let differing = diff(&from_described(&recorded), &now, shown_values);
                changes.extend(
                    differing
                        .iter()
                        .map(|change| Text::from(change.to_string())),
                );
            }
            Err(error) => {
                let note = format!("what differs in it cannot be shown: {error}");
                changes.push(Text::from(note));
            }
        }
    }
    Some(DriftedField {
        field: "taskDefinition".to_owned(),
        detail: detail.into(),
        changes,
    })
}

/// Who registered the revision and when, where AWS says so.
fn describe_registration(name: &str, answer: &serde_json::Value) -> String {
    let definition = &answer["taskDefinition"];
    let by = definition["registeredBy"].as_str();
    let at = definition["registeredAt"].as_f64().map(format_rfc3339);
    match (by, at.filter(|time| !time.is_empty())) {
        (Some(by), Some(time)) => format!("; {name} was registered by {by} at {time}"),
        (Some(by), None) => format!("; {name} was registered by {by}"),
        (None, Some(time)) => format!("; {name} was registered at {time}"),
        (None, None) => String::new(),
    }
}

enum CountDifference {
    None,
    Changed(DriftedField),
    NotCompared(Text),
}

/// The number of tasks, unless Application Auto Scaling sets it.
async fn compare_count(run: &Run, service: &Service, state: &DeployedState) -> CountDifference {
    let (Some(now), Some(deployed)) = (desired_count(&service.answer), state.desired_count) else {
        return CountDifference::None;
    };
    if now == deployed {
        return CountDifference::None;
    }
    let resource = resource_id(&service.cluster_arn, &service.service_name);
    match run.aws.describe_scalable_target(&resource).await {
        Ok(Some(_)) => CountDifference::None,
        Ok(None) => CountDifference::Changed(DriftedField {
            field: "desiredCount".to_owned(),
            detail: format!("{now} now, {deployed} was deployed").into(),
            changes: Vec::new(),
        }),
        Err(error) => CountDifference::NotCompared(
            format!("desiredCount is {now} and was {deployed}; whether autoscaling has set it is not known ({error})").into(),
        ),
    }
}

fn ending(snapshot: &Snapshot, drift: &FoundDrift) -> Ending {
    let serves = snapshot
        .service
        .as_ref()
        .map(|service| short_name(service.revision()).to_owned())
        .unwrap_or_default();
    let (outcome, reason) = match drift.state {
        DriftState::None => (Outcome::NoDrift, Reason::AsPlanned),
        DriftState::Found => (Outcome::Drifted, Reason::Drift),
        DriftState::Changing => (Outcome::DriftUnknown, Reason::AlreadyRunning),
        DriftState::Unrecorded => (Outcome::DriftUnknown, Reason::NotRecorded),
    };
    Ending {
        outcome,
        reason,
        sentence: format!("{serves} serves production; {}", drift.sentence()),
    }
}
