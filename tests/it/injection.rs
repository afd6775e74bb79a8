//! What comes from outside (AWS, containers, HTTP, files) is shown, and is never a command,
//! Markdown or HTML of ours.
//!
//! That no line is a command of a stranger is asserted in every story; these bring the strangers.

use ecs_bluegreen::checks::load::LoadResult;
use ecs_bluegreen::checks::measurement::Measurement;
use ecs_bluegreen::checks::moment::Moment;
use ecs_bluegreen::checks::smoke::TestResult;
use ecs_bluegreen::checks::tester::TesterResult;
use ecs_bluegreen::error::{Failure, StoppedContainer};
use ecs_bluegreen::event::fact::{QueueFact, ScalingFact};
use ecs_bluegreen::event::{
    BackupProgress, DatabaseBackup, DeployedRevision, Event, Migration, MigrationState, ObservedBy,
    ObservedTraffic, PinnedImage, Progress, RefusedInputs, ReportedProblem, RunEnd, RunStart,
    Serving, Stamped, StartedRollout, StartedTester, Step, StepEnd, SurveyedService, Tasks,
    Traffic,
};
use ecs_bluegreen::github::files::append_value;
use ecs_bluegreen::outcome::{Mode, Outcome, Reason};
use ecs_bluegreen::report::Report;
use ecs_bluegreen::scan::ScanResult;
use ecs_bluegreen::sinks::console::Console;
use ecs_bluegreen::sinks::{journal, outputs, summary};
use ecs_bluegreen::text::Text;
use ecs_bluegreen_sim::{Fault, FaultKind};
use insta::assert_snapshot;
use regex::Regex;
use serde_json::json;

use crate::harness::{Action, ActionRun, Story, definition, serve_body, values};
use crate::masking::replayed;

/// Everything a stranger may try, in one text.
const ATTACK: &str = "x\n::error::owned\r::add-mask::a\u{2028}::set-output name=a::b ##[add-mask]b | `c` </pre><img src=x onerror=alert(1)> [d](http://evil.example) ![e](http://evil.example/e.png)\n## f \u{1b}[31m\u{202e}g @team #12 GH-3 www.evil.example";

/// The summary shows the attack, and nothing of it is structure.
fn assert_harmless(run: &ActionRun) {
    for structure in ["<img", "[d](http", "\n## f", "\n::", "##["] {
        assert!(
            !run.summary.contains(structure),
            "{structure} in\n{}",
            run.summary
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn aws_s_messages_are_only_text() {
    let refusal = FaultKind::Refused {
        code: "ClientException".to_owned(),
        message: ATTACK.to_owned(),
    };
    let run = Story::codedeploy()
        .fault(Fault::on_every_call("RegisterTaskDefinition", refusal))
        .run(Action::deploy("1.1.0"))
        .await;
    assert_harmless(&run);
    assert_snapshot!(run.with_summary(), @r"
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

    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (aws-refused)::the task definition could not be registered
      Caused by: ecs:RegisterTaskDefinition: x ::error::owned ::add-mask::a ::set-output name=a::b # #[add-mask]b | `c` </pre><img src=x onerror=alert(1)> [d](http://evil.example) ![e](http://evil.example/e.png) ## f  [31m�g @team #12 GH-3 www.evil.example (ClientException)
    Outcome: not-deployed (aws-refused), exit code 10, after [time]
    ---
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=not-deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=aws-refused
    registry=[registry]
    rolled-back=false
    ---
    ecs:RegisterTaskDefinition → ClientException
    --- summary
    ## ↩ not-deployed (aws-refused): <code>api</code> on <code>prod</code>

    **Nothing was rolled out&#58; production traffic is unchanged.**

    ### Why

    - **the task definition could not be registered**
      - ecs&#58;RegisterTaskDefinition&#58; x &#58;&#58;error&#58;&#58;owned &#58;&#58;add-mask&#58;&#58;a &#58;&#58;set-output name=a&#58;&#58;b \#\#\[add-mask\]b &#124; \`c\` &lt;/pre&gt;&lt;img src=x onerror=alert(1)&gt; <code>&#91;d](http&#58;<!-- -->//evil.example</code>) <code>!&#91;e](http&#58;<!-- -->//evil.example/e.png</code>) \#\# f  \[31m�g <code>&#64;<!-- -->team</code> <code>#12</code> <code>GH-3</code> <code>www<!-- -->.evil.example</code> (ClientException)

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

    [time] in all. AWS account 123456789012, role github-actions, session <code>deploy</code>.
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_s_last_words_are_only_text() {
    let overrides = json!([{ "name": "app", "command": [ATTACK] }]).to_string();
    let action = Action::deploy("1.1.0")
        .with("run-task", "true")
        .with("run-task-container-overrides", &overrides);
    let run = Story::codedeploy().run(action).await;
    assert_harmless(&run);
    assert_snapshot!(run.ending(), @r#"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged; the one-off task ran (command "x ::error::owned ::add-mask::a ::set-output name=a::b # #[add-mask]b | `c` </pre><img src=x onerror=alert(1)> [d](http://…", exit 2) and is not undone.
    ::error title=not-deployed (task-failed)::the one-off task failed: container app exited with 2
      Caused by: Essential container in task exited
      container app of task [task]: exit code 2; Essential container in task exited
        | {"time":"[time]","level":"error","message":"unknown arguments","cause":"x\n::error::owned\r::add-mask::a ::set-output name=a::b # #[add-mask]b | `c` </pre><img src=x onerror=alert(1)> [d](http://evil.example) ![e](http://evil.example/e.png)\n## f \u001b[31m�g @team #12 GH-3 www.evil.example"}
      hint: the task's last log lines are shown; nothing was rolled out
    Outcome: not-deployed (task-failed), exit code 10, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:RunTask
    ecs:DeregisterTaskDefinition
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_s_body_is_only_text() {
    let tests = "tests:\n  - name: front page\n    get: /\n    retry: { for: 200ms, every: 100ms }\n    expect: { body: { contains: Welcome } }\n";
    let action = Action::deploy("1.1.0")
        .with("smoke-tests", tests)
        .with("test-url", &serve_body(ATTACK.to_owned()).await);
    let run = Story::codedeploy().run(action).await;
    assert_harmless(&run);
    assert_snapshot!(run.with_summary(), @r#"
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
    green is registered in target group api-2, 1 of 1 targets healthy
    ::endgroup::
    ✓ Green: up, waiting at the gate ([time])
    ::group::Smoke tests at test-url
    ✗ front page at test-url: GET / ([time])
        body: expected contains Welcome, found other text
    ::endgroup::
    ✗ Smoke tests at test-url ([time])
    Smoke test "front page" failed at test-url (GET /, [n] attempts).
    ::group::Rollback
    deployment [deployment 1] is stopped, with rollback
    CodeDeploy rolls back with deployment [deployment 2]
    rollback [deployment 2] is Created
    rollback [deployment 2] is InProgress
    rollback [deployment 2] is Succeeded
    production: 100 % on blue (api:1), observed at the load balancer's listeners
    undone: CodeDeploy deployment [deployment 1]
    undone: task definition api:2
    ::endgroup::
    ✓ Rollback: blue serves 100 % ([time])

    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (smoke-failed)::smoke test "front page" failed at test-url (GET /, [n] attempts)
      Caused by: body: expected contains Welcome, found other text
      Caused by: the answer began: x ::error::owned ::add-mask::a�::set-output name=a::b # #[add-mask]b | `c` </pre><img src=x onerror=alert(1)> [d](http://evil.example) ![e](http://evil.example/e.png) ## f �[31m�g @team #12 GH-3 www.evil.example
      hint: users never reached this version; fix it, or the test, and deploy again
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

    - **smoke test "front page" failed at test-url (GET /, [n] attempts)**
      - body&#58; expected contains Welcome, found other text
      - the answer began&#58; x &#58;&#58;error&#58;&#58;owned &#58;&#58;add-mask&#58;&#58;a�&#58;&#58;set-output name=a&#58;&#58;b \#\#\[add-mask\]b &#124; \`c\` &lt;/pre&gt;&lt;img src=x onerror=alert(1)&gt; <code>&#91;d](http&#58;<!-- -->//evil.example</code>) <code>!&#91;e](http&#58;<!-- -->//evil.example/e.png</code>) \#\# f �\[31m�g <code>&#64;<!-- -->team</code> <code>#12</code> <code>GH-3</code> <code>www<!-- -->.evil.example</code>
    - What to do: users never reached this version; fix it, or the test, and deploy again

    | | |
    |---|---|
    | Version | <code>1.1.0</code> |
    | Image | <code>[registry]/app&#64;[digest]</code>, tags <code>1.1.0</code> |
    | Transfer | 2 layers and configs sent ([size]), 1 there already ([size]) |
    | Task definition | <code>api:2</code>, rolled back: <code>api:1</code> serves |
    | Rollout | <code>[deployment 1]</code> (codedeploy) |
    | Production traffic | blue, observed at the load balancer's listeners |

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✓ | Survey | [time] | ready |
    | ✓ | Image | [time] | [registry]/app&#64;[digest] |
    | ✓ | Task definition | [time] | api&#58;2 registered |
    | ✓ | Green | [time] | up, waiting at the gate |
    | ✗ | Smoke tests at test-url | [time] |  |
    | ✓ | Rollback | [time] | blue serves 100 % |

    [time] in all, [n] reads of AWS. AWS account 123456789012, role github-actions, session <code>deploy</code>.

    ### Smoke tests

    | | Test | On | Request | Time | Attempts | |
    |---|---|---|---|--:|--:|---|
    | ✗ | front page | test-url, not proven to have reached green | <code>GET /</code> | [time] | [n] | body&#58; expected contains Welcome, found other text |

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
    let action = Action::deploy("1.1.0")
        .file("task.json", &evil.to_string())
        .with("task-definition", "task.json")
        .with("container", "web");
    let run = Story::codedeploy()
        .run(action.file("smoke.yml", &tests))
        .await;
    assert_harmless(&run);
    assert_snapshot!(run.with_summary(), @r"
    exit code 2
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✗ Survey ([time])
    Nothing was touched: the inputs have a problem
    ::error title=input refused::container: Invalid task definition: Could not find container definition with matching name: `web`
      hint: The task definition has the containers x ::error::owned ::add-mask::a ::set-output name=a::b # #[add-mask]b | `c` </pre><img src=x onerror=alert(1)> [d](http://evil.example) ![e](http://evil.example/e.png) ## f  [31m�g @team #12 GH-3 www.evil.example
    ---
    duration-seconds=[n]
    outcome=refused
    reason=invalid-inputs
    rolled-back=false
    --- summary
    ## ✗ Refused: <code>api</code> on <code>prod</code>

    **Nothing was touched.** The inputs have problems.

    | Problem | What to do |
    |---|---|
    | container&#58; Invalid task definition&#58; Could not find container definition with matching name&#58; \`web\` | The task definition has the containers x &#58;&#58;error&#58;&#58;owned &#58;&#58;add-mask&#58;&#58;a &#58;&#58;set-output name=a&#58;&#58;b \#\#\[add-mask\]b &#124; \`c\` &lt;/pre&gt;&lt;img src=x onerror=alert(1)&gt; <code>&#91;d](http&#58;<!-- -->//evil.example</code>) <code>!&#91;e](http&#58;<!-- -->//evil.example/e.png</code>) \#\# f  \[31m�g <code>&#64;<!-- -->team</code> <code>#12</code> <code>GH-3</code> <code>www<!-- -->.evil.example</code> |

    | | |
    |---|---|
    | Version | <code>1.1.0</code> |

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✗ | Survey | [time] |  |

    [time] in all. AWS account 123456789012, role github-actions, session <code>deploy</code>.
    ");
    let run = Story::codedeploy()
        .run(
            Action::deploy("1.1.0")
                .file("smoke.yml", &tests)
                .with("smoke-tests", "smoke.yml")
                .with("test-url", "$TEST"),
        )
        .await;
    assert_harmless(&run);
    assert_snapshot!(run.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused,file=smoke.yml,line=2,col=11::smoke-tests: smoke.yml:2:11: A `name` is one line of plain words, without variables
      hint: Write words that say what is tested
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_are_only_text() {
    let run = Story::codedeploy()
        .run(
            Action::deploy("1.1.0")
                .with("service", ATTACK)
                .with("cluster", ATTACK)
                .with("wait-until", ATTACK),
        )
        .await;
    assert_harmless(&run);
    assert_snapshot!(run.text(), @"
    exit code 2
    ---
    Deploying to x ::error::owned ::add-mask::a ::set-output name=a::b # #[add-mask]b | `c` </pre><img src=x onerror=alert(1)> [d](http://evil.example) ![e](http://evil.example/e.png) ## f  [31m�g @team #12 GH-3 www.evil.example on x ::error::owned ::add-mask::a ::set-output name=a::b # #[add-mask]b | `c` </pre><img src=x onerror=alert(1)> [d](http://evil.example) ![e](http://evil.example/e.png) ## f  [31m�g @team #12 GH-3 www.evil.example, eu-central-1 (run [run])
    AWS account 123456789012, role github-actions
    Nothing was touched: the inputs have 2 problems
    ::error title=input refused::wait-until: `x ::error::owned ::add-mask::a ::set-output name=a::b # #[add-mask]b | `c` </pre><img src=x onerror=alert(1)> [d](http://evil.example) ![e](http://evil.example/e.png) ## f  [31m�g @team #12 GH-3 www.evil.example` is not one of shifted, completed
      hint: use one of them
    ::error title=input refused::cluster: there is no cluster `e.png) ## f  [31m�g @team #12 GH-3 www.evil.example`
      hint: clusters there: prod; check cluster and aws-region (`eu-central-1`)
    ---
    duration-seconds=[n]
    outcome=refused
    reason=invalid-inputs
    rolled-back=false
    ");
}

/// Texts that anyone outside may choose: a message of AWS, a line of a container, an answer, a name
/// in a file.
const INJECTED: [&str; 50] = [
    "::error::owned",
    "  ::error::owned",
    "\t::warning file=a,line=1::owned",
    "x\n::error::owned",
    "x\r::error::owned",
    "x\r\n::set-output name=outcome::deployed",
    "x\u{85}::error::owned",
    "x\u{2028}::error::owned",
    "x\u{2029}::add-mask::a",
    "x\u{b}::error::owned",
    "x\u{c}::error::owned",
    "\u{feff}::error::owned",
    "\u{200b}::error::owned",
    "\u{a0}::error::owned",
    "##[error]owned",
    "mid ##[add-mask]a",
    "####[error]owned",
    "#\u{0}#[error]owned",
    "::stop-commands::x",
    "::save-state name=undos::[]",
    "::add-path::/tmp",
    "::group::a\n::endgroup::",
    "%0A::error::owned",
    "%25%0D%0A",
    "\u{1b}[31mred\u{1b}[0m",
    "\u{1b}]8;;http://evil.example\u{7}click\u{1b}]8;;\u{7}",
    "\u{9b}2J",
    "a\u{8}\u{8}b\u{7f}",
    "nul\0nul",
    "\u{202e}drowssap\u{202c}",
    "a\u{2066}b\u{2069}\u{200f}\u{61c}",
    "tag\u{e0041}\u{e007f}",
    "@team",
    "cc @org/team, @someone.",
    "someone@evil.example",
    "#123 and org/repo#4",
    "GH-1 gh-22",
    "http://evil.example/a_b",
    "HTTPS://evil.example",
    "www.evil.example",
    "[x](http://evil.example)",
    "![x](http://evil.example/e.png)",
    "<img src=x onerror=alert(1)>",
    "</pre></code><a href=//evil.example>x</a>",
    "<!-- gone -->",
    "`code` ``` ```sh",
    "a | b || c",
    "\n\n# head\n- [ ] item\n> quote\n---",
    "outcome<<EOF\ndeployed\nEOF\necs_bluegreen_0000000000000000",
    "\u{fffd}*bold* _it_ ~~s~~ $x$ &lt; &#64;team \\",
];

/// A run with a stranger's text in every place where one can be.
fn told_of(text: &str) -> Vec<Stamped> {
    let own = || text.to_owned();
    let said = || Text::from(text);
    let stopped = StoppedContainer {
        container: own(),
        task: own(),
        exit_code: Some(1),
        why: said(),
        log: vec![said(), said()],
    };
    let failure = Failure::new(Reason::SmokeFailed, text)
        .with_cause(text)
        .with_hint(text)
        .with_stopped(vec![stopped]);
    let result: TestResult = serde_json::from_value(json!({
        "name": text, "moment": "green", "request": text, "verdict": "failed", "attempts": 1, "last-milliseconds": u64::MAX,
        "total-milliseconds": 1, "failures": [{ "what": text, "expected": text, "found": text }], "excerpt": text,
    }))
    .expect("a result");
    let tester: TesterResult = serde_json::from_value(json!({
        "name": text, "moment": "green", "place": text, "verdict": "failed", "exit-code": 1, "milliseconds": 1,
        "tally": { "passed": usize::MAX, "failed": 1, "skipped": 1 }, "lines": [text], "untold": 3, "note": text,
        "cases": [{ "suite": text, "name": text, "verdict": "failed", "milliseconds": 1, "message": text }],
    }))
    .expect("a result");
    let measurement: Measurement = serde_json::from_value(json!({
        "check": text, "kind": "metric", "moment": "step", "query": text, "value": text, "condition": text, "phase": "failed", "note": text,
        "weight": "counts", "time": text,
    }))
    .expect("a measurement");
    let load: LoadResult = serde_json::from_value(json!({
        "name": text, "moment": "green", "query": text, "condition": text, "sent": u64::MAX, "answered": 1, "error-rate": 1e300, "rate": 1e300,
        "errors": [{ "kind": "status", "count": u64::MAX, "example": text }], "milliseconds": u64::MAX, "phase": "failed", "note": text,
        "latencies": { "p50": u64::MAX, "p90": 1, "p95": 1, "p99": 1, "max": 1 }, "histogram": [[u64::MAX, u64::MAX], [1, 1]],
    }))
    .expect("a result");
    let scan: ScanResult = serde_json::from_value(json!({
        "digest": text, "platform": text, "answer": text, "ruling": "refused", "fail-on": text, "kind": null, "completed": text,
        "counts": { "high": u64::MAX, "low": u64::MAX }, "worst": [], "more": u64::MAX, "ignored": { text: u64::MAX, "b": u64::MAX },
        "suppressed": 1, "needless": [text],
    }))
    .expect("a result");
    let events = [
        Event::Started(RunStart {
            run: own(),
            time: own(),
            region: own(),
            cluster: text.into(),
            service: Some(text.into()),
            version: Some(own()),
            mode: Mode::Deploy,
        }),
        Event::Surveyed(SurveyedService {
            controller: own(),
            blue: text.into(),
            tasks: Tasks {
                running: i64::MAX,
                desired: 1,
                failed: 0,
            },
            plan: vec![said()],
        }),
        Event::StepStarted { step: Step::Image },
        Event::Narrowed {
            check: said(),
            allow: own(),
            why: said(),
        },
        Event::from(QueueFact::InProgress { running: said() }),
        Event::from(ScalingFact::LeftSuspended { run: own() }),
        Event::Warned { sentence: said() },
        Event::Noted { sentence: said() },
        Event::RepositoryCreated {
            repository: own(),
            with: vec![said()],
        },
        Event::ImagePinned(PinnedImage {
            image: own(),
            digest: own(),
            registry: own(),
            tags: vec![own()],
            moved: u64::MAX,
            transfer: None,
        }),
        Event::ScanAnswered {
            result: Box::new(scan),
        },
        Event::StepEnded {
            step: Step::Image,
            end: StepEnd::Failed,
            result: said(),
        },
        Event::Revision(DeployedRevision {
            arn: text.into(),
            registered: true,
            previous: Some(format!("{text}/").into()),
            changes: vec![said()],
        }),
        Event::TaskStarted {
            arns: vec![text.into()],
        },
        Event::TaskFound {
            arns: vec![text.into()],
        },
        Event::TaskDone {
            containers: vec![said()],
        },
        Event::MigrationLine { line: said() },
        Event::Migrated {
            migration: Migration {
                command: said(),
                state: MigrationState::Undone,
                task: Some(text.into()),
                exit_code: None,
                undone_by: Some(said()),
                kept_because: Some(said()),
                backup: Some(DatabaseBackup {
                    of: own(),
                    snapshot: text.into(),
                    state: BackupProgress::Available,
                }),
            },
        },
        Event::RolloutStarted(StartedRollout {
            deployment: text.into(),
            service_deployment: Some(text.into()),
            console: own(),
            codedeploy: true,
            found: false,
        }),
        Event::RolloutSeen {
            progress: Progress {
                stage: said(),
                traffic: Some(Traffic {
                    blue: 1e300,
                    green: -1.0,
                }),
                tasks: None,
            },
        },
        Event::GreenFound {
            place: own(),
            health: said(),
        },
        Event::SmokeTested { result },
        Event::Checked {
            measurement: Box::new(measurement),
        },
        Event::Loaded {
            result: Box::new(load),
        },
        Event::TesterStarted(StartedTester {
            name: own(),
            moment: Moment::Green,
            place: own(),
        }),
        Event::TesterLine {
            name: own(),
            line: said(),
        },
        Event::Tested {
            result: Box::new(tester),
        },
        Event::TrafficObserved(ObservedTraffic {
            revision: text.into(),
            side: Serving::Blue,
            observed_by: ObservedBy::Listener,
        }),
        Event::Refused(RefusedInputs {
            problems: vec![ReportedProblem {
                problem: said(),
                remedy: said(),
                at: None,
            }],
            after_changes: false,
            reason: Reason::InvalidInputs,
        }),
        Event::Undone { what: said() },
        Event::UndoFailed {
            what: said(),
            failure: failure.clone(),
        },
        Event::Failed { failure },
        Event::Ended(RunEnd {
            outcome: Outcome::Stuck,
            reason: Reason::SmokeFailed,
            sentence: said(),
        }),
        Event::SinkFailed {
            sink: own(),
            why: said(),
        },
        Event::PostEnded { result: said() },
    ];
    events
        .into_iter()
        .map(|event| Stamped {
            at_ms: u64::MAX,
            event,
        })
        .collect()
}

/// Characters that no line for people may hold.
fn assert_plain(line: &str, from: &str) {
    let is_odd = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
    };
    assert!(
        !line.contains(is_odd) && !line.contains('\u{e0041}'),
        "{line:?} of {from:?}"
    );
    assert!(!line.contains("##["), "{line:?} of {from:?}");
}

/// The summary's text without what is code: there GitHub makes no links, mentions or references.
fn without_code(summary: &str) -> String {
    let code =
        Regex::new(r"(?s)<code>.*?</code>|<pre>.*?</pre>|```text\n.*?\n```").expect("a pattern");
    code.replace_all(summary, "").into_owned()
}

#[test]
fn fifty_texts_of_strangers_are_only_text_in_the_log_and_in_the_summary() {
    let ours = Regex::new(r"^::(group|endgroup|error title=[^:]*|warning title=[^:]*)::")
        .expect("a pattern");
    let links = Regex::new(
        r"://|(?i:www\.)|@\w|(?:^|[^&])#\d|(?i:\bgh-\d)|<img|<a |<!|\]\(|&#64;\w+[\w.-]*\.\w",
    )
    .expect("a pattern");
    let elements = Regex::new(r"<[^>]*>").expect("a pattern");
    for text in INJECTED {
        let events = told_of(text);
        let mut console = Console::default();
        for line in events.iter().flat_map(|event| console.lines(event)) {
            assert_plain(&line, text);
            assert!(
                !line.trim_start().starts_with("::") || ours.is_match(&line),
                "{line:?} of {text:?}"
            );
        }
        let summary = summary::render(&Report::from_events(&events));
        summary.lines().for_each(|line| {
            assert!(
                !line.contains(['\u{1b}', '\r', '\u{2028}', '\u{202e}', '\0']),
                "{line:?} of {text:?}"
            );
        });
        let read = without_code(&summary);
        assert!(
            !links.is_match(&read),
            "{:?} of {text:?} in\n{read}",
            links.find(&read)
        );
        for element in elements.find_iter(&summary) {
            let known = [
                "<code>",
                "</code>",
                "<pre>",
                "</pre>",
                "<br>",
                "<details>",
                "</details>",
                "<summary>",
                "</summary>",
                "<!-- -->",
            ];
            assert!(
                known.contains(&element.as_str()),
                "{} of {text:?} in\n{summary}",
                element.as_str()
            );
        }
        let is_theirs =
            |line: &str| ["# head", "- [ ] item", "> quote", "---"].contains(&line.trim_start());
        assert!(!read.lines().any(is_theirs), "{text:?} in\n{read}");
    }
}

#[test]
fn fifty_texts_of_strangers_run_nothing_when_a_journal_is_replayed() {
    for text in INJECTED {
        let journal: String = told_of(text).iter().map(journal::to_line).collect();
        let (code, lines) = replayed(journal.as_bytes());
        assert_eq!(code, Some(0), "{text:?}: {lines:?}");
        for line in lines {
            assert_plain(&line, text);
            assert!(!line.trim_start().starts_with("::"), "{line:?} of {text:?}");
        }
    }
    // What is no journal is said to be none, in words that run nothing either.
    for broken in [
        b"::error::owned\n{}\n".as_slice(),
        b"{\"at_ms\":1,\"event\":\"::error::owned\\n::error::x\"}\n{}\n",
        b"\xff\xfe\n\n",
        "[".repeat(100_000).as_bytes(),
    ] {
        let (code, lines) = replayed(&[broken, b"\n{}\n"].concat());
        assert_eq!(code, Some(2), "{lines:?}");
        assert!(
            lines.len() == 1
                && lines[0].contains("cannot be replayed")
                && !lines[0].starts_with("::"),
            "{lines:?}"
        );
    }
}

#[test]
fn fifty_texts_of_strangers_end_no_output() {
    for text in INJECTED {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("output");
        std::fs::write(&file, "").expect("a file");
        let outputs = outputs::collect(&Report::from_events(&told_of(text)));
        for (name, value) in &outputs {
            append_value(&file, name, value).expect("written");
        }
        let read = values(&file);
        assert_eq!(read.len(), outputs.len(), "{text:?}");
        assert_eq!(
            (read["outcome"].as_str(), read["rolled-back"].as_str()),
            ("stuck", "false"),
            "{text:?}"
        );
        serde_json::from_str::<serde_json::Value>(&read["report"]).expect("the report is JSON");
    }
}
