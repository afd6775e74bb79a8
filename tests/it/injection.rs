//! What comes from outside (AWS, containers, HTTP, files) is shown, and is never a command, Markdown or HTML of ours.
//!
//! That no line is a command of a stranger is asserted in every story; these bring the strangers.

use ecs_bluegreen_sim::{Fault, FaultKind};
use insta::assert_snapshot;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::harness::{Action, Story, Told, definition};

/// Everything a stranger may try, in one text.
const ATTACK: &str = "x\n::error::owned\r::add-mask::a\u{2028}::set-output name=a::b ##[add-mask]b | `c` </pre><img src=x onerror=alert(1)> [d](http://evil.example) ![e](http://evil.example/e.png)\n## f";

/// The summary shows the attack, and nothing of it is structure.
fn assert_harmless(told: &Told) {
    for structure in ["<img", "[d](http", "\n## f", "\n::", "##["] {
        assert!(!told.summary.contains(structure), "{structure} in\n{}", told.summary);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn aws_s_messages_are_only_text() {
    let refusal = FaultKind::Refused { code: "ClientException".to_owned(), message: ATTACK.to_owned() };
    let told = Story::codedeploy().fault(Fault::always("RegisterTaskDefinition", refusal)).told(Action::deploy("1.1.0")).await;
    assert_harmless(&told);
    assert_snapshot!(told.with_summary(), @r"
    exit code 10
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller codedeploy; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is not tested before users reach it (no smoke-tests with test-url)
      CodeDeploy shifts traffic with CodeDeployDefault.ECSCanary10Percent5Minutes, about 5 min
      blue is kept for 5 min after the shift
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Image
    [registry]/app@[digest] as 1.1.0: 2 layers and configs sent ([size]), 1 there already ([size])
    ::endgroup::
    ✓ Image: [registry]/app@[digest] ([time])
    ::group::Task definition
    ::endgroup::
    ✗ Task definition ([time])
    The task definition could not be registered.

    Nothing was rolled out: what served production before still does.
    ::error title=unchanged (aws-refused)::the task definition could not be registered
      Caused by: ecs:RegisterTaskDefinition: x ::error::owned ::add-mask::a ::set-output name=a::b # #[add-mask]b | `c` </pre><img src=x onerror=alert(1)> [d](http://evil.example) ![e](http://evil.example/e.png) ## f (ClientException)
    Outcome: unchanged (aws-refused), exit code 10, after [time]
    ---
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=unchanged
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=aws-refused
    registry=[registry]
    rolled-back=false
    ---
    ecs:RegisterTaskDefinition → ClientException
    --- summary
    ## ↩ unchanged (aws-refused): <code>api</code> on <code>prod</code>

    **Nothing was rolled out&#58; what served production before still does.**

    ### Why

    - **the task definition could not be registered**
      - ecs&#58;RegisterTaskDefinition&#58; x &#58;&#58;error&#58;&#58;owned &#58;&#58;add-mask&#58;&#58;a &#58;&#58;set-output name=a&#58;&#58;b \#\#\[add-mask\]b &#124; \`c\` &lt;/pre&gt;&lt;img src=x onerror=alert(1)&gt; \[d\](http&#58;//evil.example) \!\[e\](http&#58;//evil.example/e.png) \#\# f (ClientException)

    | | |
    |---|---|
    | Version | <code>1.1.0</code> |
    | Image | <code>[registry]/app&#64;[digest]</code>, tags <code>1.1.0</code> |
    | Transfer | 2 layers and configs sent ([size]), 1 there already ([size]) |

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✓ | Survey | [time] | ready |
    | ✓ | Image | [time] | [registry]/app&#64;[digest] |
    | ✗ | Task definition | [time] |  |

    [time] in all.
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_s_last_words_are_only_text() {
    let overrides = json!([{ "name": "app", "command": [ATTACK] }]).to_string();
    let action = Action::deploy("1.1.0").with("run-task", "true").with("run-task-container-overrides", &overrides);
    let told = Story::codedeploy().told(action).await;
    assert_harmless(&told);
    assert_snapshot!(told.ending(), @r#"
    exit code 10
    ---
    Nothing was rolled out: what served production before still does.
    ::error title=unchanged (task-failed)::the one-off task failed: container app exited with 2
      Caused by: Essential container in task exited
      container app of task [task]: exit code 2; Essential container in task exited
        | {"time":"[time]","level":"error","message":"unknown arguments","cause":"x\n::error::owned\r::add-mask::a ::set-output name=a::b # #[add-mask]b | `c` </pre><img src=x onerror=alert(1)> [d](http://evil.example) ![e](http://evil.example/e.png)\n## f"}
      hint: the task's last log lines are shown; nothing was rolled out
    Outcome: unchanged (task-failed), exit code 10, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:RunTask
    ecs:StopTask
    ecs:DeregisterTaskDefinition
    "#);
}

/// A server that answers every request with the attack.
async fn stranger() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{ATTACK}", ATTACK.len());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_s_body_is_only_text() {
    let tests =
        "tests:\n  - name: front page\n    get: /\n    retry: { for: 200ms, every: 100ms }\n    expect: { body: { contains: Welcome } }\n";
    let action = Action::deploy("1.1.0").with("smoke-tests", tests).with("test-url", &stranger().await);
    let told = Story::codedeploy().told(action).await;
    assert_harmless(&told);
    assert_snapshot!(told.with_summary(), @r#"
    exit code 20
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller codedeploy; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is tested before users reach it
      CodeDeploy shifts traffic with CodeDeployDefault.ECSCanary10Percent5Minutes, about 5 min
      blue is kept for 5 min after the shift
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Image
    [registry]/app@[digest] as 1.1.0: 2 layers and configs sent ([size]), 1 there already ([size])
    ::endgroup::
    ✓ Image: [registry]/app@[digest] ([time])
    ::group::Task definition
      containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/app@[digest]
    ::endgroup::
    ✓ Task definition: api:2 registered ([time])
    Deployment started: [deployment 1]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    ::group::Green
    green stands behind target group api-2, 1 of 1 targets healthy
    ::endgroup::
    ✓ Green: up, waiting at the gate ([time])
    ::group::Smoke tests on green
    ✗ front page on green: GET / ([time])
        body: expected contains Welcome, found other text
    ::endgroup::
    ✗ Smoke tests on green ([time])
    Smoke test "front page" failed on green (GET /, [n] attempts).
    ::group::Rollback
    deployment [deployment 1] is stopped, with rollback
    CodeDeploy rolls back with deployment [deployment 2]
    rollback [deployment 2] is Created
    rollback [deployment 2] is InProgress
    rollback [deployment 2] is Succeeded
    production: 100 % on blue (api:1), observed at the load balancer's listeners
    taken back: CodeDeploy deployment [deployment 1]
    taken back: task definition api:2
    ::endgroup::
    ✓ Rollback: blue serves 100 % ([time])

    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (smoke-failed)::smoke test "front page" failed on green (GET /, [n] attempts)
      Caused by: body: expected contains Welcome, found other text
      Caused by: the answer began: x ::error::owned ::add-mask::a�::set-output name=a::b # #[add-mask]b | `c` </pre><img src=x onerror=alert(1)> [d](http://evil.example) ![e](http://evil.example/e.png) ## f
      hint: users never reached this version; mend it, or the test, and deploy again
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: rolled-back (smoke-failed), exit code 20, after [time]
    ---
    codedeploy-deployment-id=[deployment 1]
    console-url=https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    deployment-id=[deployment 1]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=rolled-back
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=smoke-failed
    registry=[registry]
    rolled-back=true
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:StopDeployment
    ecs:DeregisterTaskDefinition
    --- summary
    ## ↩ rolled-back (smoke-failed): <code>api</code> on <code>prod</code>

    **Blue serves 100 % of production&#58; api&#58;1 (observed at the load balancer's listeners).**

    ### Why

    - **smoke test "front page" failed on green (GET /, [n] attempts)**
      - body&#58; expected contains Welcome, found other text
      - the answer began&#58; x &#58;&#58;error&#58;&#58;owned &#58;&#58;add-mask&#58;&#58;a�&#58;&#58;set-output name=a&#58;&#58;b \#\#\[add-mask\]b &#124; \`c\` &lt;/pre&gt;&lt;img src=x onerror=alert(1)&gt; \[d\](http&#58;//evil.example) \!\[e\](http&#58;//evil.example/e.png) \#\# f
    - What to do: users never reached this version; mend it, or the test, and deploy again

    | | |
    |---|---|
    | Version | <code>1.1.0</code> |
    | Image | <code>[registry]/app&#64;[digest]</code>, tags <code>1.1.0</code> |
    | Transfer | 2 layers and configs sent ([size]), 1 there already ([size]) |
    | Task definition | <code>api:2</code>, taken back: <code>api:1</code> serves |
    | Rollout | <code>[deployment 1]</code> (codedeploy) |
    | Production traffic | blue, observed at the load balancer's listeners |

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✓ | Survey | [time] | ready |
    | ✓ | Image | [time] | [registry]/app&#64;[digest] |
    | ✓ | Task definition | [time] | api&#58;2 registered |
    | ✓ | Green | [time] | up, waiting at the gate |
    | ✗ | Smoke tests on green | [time] |  |
    | ✓ | Rollback | [time] | blue serves 100 % |

    [time] in all, [n] reads of AWS.

    ### Smoke tests

    | | Test | On | Request | Time | Attempts | |
    |---|---|---|---|--:|--:|---|
    | ✗ | front page | green | <code>GET /</code> | [time] | [n] | body&#58; expected contains Welcome, found other text |

    <details><summary>Changes of the task definition</summary>

    <pre>containerDefinitions&#91;app].image: [registry]/app:1.0.0 → [registry]/app&#64;[digest]</pre>

    </details>

    [Watch it in the AWS console](https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1)
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_files_say_is_only_text() {
    let mut evil = definition("placeholder");
    evil["containerDefinitions"][0]["name"] = json!(ATTACK);
    let tests = format!("tests:\n  - name: {}\n    get: /\n", json!(ATTACK));
    let action = Action::deploy("1.1.0").file("task.json", &evil.to_string()).with("task-definition", "task.json").with("container", "web");
    let told = Story::codedeploy().told(action.file("smoke.yml", &tests)).await;
    assert_harmless(&told);
    assert_snapshot!(told.with_summary(), @r"
    exit code 2
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✗ Survey ([time])
    Nothing was touched: the inputs have a problem
    ::error title=input refused::container: Invalid task definition: Could not find container definition with matching name: `web`
      hint: The task definition has the containers x ::error::owned ::add-mask::a ::set-output name=a::b # #[add-mask]b | `c` </pre><img src=x onerror=alert(1)> [d](http://evil.example) ![e](http://evil.example/e.png) ## f
    ---
    duration-seconds=[n]
    reason=invalid-inputs
    rolled-back=false
    --- summary
    ## ✗ Refused: <code>api</code> on <code>prod</code>

    **Nothing was touched.** The inputs have problems.

    | Problem | What to do |
    |---|---|
    | container&#58; Invalid task definition&#58; Could not find container definition with matching name&#58; \`web\` | The task definition has the containers x &#58;&#58;error&#58;&#58;owned &#58;&#58;add-mask&#58;&#58;a &#58;&#58;set-output name=a&#58;&#58;b \#\#\[add-mask\]b &#124; \`c\` &lt;/pre&gt;&lt;img src=x onerror=alert(1)&gt; \[d\](http&#58;//evil.example) \!\[e\](http&#58;//evil.example/e.png) \#\# f |

    | | |
    |---|---|
    | Version | <code>1.1.0</code> |

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✗ | Survey | [time] |  |

    [time] in all.
    ");
    let told = Story::codedeploy()
        .told(Action::deploy("1.1.0").file("smoke.yml", &tests).with("smoke-tests", "smoke.yml").with("test-url", "$TEST"))
        .await;
    assert_harmless(&told);
    assert_snapshot!(told.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::smoke-tests: smoke.yml:2:11: A `name` is one line of plain words, without variables
      hint: Write words that say what is tested
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_are_only_text() {
    let told =
        Story::codedeploy().told(Action::deploy("1.1.0").with("service", ATTACK).with("cluster", ATTACK).with("wait-until", ATTACK)).await;
    assert_harmless(&told);
    assert_snapshot!(told.text(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::wait-until: `x%0A::error::owned%0D::add-mask::a ::set-output name=a::b # #[add-mask]b | `c` </pre><img src=x onerror=alert(1)> [d](http://evil.example) ![e](http://evil.example/e.png)%0A## f` is not one of shifted, completed
      hint: use one of shifted, completed
    ---
    duration-seconds=[n]
    reason=invalid-inputs
    rolled-back=false
    ");
}
