//! What becomes of a call, and what must hold afterwards.

use ecs_bluegreen_sim::{Fault, FaultKind};

use super::happy::{Cell, HappyPath};
use super::world::{self, World};
use crate::harness::{Action, ActionRun, Incident, Play, Story, When};

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// It is denied, and every later one like it, until somebody fixes the policy.
    Refused,
    /// It lands, and its answer is lost.
    Lost,
    /// It lands, and the process is killed before it hears of it; then the post step runs.
    KilledThenPost,
    /// The same, but the machine is gone: somebody runs the job again.
    KilledThenRerun,
}

const BLUE: &str = "1.0.0";
const GREEN: &str = "1.1.0";
const REGISTER: &str = "ecs:RegisterTaskDefinition";
const DEREGISTER: &str = "ecs:DeregisterTaskDefinition";

impl Mode {
    pub(super) const ALL: [Self; 4] = [
        Self::Refused,
        Self::Lost,
        Self::KilledThenPost,
        Self::KilledThenRerun,
    ];

    /// Plays one cell, and says in a few words what came of it.
    pub(super) async fn play(self, happy: &HappyPath, cell: &Cell) -> String {
        match self {
            Self::Refused => play_refused(happy, cell).await,
            Self::Lost => play_lost(happy, cell).await,
            Self::KilledThenPost => play_killed_then_post(happy, cell).await,
            Self::KilledThenRerun => play_killed_then_rerun(happy, cell).await,
        }
    }
}

async fn play_refused(happy: &HappyPath, cell: &Cell) -> String {
    let mut play = begin_with_fault(
        happy.strategy.impatient(),
        cell,
        FaultKind::Denied,
        u64::MAX,
    )
    .await;
    let main = play.act(happy.strategy.action()).await;
    assert_eq!(
        cell.call(&main.calls).expect("the call").status,
        400,
        "{}",
        main.text()
    );
    says_what_serves(&main, &world::observe(&play.stage).await);
    let post = play.post(&main).await;
    let between = world::observe(&play.stage).await;
    says_what_serves(&post, &between);
    // Until somebody fixes the policy nothing more can be done; it must have been said.
    let said =
        post.code == Some(40) || ["stuck", "still-running"].contains(&main.output("outcome"));
    if !said {
        is_over(&between, &post);
    }
    play.stage.clear_faults();
    let fixed = play.post(&main).await;
    assert_eq!(fixed.code, Some(0), "{}", fixed.text());
    let now = world::observe(&play.stage).await;
    is_over(&now, &fixed);
    // A tag that could not be removed is emptied, and named.
    if cell.operation != "ecs:UntagResource" {
        now.has_no_temporary_tags();
    }
    assert_eq!(now.unused(), Vec::<&str>::new(), "{}", fixed.text());
    is_done_with(&mut play, &main, &now).await;
    play.end().await;
    format!(
        "{}, post exits {}, production on {}",
        describe_ending(&main),
        exit_code(&post),
        now.version()
    )
}

async fn play_lost(happy: &HappyPath, cell: &Cell) -> String {
    let mut play =
        begin_with_fault(happy.strategy.story(), cell, FaultKind::LandsThenDrops, 1).await;
    let main = play.act(happy.strategy.action()).await;
    assert_eq!(
        cell.call(&main.calls).expect("the call").status,
        0,
        "{}",
        main.text()
    );
    let now = world::observe(&play.stage).await;
    is_over(&now, &main);
    says_what_serves(&main, &now);
    assert_eq!(
        (main.code, now.version()),
        (Some(0), GREEN),
        "a lost answer is no failure: {}",
        main.text()
    );
    is_not_doubled(happy, &play, &now);
    now.has_no_temporary_tags();
    is_done_with(&mut play, &main, &now).await;
    play.end().await;
    format!(
        "{}, production on {}",
        describe_ending(&main),
        now.version()
    )
}

async fn play_killed_then_post(happy: &HappyPath, cell: &Cell) -> String {
    let (mut play, main) = begin_killed(happy, cell).await;
    let post = play.post(&main).await;
    let now = world::observe(&play.stage).await;
    assert_eq!(post.code, Some(0), "{}", post.text());
    is_over(&now, &post);
    says_what_serves(&post, &now);
    is_not_doubled(happy, &play, &now);
    now.has_no_temporary_tags();
    // A registration that was never answered is not armed: finding it by its content could hit
    // somebody else's twin.
    if cell.operation != REGISTER {
        assert_eq!(now.unused(), Vec::<&str>::new(), "{}", post.text());
    }
    is_done_with(&mut play, &main, &now).await;
    play.end().await;
    format!(
        "post exits {}, production on {}",
        exit_code(&post),
        now.version()
    )
}

async fn play_killed_then_rerun(happy: &HappyPath, cell: &Cell) -> String {
    let (mut play, _) = begin_killed(happy, cell).await;
    let again = play
        .act(happy.strategy.action().env("GITHUB_RUN_ATTEMPT", "2"))
        .await;
    let now = world::observe(&play.stage).await;
    is_over(&now, &again);
    says_what_serves(&again, &now);
    // What the dead run had started is continued, not started again and not rolled back.
    assert_eq!(
        (again.code, now.version()),
        (Some(0), GREEN),
        "{}",
        again.text()
    );
    assert_eq!(now.unused(), Vec::<&str>::new(), "{}", again.text());
    is_not_doubled(happy, &play, &now);
    now.has_no_temporary_tags();
    is_done_with(&mut play, &again, &now).await;
    play.end().await;
    format!(
        "{}, production on {}",
        describe_ending(&again),
        now.version()
    )
}

/// A story in which a call is met by something.
async fn begin_with_fault(story: Story, cell: &Cell, kind: FaultKind, times: u64) -> Play {
    let nth = u64::try_from(cell.nth).expect("a small number");
    let fault = Fault {
        operation: cell.operation.clone(),
        nth,
        times,
        kind,
    };
    story.fault(fault).begin().await
}

/// The call lands, no answer comes, and the process is killed.
async fn begin_killed(happy: &HappyPath, cell: &Cell) -> (Play, ActionRun) {
    let mut play =
        begin_with_fault(happy.strategy.story(), cell, FaultKind::LandsThenHangs, 1).await;
    let action: Action = happy.strategy.action().on_incident(
        When::Called(cell.operation.clone(), cell.nth),
        Incident::Kill,
    );
    let main = play.act(action).await;
    assert_eq!(main.code, None, "killed: {}", main.text());
    assert_eq!(
        cell.call(&main.calls).expect("the call").status,
        0,
        "{}",
        main.text()
    );
    (play, main)
}

/// Production is whole, and no hook would stop the next deployment that anyone starts.
fn is_over(now: &World, run: &ActionRun) {
    let checked = std::panic::catch_unwind(|| {
        now.is_whole();
        now.has_no_hooks();
    });
    assert!(checked.is_ok(), "{}", run.text());
}

/// Whatever a run or its post step claims about traffic is true.
fn says_what_serves(run: &ActionRun, now: &World) {
    let last = run
        .log
        .iter()
        .rev()
        .take(12)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n")
        .to_lowercase();
    match run.output("outcome") {
        "deployed" | "already-deployed" => assert_eq!(now.version(), GREEN, "{}", run.text()),
        "rolled-back" | "not-deployed" => assert_eq!(now.version(), BLUE, "{}", run.text()),
        "stuck" | "still-running" => assert!(!last.is_empty()),
        // The post step has no outputs; refused inputs touch nothing.
        "" if run.code == Some(2) => assert_eq!(now.version(), BLUE, "{}", run.text()),
        "" => {}
        other => panic!("no outcome of a deploy: {other}"),
    }
    if last.contains("blue serves 100 %") {
        assert_eq!(now.version(), BLUE, "{}", run.text());
    }
    if last.contains("green serves 100 %") || last.contains("blue is gone") {
        assert_eq!(now.version(), GREEN, "{}", run.text());
    }
}

/// One revision, one one-off task, one deployment, whatever was lost or done again.
fn is_not_doubled(happy: &HappyPath, play: &Play, now: &World) {
    let landed = play
        .stage
        .ledger()
        .into_iter()
        .filter(|call| call.operation == REGISTER && call.code.is_none());
    assert_eq!(landed.count(), 1, "a revision is registered twice");
    assert!(
        now.one_off_tasks() <= 1,
        "a one-off task is run twice: {now:#?}"
    );
    // A way back is a deployment of its own for CodeDeploy, and for a service that is rolled in
    // place.
    let back = usize::from(now.version() == BLUE);
    assert!(
        now.deployed() <= happy.deployments + back,
        "deployments are doubled: {now:#?}"
    );
}

/// Every undo twice: a post step with the same state finds nothing to do, and does nothing.
async fn is_done_with(play: &mut Play, saved: &ActionRun, before: &World) {
    for _ in 0..2 {
        let again = play.post(saved).await;
        assert_eq!(again.code, Some(0), "{}", again.text());
        // A revision that is inactive already may be deregistered again: that changes nothing, and
        // needs no look before.
        let changed: Vec<_> = again
            .calls
            .iter()
            .filter(|call| call.code.is_none() && call.operation != DEREGISTER)
            .collect();
        assert_eq!(
            changed,
            Vec::<&ecs_bluegreen_sim::Entry>::new(),
            "{}",
            again.text()
        );
        assert_eq!(
            world::observe(&play.stage).await,
            *before,
            "{}",
            again.text()
        );
    }
}

fn describe_ending(run: &ActionRun) -> String {
    format!(
        "{} ({}) exits {}",
        run.output("outcome"),
        run.output("reason"),
        exit_code(run)
    )
}

fn exit_code(run: &ActionRun) -> String {
    run.code
        .map_or_else(|| "by a signal".to_owned(), |code| code.to_string())
}
