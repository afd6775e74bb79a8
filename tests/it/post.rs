//! The post step and the state it is given: it undoes what its own step armed, says what it cannot
//! use, and does the readable rest.

use insta::assert_snapshot;

use crate::harness::{Action, ActionRun, Incident, Play, Story, When};

/// A run whose machine dies while green is tested: a revision and a deployment are armed.
async fn begin_killed() -> (Play, ActionRun) {
    let mut play = Story::codedeploy().begin().await;
    let main = play
        .act(
            Action::deploy_tested_slowly("1.1.0")
                .on_incident(When::Line("Smoke tests on green"), Incident::Kill),
        )
        .await;
    assert_eq!(main.code, None, "{}", main.text());
    (play, main)
}

/// The same state after somebody changed it.
fn changed(main: &ActionRun, from: &str, to: &str) -> std::collections::BTreeMap<String, String> {
    let changed = main.state["undos"].replace(from, to);
    assert_ne!(changed, main.state["undos"], "the state has no {from}");
    [("undos".to_owned(), changed)].into()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_another_service_cluster_or_run_touches_nothing() {
    let (mut play, mut main) = begin_killed().await;
    let (state, inputs) = (main.state.clone(), main.inputs.clone());
    let mut said = Vec::new();
    for (name, value) in [("INPUT_SERVICE", "shop"), ("INPUT_CLUSTER", "test")] {
        main.inputs.insert(name.to_owned(), value.to_owned());
        let post = play.post(&main).await;
        assert_eq!(
            (post.code, post.calls.len()),
            (Some(40), 0),
            "{}",
            post.text()
        );
        said.push(post.log_with("::error"));
        main.inputs.clone_from(&inputs);
    }
    main.state = changed(&main, "\"attempt\":\"4711-1\"", "\"attempt\":\"4711-2\"");
    let post = play.post(&main).await;
    assert_eq!(
        (post.code, post.calls.len()),
        (Some(40), 0),
        "{}",
        post.text()
    );
    said.push(post.text());
    main.state = state;
    // A deployment that does not carry the run, and one of another group.
    let strangers = [
        ("4711-1-", "4711-1-0", "is not of run 4711-1-0"),
        ("DgpECS-prod-api", "DgpECS-prod-shop", "does not belong to"),
    ];
    for (from, to, words) in strangers {
        let forged = changed(&main, from, to);
        let state = std::mem::replace(&mut main.state, forged);
        let post = play.post(&main).await;
        assert_eq!(
            (post.code, post.count("codedeploy:StopDeployment")),
            (Some(40), 0),
            "{}",
            post.text()
        );
        assert!(
            post.log.iter().any(|line| line.contains(words)),
            "`{words}` is not in: {:?}",
            post.log
        );
        main.state = state;
    }
    let own = play.post(&main).await;
    assert_eq!(
        (own.code, own.count("codedeploy:StopDeployment")),
        (Some(0), 1),
        "{}",
        own.text()
    );
    play.end().await;
    assert_snapshot!(said.join("\n===\n"), @"
    ::error title=stuck::not undone: the saved state: it is of service api on prod, and this step is for service shop on prod
    ===
    ::error title=stuck::not undone: the saved state: it is of service api on prod, and this step is for service api on test
    ===
    exit code 40
    ---
    not undone: the saved state: it is of run 4711-2, and this is run 4711-1
    Post: nothing was undone: the saved state cannot be used
    ::error title=stuck::not undone: the saved state: it is of run 4711-2, and this is run 4711-1
      hint: look at the log of this job's main step for what it did, and at the service, and undo by hand what is left (docs/stuck.md)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_of_the_state_is_said_and_the_rest_is_undone() {
    let (mut play, mut main) = begin_killed().await;
    let strangers =
        r#""undos":[{"undo":"teleport"},{"undo":"tester","container":"../images/prod"},"#;
    main.state = changed(&main, "\"undos\":[", strangers);
    let post = play.post(&main).await;
    assert_eq!(post.code, Some(40), "{}", post.text());
    play.end().await;
    assert_snapshot!(post.with_summary(), @"
    exit code 40
    ---
    not undone: undo 1 of the saved state (teleport): it cannot be read: unknown variant `teleport`, expected one of `revision`, `task`, `migration`, `backup`, `code-deploy`, `rolling`, `ecs`, `hooks`, `scaling`, `tester`
    not undone: undo 2 of the saved state (tester): it does not belong to the service, the cluster and the run of this step
    deployment [deployment 1] is stopped, with rollback
    CodeDeploy rolls back with deployment [deployment 2]
    rollback [deployment 2] is Created
    rollback [deployment 2] is InProgress
    rollback [deployment 2] is Succeeded
    production: 100 % on blue (api:1), observed at the load balancer's listeners
    undone: CodeDeploy deployment [deployment 1]
    undone: task definition api:2
    Post: 2 saved undos could not be used and were skipped; the others: blue serves 100 %
    ::error title=stuck::not undone: undo 1 of the saved state (teleport): it cannot be read: unknown variant `teleport`, expected one of `revision`, `task`, `migration`, `backup`, `code-deploy`, `rolling`, `ecs`, `hooks`, `scaling`, `tester`
      hint: look at the log of this job's main step for what it did, and at the service, and undo by hand what is left (docs/stuck.md)
    ::error title=stuck::not undone: undo 2 of the saved state (tester): it does not belong to the service, the cluster and the run of this step
      hint: look at the log of this job's main step for what it did, and at the service, and undo by hand what is left (docs/stuck.md)
    ---
    codedeploy:StopDeployment
    ecs:DeregisterTaskDefinition
    --- summary
    ### Post step

    2 saved undos could not be used and were skipped; the others&#58; blue serves 100 %
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_garbage_is_loud() {
    let (mut play, mut main) = begin_killed().await;
    let state = std::mem::replace(
        &mut main.state,
        [("undos".to_owned(), "{\"attempt\":".to_owned())].into(),
    );
    let post = play.post(&main).await;
    assert_eq!(
        (post.code, post.calls.len()),
        (Some(40), 0),
        "{}",
        post.text()
    );
    main.state = state;
    assert_eq!(play.post(&main).await.code, Some(0));
    play.end().await;
    assert_snapshot!(post.text(), @"
    exit code 40
    ---
    not undone: the saved state: it cannot be read: EOF while parsing a value at line 1 column 11
    Post: nothing was undone: the saved state cannot be used
    ::error title=stuck::not undone: the saved state: it cannot be read: EOF while parsing a value at line 1 column 11
      hint: look at the log of this job's main step for what it did, and at the service, and undo by hand what is left (docs/stuck.md)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_newer_deployment_brought_meanwhile_is_left_alone() {
    let (mut play, main) = begin_killed().await;
    let newer = play
        .act(Action::deploy("1.2.0").with("if-running", "supersede"))
        .await;
    assert_eq!(newer.output("outcome"), "deployed", "{}", newer.text());
    let post = play.post(&main).await;
    assert_ne!(post.code, Some(40), "{}", post.text());
    assert!(
        post.text()
            .contains("left alone: another rollout took over"),
        "{}",
        post.text()
    );
    assert!(play.users().versions.contains_key("1.2.0"));
    play.end().await;
}
