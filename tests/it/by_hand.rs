//! The same binary by hand, when GitHub is down: inputs are options, and the log is plain text.

use insta::assert_snapshot;

use crate::harness::{Action, Story};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_rolls_back_from_a_terminal() {
    let mut play = Story::codedeploy().in_real_time().begin().await;
    let deployed = play
        .act(Action::deploy("1.1.0").with("wait-until", "shifted"))
        .await;
    assert_eq!(deployed.outputs["outcome"], "deployed");
    let options = ["--mode", "rollback", "--cluster=prod", "--service", "api"];
    let back = play.act(Action::by_hand(&options)).await;
    play.end().await;
    assert_snapshot!(back.text(), @"
    exit code 0
    ---
    Rolling api on prod back, eu-central-1 (run local-[run])
    AWS account 123456789012, role github-actions
    ✓ Survey: read ([time])
    deployment [deployment 1] of api:2 is in progress (InProgress, made [time] by workflow run [run]): blue still runs, so it is rolled back
    deployment [deployment 1] is stopped, with rollback
    CodeDeploy rolls back with deployment [deployment 2]
    rollback [deployment 2] is InProgress
    rollback [deployment 2] is Succeeded
    production: 100 % on blue (api:1), observed at the load balancer's listeners
    undone: CodeDeploy deployment [deployment 1]
    ✓ Rollback: blue serves 100 % ([time])
    api:2 stays registered, so that it can be deployed again (rollback-to)

    api:1 serves 100 % of production again (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    codedeploy:StopDeployment
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_reads_as_it_does_in_a_workflow() {
    let options = ["--mode", "abort", "--cluster", "prod", "--service", "apy"];
    let refused = Story::codedeploy().run(Action::by_hand(&options)).await;
    assert_snapshot!(refused.text(), @"
    exit code 2
    ---
    Rolling back the rollout of apy on prod, eu-central-1 (run local-[run])
    AWS account 123456789012, role github-actions
    ✗ Survey ([time])
    Nothing was touched: the inputs have a problem
    error: input refused: service: `apy` is MISSING in cluster `prod`
      hint: did you mean `api`? Otherwise create the service first, or check service, cluster (`prod`) and aws-region (`eu-central-1`)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_option_is_refused_before_aws_is_asked() {
    let options = ["--mode", "rollback", "--clusters", "prod", "api"];
    let refused = Story::codedeploy().run(Action::by_hand(&options)).await;
    assert_snapshot!(refused.text(), @"
    exit code 2
    ---
    there is no option --clusters; did you mean --cluster?
    `api` is no option: options begin with --
    Usage: ecs-bluegreen --INPUT VALUE … (--help lists the inputs)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_help_names_every_input() {
    let help = Story::codedeploy().run(Action::by_hand(&["--help"])).await;
    assert_eq!(help.code, Some(0));
    let head: Vec<&str> = help.log.iter().map(String::as_str).take(9).collect();
    assert_snapshot!(head.join("\n"), @"
    Usage: ecs-bluegreen --INPUT VALUE …
           ecs-bluegreen replay JOURNAL

    Deploys to Amazon ECS by blue/green, rolls back, answers gates, tests. Every input of the action is
    an option; its outcome is the last line and the exit code. Credentials come from the environment
    (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION). Secrets are better given
    as variables, such as INPUT_REGISTRY-PASSWORD, than as options, which other users of the machine can
    see.

    ");
}
