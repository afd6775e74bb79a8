//! Rolling services: reads that are older than our update, and answers that do not show it. Ours is
//! the deployment of our revision, and what was there before it cannot have taken its place.

use ecs_bluegreen_sim::{Breaker, Fault, FaultKind, RollingOptions, UpdateAnswer};

use crate::harness::{Action, Incident, Play, Story, When};

fn story() -> Story {
    Story::rolling(RollingOptions {
        breaker: Breaker::Off,
        ..RollingOptions::default()
    })
}

fn primary(play: &Play) -> String {
    let view = play.stage.service_view("api").expect("the service");
    let revision = view.primary().expect("a deployment").revision.clone();
    revision.rsplit('/').next().unwrap_or_default().to_owned()
}

/// So many reads of the service answer as the one before did.
fn stale(times: u64) -> Fault {
    Fault {
        operation: "DescribeServices".to_owned(),
        nth: 1,
        times,
        kind: FaultKind::StaleRead,
    }
}

/// Registering takes its time, so that what is planned once the image is there meets the first
/// reads after the update.
fn slowly(story: Story) -> Story {
    story.fault(Fault::on_first_call(
        "RegisterTaskDefinition",
        FaultKind::Slow(600),
    ))
}

const BEFORE_THE_UPDATE: When = When::Line("✓ Image");

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_our_revision_does_not_make_the_old_deployment_ours() {
    for late in [0, 1, 3] {
        let story =
            slowly(story()).switches(|switches| switches.update_answer = UpdateAnswer::Before);
        let mut play = story.begin().await;
        let before = play
            .stage
            .service_view("api")
            .expect("the service")
            .primary()
            .expect("a deployment")
            .id
            .clone();
        let run = play
            .act(
                Action::deploy("1.1.0")
                    .on_incident(BEFORE_THE_UPDATE, Incident::Fault(stale(late))),
            )
            .await;
        assert_eq!(
            (run.code, run.output("outcome")),
            (Some(0), "deployed"),
            "{late}: {}",
            run.text()
        );
        assert_ne!(run.output("deployment-id"), before, "{late}");
        assert_eq!(primary(&play), "api:2");
        play.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_from_before_our_update_are_not_called_superseded() {
    for times in [1, 2, 3] {
        let mut play = slowly(story()).begin().await;
        let run = play
            .act(
                Action::deploy("1.1.0")
                    .on_incident(BEFORE_THE_UPDATE, Incident::Fault(stale(times))),
            )
            .await;
        assert_eq!(
            (run.code, run.output("outcome")),
            (Some(0), "deployed"),
            "{times}: {}",
            run.text()
        );
        assert_eq!(primary(&play), "api:2");
        play.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_from_before_our_update_are_no_proof_that_blue_is_back() {
    let mut play = slowly(story()).begin().await;
    // The first look of the run meets one of them, and the first two of the way back the others.
    let action = Action::deploy("1.1.0")
        .with("poll-interval", "1s")
        .on_incident(BEFORE_THE_UPDATE, Incident::Fault(stale(3)));
    let run = play
        .act(action.on_incident(When::Line("Deployment started"), Incident::Interrupt))
        .await;
    assert_eq!(
        (run.code, run.output("outcome")),
        (Some(20), "rolled-back"),
        "{}",
        run.text()
    );
    assert_eq!(primary(&play), "api:1");
    assert_eq!(run.count("ecs:UpdateService"), 2);
    play.end().await;
}
