//! The mode, and what happens with other runs, approvals and cancellation.

use super::collect::ProblemCollector;
use crate::choices::{Approval, IfRunning, OnCancel, ScaleIn, StaleRun};
use crate::identity::RolloutId;
use crate::inputs::Inputs;
use crate::outcome::Mode;
use crate::plan_digest::is_digest;
use crate::secret::Secret;

/// The words of the input `comment`.
const COMMENTS: [(&str, ()); 2] = [("auto", ()), ("never", ())];

/// Settings for other runs, approvals and cancellation.
#[derive(Debug, Clone)]
pub struct ControlSettings {
    /// What to do when a rollout is in progress; when none, what lets the newest commit serve
    /// ([`crate::survey::Snapshot::if_running`]).
    pub if_running: Option<IfRunning>,
    /// What to do when the job is cancelled.
    pub on_cancel: OnCancel,
    /// Who opens green's gate.
    pub approval: Approval,
    /// What to do when a newer run has deployed.
    pub stale_run: StaleRun,
    /// What happens to scale-in during the rollout.
    pub scale_in: ScaleIn,
    /// The revision or deployment to go back to.
    pub rollback_to: Option<String>,
    /// The deployment that is answered or followed.
    pub deployment: Option<RolloutId>,
    /// The token with which the workflow's runs are read.
    pub github_token: Option<Secret>,
    /// Whether a rollback skips the smoke tests.
    pub skip_checks: bool,
    /// The digest of the plan that was reviewed.
    pub reviewed_plan: Option<String>,
    /// Whether a plan with changes fails the run.
    pub fail_on_changes: bool,
}

pub(super) fn settings(inputs: &Inputs, collect: &mut ProblemCollector) -> (Mode, ControlSettings) {
    let mode = collect
        .read_choice("mode", inputs.mode.as_deref(), &Mode::WORDS)
        .unwrap_or(Mode::Deploy);
    let running = [
        ("fail", IfRunning::Fail),
        ("wait", IfRunning::Wait),
        ("supersede", IfRunning::Supersede),
    ];
    let cancel = [("rollback", OnCancel::Rollback), ("leave", OnCancel::Leave)];
    let approval = [
        ("none", Approval::None),
        ("before-traffic", Approval::BeforeTraffic),
    ];
    let stale = [("refuse", StaleRun::Refuse), ("allow", StaleRun::Allow)];
    let control = ControlSettings {
        if_running: collect.read_choice("if-running", inputs.if_running.as_deref(), &running),
        on_cancel: collect
            .read_choice("on-cancel", inputs.on_cancel.as_deref(), &cancel)
            .unwrap_or(OnCancel::Rollback),
        approval: collect
            .read_choice("approval", inputs.approval.as_deref(), &approval)
            .unwrap_or(Approval::None),
        stale_run: collect
            .read_choice("stale-run", inputs.stale_run.as_deref(), &stale)
            .unwrap_or(StaleRun::Refuse),
        scale_in: read_scale_in(inputs, collect),
        rollback_to: inputs.rollback_to.clone(),
        deployment: inputs.deployment.as_deref().map(RolloutId::from),
        github_token: inputs.github_token.clone().map(Secret::new),
        skip_checks: collect
            .read_bool("skip-checks", inputs.skip_checks.as_deref())
            .unwrap_or(false),
        reviewed_plan: reviewed_plan(inputs, collect),
        fail_on_changes: collect
            .read_bool("fail-on-changes", inputs.fail_on_changes.as_deref())
            .unwrap_or(false),
    };
    // Who writes the comment reads the input by itself, because refused inputs are commented too.
    let _ = collect.read_choice("comment", inputs.comment.as_deref(), &COMMENTS);
    check_mode_inputs(mode, inputs, collect);
    (mode, control)
}

fn reviewed_plan(inputs: &Inputs, collect: &mut ProblemCollector) -> Option<String> {
    let digest = inputs.plan_digest.as_ref()?;
    if !is_digest(digest) {
        collect.add_problem(
            "plan-digest",
            "it is not the digest of a plan that this version of the action makes",
            "give the output plan-digest of a run with mode: plan",
        );
    }
    Some(digest.clone())
}

fn read_scale_in(inputs: &Inputs, collect: &mut ProblemCollector) -> ScaleIn {
    match collect.read_bool("suspend-autoscaling", inputs.suspend_autoscaling.as_deref()) {
        Some(true) => ScaleIn::Suspended,
        Some(false) | None => ScaleIn::Allowed,
    }
}

/// The remedy for what only a cleanup reads.
const CLEANUP: &str = "set mode: cleanup, or leave it out";

/// An input that only another mode uses is a mistake, which is reported before anything happens.
fn check_mode_inputs(mode: Mode, inputs: &Inputs, collect: &mut ProblemCollector) {
    let is_misplaced =
        |input: &Option<String>, modes: &[Mode]| input.is_some() && !modes.contains(&mode);
    let misplaced = [
        (
            "rollback-to",
            is_misplaced(&inputs.rollback_to, &[Mode::Rollback]),
            "set mode: rollback, or leave it out",
        ),
        (
            "skip-checks",
            is_misplaced(&inputs.skip_checks, &[Mode::Rollback]),
            "leave smoke-tests out to deploy without them",
        ),
        (
            "migrate",
            is_misplaced(
                &inputs.migrate,
                &[Mode::Deploy, Mode::Plan, Mode::Verify, Mode::Migrate],
            ),
            "set mode: deploy, plan, verify or migrate, or leave it out",
        ),
        (
            "plan-digest",
            is_misplaced(&inputs.plan_digest, &[Mode::Deploy]),
            "set mode: deploy, or leave it out",
        ),
        (
            "fail-on-changes",
            is_misplaced(&inputs.fail_on_changes, &[Mode::Plan]),
            "set mode: plan, or leave it out",
        ),
        (
            "dry-run",
            is_misplaced(&inputs.dry_run, &[Mode::Cleanup]),
            CLEANUP,
        ),
        (
            "keep-revisions",
            is_misplaced(&inputs.keep_revisions, &[Mode::Cleanup]),
            CLEANUP,
        ),
        (
            "keep-images",
            is_misplaced(&inputs.keep_images, &[Mode::Cleanup]),
            CLEANUP,
        ),
        (
            "log-retention",
            is_misplaced(&inputs.log_retention, &[Mode::Cleanup]),
            CLEANUP,
        ),
        (
            "deployment",
            is_misplaced(
                &inputs.deployment,
                &[Mode::Continue, Mode::Abort, Mode::Status],
            ),
            "set mode: continue, abort or status, or leave it out",
        ),
    ];
    misplaced
        .into_iter()
        .filter(|(_, is_foreign, _)| *is_foreign)
        .for_each(|(input, _, remedy)| {
            collect.add_problem(input, "this mode does not read it", remedy);
        });
    if !mode.plans_deployment() && mode != Mode::Smoke && inputs.service.is_none() {
        collect.add_problem(
            "service",
            "it is missing: this mode needs a service",
            "set service",
        );
    }
    if mode == Mode::Smoke && inputs.smoke_tests.is_none() {
        collect.add_problem(
            "smoke-tests",
            "mode smoke has nothing to run",
            "set smoke-tests, and production-url or test-url",
        );
    }
    if mode == Mode::Rollback {
        check_rollback_inputs(inputs, collect);
    }
}

/// A rollback deploys what ran before, not what the inputs describe.
fn check_rollback_inputs(inputs: &Inputs, collect: &mut ProblemCollector) {
    let described = [
        ("image", &inputs.image),
        ("repository", &inputs.repository),
        ("task-definition", &inputs.task_definition),
    ];
    let more = [
        ("task-definition-arn", &inputs.task_definition_arn),
        ("task-definition-family", &inputs.task_definition_family),
    ];
    for (input, _) in described
        .into_iter()
        .chain(more)
        .filter(|(_, value)| value.is_some())
    {
        collect.add_problem(
            input,
            "a rollback brings what ran before",
            "leave it out; rollback-to names what to go back to",
        );
    }
}
