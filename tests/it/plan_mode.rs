//! `mode: plan`: what a deployment would do is said, nothing is done, and a deployment can be held
//! to it.

use ecs_bluegreen_sim::{RollingOptions, ScanFinding, ScanOptions, ScanReading, Toggle};
use insta::assert_snapshot;
use serde_json::Value;

use crate::harness::{Action, ActionRun, Play, Story};

/// What is planned of a deployment.
fn plan(deployment: Action) -> Action {
    deployment.with("mode", "plan")
}

/// The plan, then the deployment that is held to it.
async fn planned_and_done(story: Story, version: &str) -> String {
    let mut play = story.begin().await;
    let planned = play.act(plan(Action::deploy_tested(version))).await;
    assert_eq!(planned.outputs["outcome"], "planned");
    assert!(planned.calls.is_empty(), "{}", planned.text());
    let digest = planned.outputs["plan-digest"].clone();
    let done = play
        .act(Action::deploy_tested(version).with("plan-digest", &digest))
        .await;
    assert_eq!(done.outputs["outcome"], "deployed", "{}", done.text());
    play.end().await;
    planned.with_summary()
}

/// A deployment that is held to the plan of another one.
async fn differing(reviewed: Action, deployment: Action) -> (ActionRun, Play) {
    let mut play = Story::codedeploy().begin().await;
    let planned = play.act(plan(reviewed)).await;
    let digest = planned.outputs["plan-digest"].clone();
    let refused = play.act(deployment.with("plan-digest", &digest)).await;
    (refused, play)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_codedeploy_deployment_is_planned_and_then_done() {
    assert_snapshot!(planned_and_done(Story::codedeploy(), "1.1.0").await, @"
    exit code 0
    ---
    Planning a deployment of 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller codedeploy; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is tested before users reach it
      CodeDeploy shifts traffic with CodeDeployDefault.ECSCanary10Percent5Minutes, about 5 min
      blue is kept for 5 min after the shift
    ::endgroup::
    ✓ Survey: read ([time])
    Plan [plan]
      a new revision of api would be registered, different from api:1
        containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/app@[digest]
      1. Image: 2 of 3 parts are sent to [registry]/app@[digest] ([size])
      2. Task definition: a new revision of api is registered
      3. Green: it comes up (codedeploy); the whole rollout is followed for 1 h 40 m at most
      4. Smoke tests on green: green is tested at http://[test]/: health, google login, session, me
      5. Traffic: traffic moves by 10 %, then 100 % (at least 5 m)
      6. Smoke tests on production: production is tested at http://[production]/: health, google login, session, me
      7. Bake: blue is kept, then taken away (at least 5 m)
      if the run dies meanwhile: at its gate CodeDeploy waits 60 min and then stops the deployment; past it CodeDeploy continues, and keeps blue for 5 min after the shift
      Drift: whether anything was changed by hand is not known: no deployment of this action is recorded on the service; the next one that ends deployed is

    api:1 serves production; a deployment would roll out what the plan shows; nothing was changed.
    Outcome: planned, exit code 0, after [time]
    ---
    duration-seconds=[n]
    outcome=planned
    plan-digest=[plan]
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    rolled-back=false
    --- summary
    ## ○ planned: <code>api</code> on <code>prod</code>

    **api&#58;1 serves production; a deployment would roll out what the plan shows; nothing was changed.**

    ### Plan

    A new revision of api would be registered, different from api&#58;1.

    <pre>containerDefinitions&#91;app].image: [registry]/app:1.0.0 → [registry]/app&#64;[digest]</pre>

    | Step | What it would do | Time |
    |---|---|--:|
    | Image | 2 of 3 parts are sent to [registry]/app&#64;[digest] ([size]) |  |
    | Task definition | a new revision of api is registered |  |
    | Green | it comes up (codedeploy); the whole rollout is followed for 1 h 40 m at most |  |
    | Smoke tests on green | green is tested at <code>http&#58;<!-- -->//[test]/</code>&#58; health, google login, session, me |  |
    | Traffic | traffic moves by 10 %, then 100 % | at least 5 m |
    | Smoke tests on production | production is tested at <code>http&#58;<!-- -->//[production]/</code>&#58; health, google login, session, me |  |
    | Bake | blue is kept, then taken away | at least 5 m |

    If the run dies meanwhile: at its gate CodeDeploy waits 60 min and then stops the deployment; past it CodeDeploy continues, and keeps blue for 5 min after the shift.

    Whether anything was changed by hand is not known&#58; no deployment of this action is recorded on the service; the next one that ends deployed is.

    A deployment with <code>plan-digest: [plan]</code> does this, or is refused.

    | | |
    |---|---|
    | Version | <code>1.1.0</code> |

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✓ | Survey | [time] | read |

    [time] in all, [n] reads of AWS. AWS account 123456789012, role github-actions, session <code>deploy</code>.
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_of_ecs_is_planned_and_then_done() {
    assert_snapshot!(planned_and_done(Story::canary(), "1.1.0").await, @"
    exit code 0
    ---
    Planning a deployment of 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller ecs, canary; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is tested before users reach it
      ECS shifts traffic (canary), and keeps blue for 5 min after it
      it pauses at POST_TEST_TRAFFIC_SHIFT, PRE_PRODUCTION_TRAFFIC_SHIFT, POST_PRODUCTION_TRAFFIC_SHIFT
    ::endgroup::
    ✓ Survey: read ([time])
    Plan [plan]
      a new revision of api would be registered, different from api:1
        containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/app@[digest]
      the service:
        a PAUSE hook at POST_TEST_TRAFFIC_SHIFT is added for the rollout, and removed at its end
        a PAUSE hook at PRE_PRODUCTION_TRAFFIC_SHIFT is added for the rollout, and removed at its end
        a PAUSE hook at POST_PRODUCTION_TRAFFIC_SHIFT is added for the rollout, and removed at its end
      1. Image: 2 of 3 parts are sent to [registry]/app@[digest] ([size])
      2. Task definition: a new revision of api is registered
      3. Green: it comes up (ecs, canary); the whole rollout is followed for 40 m at most
      4. Smoke tests on green: green is tested at http://[test]/: health, google login, session, me
      5. Traffic: traffic moves by 10 %, then 100 % (at least 5 m)
      6. Smoke tests on production: production is tested at http://[production]/: health, google login, session, me
      7. Bake: blue is kept, then taken away (at least 5 m)
      if the run dies meanwhile: at each pause ECS waits 35 min and then rolls back; past the last one it continues, and keeps blue for 5 min after the shift
      Drift: whether anything was changed by hand is not known: no deployment of this action is recorded on the service; the next one that ends deployed is

    api:1 serves production; a deployment would roll out what the plan shows; nothing was changed.
    Outcome: planned, exit code 0, after [time]
    ---
    duration-seconds=[n]
    outcome=planned
    plan-digest=[plan]
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    rolled-back=false
    --- summary
    ## ○ planned: <code>api</code> on <code>prod</code>

    **api&#58;1 serves production; a deployment would roll out what the plan shows; nothing was changed.**

    ### Plan

    A new revision of api would be registered, different from api&#58;1.

    <pre>containerDefinitions&#91;app].image: [registry]/app:1.0.0 → [registry]/app&#64;[digest]</pre>

    The service:

    <pre>a PAUSE hook at POST&#95;TEST&#95;TRAFFIC&#95;SHIFT is added for the rollout, and removed at its end
    a PAUSE hook at PRE&#95;PRODUCTION&#95;TRAFFIC&#95;SHIFT is added for the rollout, and removed at its end
    a PAUSE hook at POST&#95;PRODUCTION&#95;TRAFFIC&#95;SHIFT is added for the rollout, and removed at its end</pre>

    | Step | What it would do | Time |
    |---|---|--:|
    | Image | 2 of 3 parts are sent to [registry]/app&#64;[digest] ([size]) |  |
    | Task definition | a new revision of api is registered |  |
    | Green | it comes up (ecs, canary); the whole rollout is followed for 40 m at most |  |
    | Smoke tests on green | green is tested at <code>http&#58;<!-- -->//[test]/</code>&#58; health, google login, session, me |  |
    | Traffic | traffic moves by 10 %, then 100 % | at least 5 m |
    | Smoke tests on production | production is tested at <code>http&#58;<!-- -->//[production]/</code>&#58; health, google login, session, me |  |
    | Bake | blue is kept, then taken away | at least 5 m |

    If the run dies meanwhile: at each pause ECS waits 35 min and then rolls back; past the last one it continues, and keeps blue for 5 min after the shift.

    Whether anything was changed by hand is not known&#58; no deployment of this action is recorded on the service; the next one that ends deployed is.

    A deployment with <code>plan-digest: [plan]</code> does this, or is refused.

    | | |
    |---|---|
    | Version | <code>1.1.0</code> |

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✓ | Survey | [time] | read |

    [time] in all, [n] reads of AWS. AWS account 123456789012, role github-actions, session <code>deploy</code>.
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_deployment_is_planned_and_then_done() {
    let mut play = Story::rolling(RollingOptions::default()).begin().await;
    let deployment = || {
        Action::deploy("1.1.0")
            .with("environment-variables", "TOKEN=hunter2-is-a-secret")
            .with("desired-count", "2")
    };
    let planned = play.act(plan(deployment())).await;
    assert!(planned.calls.is_empty());
    let shown = [planned.with_summary(), planned.outputs["plan"].clone()].join("\n");
    assert!(!shown.contains("hunter2"), "{shown}");
    let digest = planned.outputs["plan-digest"].clone();
    let done = play.act(deployment().with("plan-digest", &digest)).await;
    assert_eq!(done.outputs["outcome"], "deployed", "{}", done.text());
    play.end().await;
    assert_snapshot!(planned.with_summary(), @"
    exit code 0
    ---
    Planning a deployment of 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller ecs, rolling; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      ECS replaces the tasks (rolling)
    ::endgroup::
    ✓ Survey: read ([time])
    Plan [plan]
      a new revision of api would be registered, different from api:1
        containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/app@[digest]
        containerDefinitions[app].environment[TOKEN].value (new)
      the service:
        desiredCount: 1 → 2
      1. Image: 2 of 3 parts are sent to [registry]/app@[digest] ([size])
      2. Task definition: a new revision of api is registered
      3. Green: it comes up (ecs, rolling); the whole rollout is followed for 30 m at most
      4. Traffic: tasks are replaced one after the other
      if the run dies meanwhile: ECS continues to replace the tasks
      Drift: whether anything was changed by hand is not known: no deployment of this action is recorded on the service; the next one that ends deployed is

    api:1 serves production; a deployment would roll out what the plan shows; nothing was changed.
    Outcome: planned, exit code 0, after [time]
    ---
    duration-seconds=[n]
    outcome=planned
    plan-digest=[plan]
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    rolled-back=false
    --- summary
    ## ○ planned: <code>api</code> on <code>prod</code>

    **api&#58;1 serves production; a deployment would roll out what the plan shows; nothing was changed.**

    ### Plan

    A new revision of api would be registered, different from api&#58;1.

    <pre>containerDefinitions&#91;app].image: [registry]/app:1.0.0 → [registry]/app&#64;[digest]
    containerDefinitions&#91;app].environment&#91;TOKEN].value (new)</pre>

    The service:

    <pre>desiredCount: 1 → 2</pre>

    | Step | What it would do | Time |
    |---|---|--:|
    | Image | 2 of 3 parts are sent to [registry]/app&#64;[digest] ([size]) |  |
    | Task definition | a new revision of api is registered |  |
    | Green | it comes up (ecs, rolling); the whole rollout is followed for 30 m at most |  |
    | Traffic | tasks are replaced one after the other |  |

    If the run dies meanwhile: ECS continues to replace the tasks.

    Whether anything was changed by hand is not known&#58; no deployment of this action is recorded on the service; the next one that ends deployed is.

    A deployment with <code>plan-digest: [plan]</code> does this, or is refused.

    | | |
    |---|---|
    | Version | <code>1.1.0</code> |

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✓ | Survey | [time] | read |

    [time] in all, [n] reads of AWS. AWS account 123456789012, role github-actions, session <code>deploy</code>.
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_is_a_document_for_programs() {
    let planned = Story::canary()
        .run(plan(Action::deploy_tested("1.1.0")))
        .await;
    let document: Value = serde_json::from_str(&planned.outputs["plan"]).expect("JSON");
    let document = serde_json::to_string_pretty(&document).expect("JSON");
    assert_snapshot!(planned.redact(&document), @r#"
    {
      "version": 1,
      "digest": "[plan]",
      "changes": true,
      "controller": "ecs, canary",
      "serves": "arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1",
      "image": {
        "from": "oci:images/1.1.0",
        "to": "[registry]/app@[digest]",
        "sent": {
          "count": 2,
          "bytes": 680
        },
        "uncompressed": false,
        "existing": 1,
        "scans": []
      },
      "task-definition": {
        "family": "api",
        "registered": null,
        "previous": "arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1",
        "changes": [
          "containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/app@[digest]"
        ]
      },
      "service-changes": [
        "a PAUSE hook at POST_TEST_TRAFFIC_SHIFT is added for the rollout, and removed at its end",
        "a PAUSE hook at PRE_PRODUCTION_TRAFFIC_SHIFT is added for the rollout, and removed at its end",
        "a PAUSE hook at POST_PRODUCTION_TRAFFIC_SHIFT is added for the rollout, and removed at its end"
      ],
      "before": [],
      "steps": [
        {
          "step": "image",
          "what": "2 of 3 parts are sent to [registry]/app@[digest] ([size])",
          "seconds": null,
          "at-most-seconds": null
        },
        {
          "step": "revision",
          "what": "a new revision of api is registered",
          "seconds": null,
          "at-most-seconds": null
        },
        {
          "step": "green",
          "what": "it comes up (ecs, canary); the whole rollout is followed for 40 m at most",
          "seconds": null,
          "at-most-seconds": null
        },
        {
          "step": "gate",
          "what": "green is tested at http://[test]/: health, google login, session, me",
          "seconds": null,
          "at-most-seconds": null
        },
        {
          "step": "shift",
          "what": "traffic moves by 10 %, then 100 %",
          "seconds": 300,
          "at-most-seconds": null
        },
        {
          "step": "production",
          "what": "production is tested at http://[production]/: health, google login, session, me",
          "seconds": null,
          "at-most-seconds": null
        },
        {
          "step": "bake",
          "what": "blue is kept, then taken away",
          "seconds": 300,
          "at-most-seconds": null
        }
      ],
      "if-left-alone": "at each pause ECS waits 35 min and then rolls back; past the last one it continues, and keeps blue for 5 min after the shift",
      "drift": {
        "state": "unrecorded",
        "why": "no deployment of this action is recorded on the service; the next one that ends deployed is",
        "since": null,
        "changes": [],
        "remedies": [],
        "notes": []
      }
    }
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_from_the_reviewed_plan_is_named_before_anything_is_touched() {
    let (refused, play) = differing(
        Action::deploy_tested("1.1.0"),
        Action::deploy_tested("1.1.0").with("environment-variables", "LOG_LEVEL=debug"),
    )
    .await;
    play.end().await;
    assert_snapshot!(refused.text(), @"
    exit code 2
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✗ Survey ([time])
    Nothing was touched: the inputs have a problem
    ::error title=input refused::plan-digest: this deployment is not the one that was reviewed: the task definition is different; the task definition would now change in containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/app@[digest]; containerDefinitions[app].environment[LOG_LEVEL].value (new)
      hint: review it again with mode: plan, and give its plan-digest, which is [plan] now
    ---
    duration-seconds=[n]
    outcome=refused
    reason=invalid-inputs
    rolled-back=false
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_image_and_other_tests_are_not_what_was_reviewed() {
    let (refused, play) = differing(
        Action::deploy_tested("1.1.0"),
        Action::deploy_tested_by("1.2.0", &["health"]),
    )
    .await;
    play.end().await;
    let named = "the image, the checks are different";
    assert_eq!(refused.outputs["outcome"], "refused");
    assert!(refused.text().contains(named), "{}", refused.text());
    assert!(refused.calls.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_deploys_after_the_review_makes_the_plan_another_one() {
    let mut play = Story::codedeploy().begin().await;
    let deployment =
        || Action::deploy_tested("1.1.0").with("environment-variables", "LOG_LEVEL=debug");
    let planned = play.act(plan(deployment())).await;
    let other = Action::deploy_tested("1.1.0").with("environment-variables", "FEATURE=on");
    assert_eq!(play.act(other).await.outputs["outcome"], "deployed");
    let digest = planned.outputs["plan-digest"].clone();
    let refused = play.act(deployment().with("plan-digest", &digest)).await;
    play.end().await;
    assert_eq!(refused.outputs["outcome"], "refused");
    let named = "the task definition, the rollout are different";
    assert!(refused.text().contains(named), "{}", refused.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_changes_says_so_and_only_changes_can_fail_it() {
    let mut play = Story::codedeploy().begin().await;
    let unchanged = play
        .act(plan(Action::to_service()).with("fail-on-changes", "true"))
        .await;
    let changed = play
        .act(plan(Action::deploy("1.1.0")).with("fail-on-changes", "true"))
        .await;
    play.end().await;
    assert!(unchanged.calls.is_empty() && changed.calls.is_empty());
    assert_snapshot!(format!("{}\n=======\n{}", unchanged.text(), changed.text()), @"
    exit code 0
    ---
    Planning a deployment of 3f786850e387550fdab836ed7e6dc881de23001b to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller codedeploy; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is not tested before users reach it (no smoke-tests with test-url)
      CodeDeploy shifts traffic with CodeDeployDefault.ECSCanary10Percent5Minutes, about 5 min
      blue is kept for 5 min after the shift
    ::endgroup::
    ✓ Survey: read ([time])
    Plan [plan]
      the task definition is api:1, which is registered already
      Drift: whether anything was changed by hand is not known: no deployment of this action is recorded on the service; the next one that ends deployed is

    api:1 serves production; a deployment would change nothing; nothing was changed.
    Outcome: planned, exit code 0, after [time]
    ---
    duration-seconds=[n]
    outcome=planned
    plan-digest=[plan]
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    rolled-back=false
    =======
    exit code 10
    ---
    Planning a deployment of 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller codedeploy; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is not tested before users reach it (no smoke-tests with test-url)
      CodeDeploy shifts traffic with CodeDeployDefault.ECSCanary10Percent5Minutes, about 5 min
      blue is kept for 5 min after the shift
    ::endgroup::
    ✓ Survey: read ([time])
    Plan [plan]
      a new revision of api would be registered, different from api:1
        containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/app@[digest]
      1. Image: 2 of 3 parts are sent to [registry]/app@[digest] ([size])
      2. Task definition: a new revision of api is registered
      3. Green: it comes up (codedeploy); the whole rollout is followed for 1 h 40 m at most
      4. Traffic: traffic moves by 10 %, then 100 % (at least 5 m)
      5. Bake: blue is kept, then taken away (at least 5 m)
      if the run dies meanwhile: at its gate CodeDeploy waits 60 min and then stops the deployment; past it CodeDeploy continues, and keeps blue for 5 min after the shift
      Drift: whether anything was changed by hand is not known: no deployment of this action is recorded on the service; the next one that ends deployed is

    api:1 serves production; a deployment would roll out what the plan shows; nothing was changed.
    Outcome: not-deployed (changes), exit code 10, after [time]
    ---
    duration-seconds=[n]
    outcome=not-deployed
    plan-digest=[plan]
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=changes
    rolled-back=false
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_does_not_wait_for_a_rollout_in_progress_and_names_it() {
    let mut play = Story::codedeploy().in_real_time().begin().await;
    let waiting = play
        .act(Action::deploy_tested("1.1.0").with("approval", "before-traffic"))
        .await;
    assert_eq!(waiting.outputs["outcome"], "waiting");
    let planned = play.act(plan(Action::deploy_tested("1.2.0"))).await;
    let refused = play
        .act(plan(Action::deploy_tested("1.2.0")).with("if-running", "fail"))
        .await;
    let aborted = play.act(Action::to_service().with("mode", "abort")).await;
    assert_eq!(aborted.outputs["outcome"], "rolled-back");
    play.end().await;
    assert!(planned.calls.is_empty() && refused.calls.is_empty());
    assert_snapshot!(format!("{}\n=======\n{}", planned.text(), refused.text()), @"
    exit code 0
    ---
    Planning a deployment of 1.2.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller codedeploy; 2 of 1 tasks run api:1
      api:1 serves with 2 tasks
      green is tested before users reach it
      CodeDeploy shifts traffic with CodeDeployDefault.ECSCanary10Percent5Minutes, about 5 min
      blue is kept for 5 min after the shift
    ::endgroup::
    ✓ Survey: read ([time])
    Plan [plan]
      first: deployment [deployment 1] of api:2 is in progress (Ready, made [time] by workflow run [run]): a deployment waits until it is over (if-running)
      a new revision of api would be registered, different from api:1
        containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/app@[digest]
      1. Image: 2 of 3 parts are sent to [registry]/app@[digest] ([size])
      2. Task definition: a new revision of api is registered
      3. Green: it comes up (codedeploy); the whole rollout is followed for 1 h 40 m at most
      4. Smoke tests on green: green is tested at http://[test]/: health, google login, session, me
      5. Traffic: traffic moves by 10 %, then 100 % (at least 5 m)
      6. Smoke tests on production: production is tested at http://[production]/: health, google login, session, me
      7. Bake: blue is kept, then taken away (at least 5 m)
      if the run dies meanwhile: at its gate CodeDeploy waits 60 min and then stops the deployment; past it CodeDeploy continues, and keeps blue for 5 min after the shift
      Drift: whether anything was changed by hand is not known: a deployment of the service is in progress, or blue is still kept; look again when it is over

    api:1 serves production; a deployment would roll out what the plan shows; nothing was changed.
    Outcome: planned, exit code 0, after [time]
    ---
    duration-seconds=[n]
    outcome=planned
    plan-digest=[plan]
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    rolled-back=false
    =======
    exit code 10
    ---
    Planning a deployment of 1.2.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✗ Survey ([time])
    Deployment [deployment 1] of api:2 is in progress (Ready, made [time] by workflow run [run]).

    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (already-running)::deployment [deployment 1] of api:2 is in progress (Ready, made [time] by workflow run [run])
      hint: wait for it; or let the run do so (if-running: wait), or roll it back first (if-running: supersede)
      hint: by hand: aws deploy stop-deployment --deployment-id [deployment 1] --auto-rollback-enabled
    Outcome: not-deployed (already-running), exit code 10, after [time]
    ---
    duration-seconds=[n]
    outcome=not-deployed
    reason=already-running
    rolled-back=false
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_refused_is_refused_by_the_plan_too() {
    let wrong = plan(Action::deploy_tested("1.1.0"))
        .with("service", "apy")
        .with("plan-digest", "p1-12")
        .with("skip-checks", "true");
    let refused = Story::codedeploy().run(wrong).await;
    assert_snapshot!(refused.text(), @"
    exit code 2
    ---
    Planning a deployment to apy on prod, eu-central-1 (run [run])
    AWS account 123456789012, role github-actions
    Nothing was touched: the inputs have 4 problems
    ::error title=input refused::plan-digest: it is not the digest of a plan that this version of the action makes
      hint: give the output plan-digest of a run with mode: plan
    ::error title=input refused::skip-checks: this mode does not read it
      hint: leave smoke-tests out to deploy without them
    ::error title=input refused::plan-digest: this mode does not read it
      hint: set mode: deploy, or leave it out
    ::error title=input refused::service: `apy` is MISSING in cluster `prod`
      hint: did you mean `api`? Otherwise create the service first, or check service, cluster (`prod`) and aws-region (`eu-central-1`)
    ---
    duration-seconds=[n]
    outcome=refused
    reason=invalid-inputs
    rolled-back=false
    ");
}

/// A plan for an image that is in its repository already.
async fn planned_with_scan(story: Story) -> ActionRun {
    let mut play = story.begin().await.push_version("1.1.0").await;
    let planned = play.act(plan(Action::deploy("1.1.0"))).await;
    play.end().await;
    assert_eq!(planned.output("outcome"), "planned", "{}", planned.text());
    planned
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_are_counted_where_the_image_is_there_and_what_is_not_known_is_said() {
    let scanned = ScanOptions {
        on_push: Toggle::On,
        looks: vec![ScanReading::completed(vec![
            ScanFinding::new("CRITICAL", "CVE-2026-1", ("openssl", "3.0.11")),
            ScanFinding::new("HIGH", "CVE-2026-2", ("zlib", "1.2.13")),
            ScanFinding::new("HIGH", "CVE-2026-3", ("zlib", "1.2.13")),
        ])],
        ..ScanOptions::default()
    };
    let rolling = || Story::rolling(RollingOptions::default());
    let with = |scans: ScanOptions| {
        rolling().stage(|options| drop(options.scans.insert("app".to_owned(), scans)))
    };
    let found = planned_with_scan(with(scanned)).await;
    let none = planned_with_scan(rolling()).await;
    let denied = vec!["ecr:DescribeImageScanFindings".to_owned()];
    let denied = planned_with_scan(rolling().stage(|options| options.denied = denied)).await;
    let mut play = rolling().begin().await;
    let absent = play.act(plan(Action::deploy("1.1.0"))).await;
    play.end().await;
    let lines = [found, none, denied, absent].map(|run| run.log_with("scan of the image"));
    let [found, none, denied, absent] = lines;
    let counted = "scan of the image: 1 critical and 2 high findings (basic scan)";
    assert!(found.contains(counted), "{found}");
    assert!(none.contains("no scan of it is known"), "{none}");
    let unknown = "not known: ecr:DescribeImageScanFindings is denied";
    assert!(denied.contains(unknown), "{denied}");
    assert_eq!(absent, "", "the image is not there yet");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_only_said_to_change_where_something_is_different() {
    let mut play = Story::blue_green().begin().await;
    let same = Action::deploy("1.1.0")
        .with("desired-count", "1")
        .with("strategy", "blue-green");
    let unchanged = play.act(plan(same)).await;
    let other = Action::deploy("1.1.0")
        .with("desired-count", "2")
        .with("strategy", "canary")
        .with("canary-percent", "10")
        .with("canary-bake", "3m")
        .with("bake", "7m");
    let changed = play.act(plan(other)).await;
    play.end().await;
    let changes = |run: &ActionRun| {
        let plan: Value = serde_json::from_str(run.output("plan")).expect("JSON");
        let lines = plan["service-changes"].as_array().cloned();
        let lines = lines.unwrap_or_default().into_iter();
        lines
            .filter_map(|line| line.as_str().map(str::to_owned))
            .filter(|line| !line.contains("PAUSE hook"))
            .collect::<Vec<_>>()
    };
    assert_eq!(changes(&unchanged), Vec::<String>::new());
    let lines = changes(&changed);
    for begin in [
        "desiredCount: 1 → 2",
        "deploymentConfiguration.strategy: BLUE_GREEN → CANARY",
        "deploymentConfiguration.bakeTimeInMinutes: ",
        "deploymentConfiguration.canaryConfiguration.canaryPercent: 10",
        "deploymentConfiguration.canaryConfiguration.canaryBakeTimeInMinutes: 3",
    ] {
        assert!(
            lines.iter().any(|line| line.starts_with(begin)),
            "{begin}: {lines:#?}"
        );
    }
}
