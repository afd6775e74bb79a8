//! The gate on scan findings: what the registry's scanner says about an image decides whether it is
//! deployed.

use ecs_bluegreen_sim::{
    Fault, FaultKind, RollingOptions, ScanFinding, ScanKind, ScanOptions, ScanReading,
    StageOptions, Toggle,
};
use insta::assert_snapshot;

use crate::harness::{Action, ActionRun, Incident, Story, When};

/// A repository whose images are scanned on push.
fn basic(looks: Vec<ScanReading>) -> ScanOptions {
    ScanOptions {
        on_push: Toggle::On,
        looks,
        ..ScanOptions::default()
    }
}

/// The same by Inspector.
fn enhanced(looks: Vec<ScanReading>) -> ScanOptions {
    ScanOptions {
        kind: ScanKind::Enhanced,
        ..basic(looks)
    }
}

/// A repository where somebody has to start a scan.
fn manual(looks: Vec<ScanReading>) -> ScanOptions {
    ScanOptions {
        on_push: Toggle::Off,
        ..basic(looks)
    }
}

fn active(findings: Vec<ScanFinding>) -> ScanReading {
    ScanReading {
        status: "ACTIVE".to_owned(),
        ..ScanReading::completed(findings)
    }
    .with_description("Continuous scan is selected for image.")
}

fn fresh(look: ScanReading) -> ScanReading {
    ScanReading {
        completed_seconds_ago: Some(0),
        ..look
    }
}

fn openssl(severity: &str, name: &str) -> ScanFinding {
    ScanFinding::new(severity, name, ("openssl", "3.0.11-1~deb12u2")).with_fix("3.0.14-1~deb12u1")
}

fn zlib(severity: &str, name: &str) -> ScanFinding {
    ScanFinding::new(severity, name, ("zlib", "1.2.13"))
}

/// A rolling service, whose story is the shortest, and the scans of its repository.
fn story(scans: ScanOptions) -> Story {
    Story::rolling(RollingOptions::default())
        .stage(|options| drop(options.scans.insert("app".to_owned(), scans)))
}

fn gated(scan: &str) -> Action {
    Action::deploy("1.1.0").with("scan", scan)
}

/// Nothing of ours is anywhere but the image in its registry.
fn assert_nothing_registered(run: &ActionRun) {
    assert_eq!(
        (run.code, run.output("outcome")),
        (Some(10), "not-deployed"),
        "{}",
        run.text()
    );
    assert_eq!(
        run.count("ecs:RegisterTaskDefinition") + run.count("ecs:UpdateService"),
        0,
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_without_a_finding_that_fails_is_deployed_once_its_scan_is_done() {
    let looks = ["NOT_FOUND", "PENDING", "IN_PROGRESS"]
        .map(ScanReading::status)
        .into_iter();
    let findings = vec![
        zlib("LOW", "CVE-2023-45853"),
        openssl("MEDIUM", "CVE-2024-5535"),
        zlib("UNDEFINED", "CVE-2026-0001"),
    ];
    let looks = looks.chain([ScanReading::completed(findings)]).collect();
    assert_snapshot!(story(basic(looks)).run(gated("high")).await.with_summary(), @r#"
    exit code 0
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller ecs, rolling; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      ECS replaces the tasks (rolling)
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Image
    [registry]/app@[digest] as 1.1.0: 2 layers and configs sent ([size]), 1 there already ([size])
    ::endgroup::
    ✓ Image: [registry]/app@[digest] ([time])
    ::group::Scan findings
    there is no scan of [digest] yet
    the scan of [digest] is PENDING
    the scan of [digest] is IN_PROGRESS
    basic scan of [digest], completed [time]: 1 medium, 1 low and 1 unrated findings (fail-on: high)
      medium CVE-2024-5535 in openssl 3.0.11-1~deb12u2
      low CVE-2023-45853 in zlib 1.2.13
      unrated CVE-2026-0001 in zlib 1.2.13
    ::endgroup::
    ✓ Scan findings: 1 medium, 1 low and 1 unrated findings, none fails ([time])
    ::group::Task definition
      containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/app@[digest]
    ::endgroup::
    ✓ Task definition: api:2 registered ([time])
    Deployment started: [ecs deployment]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments?region=eu-central-1
    ::group::Traffic
    production: 100 % on green (api:2), observed at the service's deployments
    ::endgroup::
    ✓ Traffic: green serves 100 % ([time])

    Green serves 100 % of production: api:2 (observed at the service's deployments).
    Outcome: deployed, exit code 0, after [time]
    ---
    console-url=https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments?region=eu-central-1
    deployment-id=[ecs deployment]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    registry=[registry]
    rolled-back=false
    scan-findings={"low":1,"medium":1,"unrated":1}
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    --- summary
    ## ✓ deployed: <code>api</code> on <code>prod</code>

    **Green serves 100 % of production&#58; api&#58;2 (observed at the service's deployments).**

    | | |
    |---|---|
    | Version | <code>1.1.0</code> |
    | Image | <code>[registry]/app&#64;[digest]</code>, tags <code>1.1.0</code> |
    | Transfer | 2 layers and configs sent ([size]), 1 there already ([size]) |
    | Task definition | <code>api:2</code>, in place of <code>api:1</code> |
    | Rollout | <code>[ecs deployment]</code> (ecs, rolling) |
    | Production traffic | green, observed at the service's deployments |

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✓ | Survey | [time] | ready |
    | ✓ | Image | [time] | [registry]/app&#64;[digest] |
    | ✓ | Scan findings | [time] | 1 medium, 1 low and 1 unrated findings, none fails |
    | ✓ | Task definition | [time] | api&#58;2 registered |
    | ✓ | Traffic | [time] | green serves 100 % |

    [time] in all, [n] reads of AWS. AWS account 123456789012, role github-actions, session <code>deploy</code>.

    ### Scan findings

    ✓ **1 medium, 1 low and 1 unrated findings**, <code>fail-on: high</code>: basic scan of <code>[digest]</code>, completed [time].

    | Severity | Vulnerability | Package | Fixed in |
    |---|---|---|---|
    | medium | CVE-2024-5535 | openssl 3.0.11-1\~deb12u2 |  |
    | low | CVE-2023-45853 | zlib 1.2.13 |  |
    | unrated | CVE-2026-0001 | zlib 1.2.13 |  |

    <details><summary>Changes of the task definition</summary>

    <pre>containerDefinitions&#91;app].image: [registry]/app:1.0.0 → [registry]/app&#64;[digest]</pre>

    </details>

    [Watch it in the AWS console](https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments?region=eu-central-1)
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_with_a_high_finding_is_not_deployed_and_nothing_is_registered() {
    let findings = vec![
        openssl("HIGH", "CVE-2024-0727"),
        zlib("LOW", "CVE-2023-45853"),
        openssl("CRITICAL", "CVE-2024-6387"),
    ];
    let run = story(basic(vec![ScanReading::completed(findings)]))
        .run(gated("{ fail-on: high, wait: 1m }"))
        .await;
    assert_nothing_registered(&run);
    assert_eq!(
        run.output("scan-findings"),
        r#"{"critical":1,"high":1,"low":1}"#
    );
    assert_snapshot!(run.with_summary(), @r#"
    exit code 10
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller ecs, rolling; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      ECS replaces the tasks (rolling)
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Image
    [registry]/app@[digest] as 1.1.0: 2 layers and configs sent ([size]), 1 there already ([size])
    ::endgroup::
    ✓ Image: [registry]/app@[digest] ([time])
    ::group::Scan findings
    basic scan of [digest], completed [time]: 1 critical, 1 high and 1 low findings (fail-on: high)
      critical CVE-2024-6387 in openssl 3.0.11-1~deb12u2
      high CVE-2024-0727 in openssl 3.0.11-1~deb12u2
      low CVE-2023-45853 in zlib 1.2.13
    ::endgroup::
    ✗ Scan findings ([time])
    The image has 1 critical and 1 high findings; fail-on is high.

    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (scan-failed)::the image has 1 critical and 1 high findings; fail-on is high
      hint: update the packages, or list under `ignore` of scan what is known and accepted (docs/scan.md)
    Outcome: not-deployed (scan-failed), exit code 10, after [time]
    ---
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=not-deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=scan-failed
    registry=[registry]
    rolled-back=false
    scan-findings={"critical":1,"high":1,"low":1}
    --- summary
    ## ↩ not-deployed (scan-failed): <code>api</code> on <code>prod</code>

    **Nothing was rolled out&#58; production traffic is unchanged.**

    ### Why

    - **the image has 1 critical and 1 high findings; fail-on is high**
    - What to do: update the packages, or list under \`ignore\` of scan what is known and accepted (docs/scan.md)

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
    | ✗ | Scan findings | [time] |  |

    [time] in all. AWS account 123456789012, role github-actions, session <code>deploy</code>.

    ### Scan findings

    ✗ **1 critical, 1 high and 1 low findings**, <code>fail-on: high</code>: basic scan of <code>[digest]</code>, completed [time].

    | Severity | Vulnerability | Package | Fixed in |
    |---|---|---|---|
    | critical | CVE-2024-6387 | openssl 3.0.11-1\~deb12u2 |  |
    | high | CVE-2024-0727 | openssl 3.0.11-1\~deb12u2 |  |
    | low | CVE-2023-45853 | zlib 1.2.13 |  |
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vulnerability_that_is_ignored_by_name_does_not_fail() {
    let findings = vec![
        openssl("CRITICAL", "CVE-2024-6387"),
        zlib("CRITICAL", "CVE-2024-6387"),
        zlib("HIGH", "CVE-2023-45853"),
    ];
    let rules = "fail-on: high\nignore:\n  - cve-2024-6387  # sshd does not run here\n  - CVE-2023-45853\n  - CVE-2020-1\n";
    let action = gated("ci/scan.yml").file("ci/scan.yml", rules);
    let run = story(basic(vec![ScanReading::completed(findings)]))
        .run(action)
        .await;
    assert_eq!(
        (run.output("outcome"), run.output("scan-findings")),
        ("deployed", "{}")
    );
    assert_snapshot!(scan_of(&run), @"
    ::group::Scan findings
    basic scan of [digest], completed [time]: no findings besides those that are ignored (fail-on: high)
      3 ignored: CVE-2023-45853, CVE-2024-6387 (2 times)
      in ignore, but not found: CVE-2020-1
    ::endgroup::
    ✓ Scan findings: no findings besides those that are ignored ([time])
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_continuous_scan_of_inspector_is_an_answer_and_what_is_suppressed_there_does_not_fail() {
    let findings = vec![
        zlib("CRITICAL", "CVE-2023-45853").with_suppression(),
        openssl("MEDIUM", "CVE-2024-5535"),
        zlib("UNTRIAGED", "CVE-2026-0001"),
    ];
    let looks = vec![
        ScanReading::status("NOT_FOUND"),
        ScanReading::status("PENDING").with_description("Pending start of the image scan."),
        active(findings),
    ];
    let run = story(enhanced(looks)).run(gated("high")).await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    assert_snapshot!(scan_of(&run), @"
    ::group::Scan findings
    there is no scan of [digest] yet
    the scan of [digest] is PENDING
    enhanced scan of [digest], completed [time]: 1 medium and 1 unrated findings (fail-on: high)
      medium CVE-2024-5535 in openssl 3.0.11-1~deb12u2, fixed in 3.0.14-1~deb12u1
      unrated CVE-2026-0001 in zlib 1.2.13
      1 suppressed in Inspector
    ::endgroup::
    ✓ Scan findings: 1 medium and 1 unrated findings, none fails ([time])
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_findings_on_many_pages_the_worst_are_named() {
    let mut findings: Vec<ScanFinding> = (0..40)
        .map(|number| zlib("LOW", &format!("CVE-2022-1{number:03}")))
        .collect();
    findings.extend((0..14).map(|number| openssl("HIGH", &format!("CVE-2024-1{number:03}"))));
    findings.push(openssl("CRITICAL", "CVE-2024-6387"));
    let script = ScanOptions {
        page: 10,
        ..enhanced(vec![active(findings)])
    };
    let mut play = story(script).begin().await;
    let run = play.act(gated("critical")).await;
    assert_eq!(
        play.stage
            .read_counts()
            .get("ecr:DescribeImageScanFindings"),
        Some(&6),
        "one look, six pages"
    );
    play.end().await;
    assert_nothing_registered(&run);
    assert_eq!(
        run.output("scan-findings"),
        r#"{"critical":1,"high":14,"low":40}"#
    );
    assert_snapshot!(format!("{}\n---\n{}", scan_of(&run), section(&run)), @r"
    ::group::Scan findings
    enhanced scan of [digest], completed [time]: 1 critical, 14 high and 40 low findings (fail-on: critical)
      critical CVE-2024-6387 in openssl 3.0.11-1~deb12u2, fixed in 3.0.14-1~deb12u1
      high CVE-2024-1000 in openssl 3.0.11-1~deb12u2, fixed in 3.0.14-1~deb12u1
      high CVE-2024-1001 in openssl 3.0.11-1~deb12u2, fixed in 3.0.14-1~deb12u1
      high CVE-2024-1002 in openssl 3.0.11-1~deb12u2, fixed in 3.0.14-1~deb12u1
      high CVE-2024-1003 in openssl 3.0.11-1~deb12u2, fixed in 3.0.14-1~deb12u1
      high CVE-2024-1004 in openssl 3.0.11-1~deb12u2, fixed in 3.0.14-1~deb12u1
      high CVE-2024-1005 in openssl 3.0.11-1~deb12u2, fixed in 3.0.14-1~deb12u1
      high CVE-2024-1006 in openssl 3.0.11-1~deb12u2, fixed in 3.0.14-1~deb12u1
      high CVE-2024-1007 in openssl 3.0.11-1~deb12u2, fixed in 3.0.14-1~deb12u1
      high CVE-2024-1008 in openssl 3.0.11-1~deb12u2, fixed in 3.0.14-1~deb12u1
      … and 45 more
    ::endgroup::
    ✗ Scan findings ([time])
    ---
    ### Scan findings

    ✗ **1 critical, 14 high and 40 low findings**, <code>fail-on: critical</code>: enhanced scan of <code>[digest]</code>, completed [time].

    | Severity | Vulnerability | Package | Fixed in |
    |---|---|---|---|
    | critical | CVE-2024-6387 | openssl 3.0.11-1\~deb12u2 | 3.0.14-1\~deb12u1 |
    | high | CVE-2024-1000 | openssl 3.0.11-1\~deb12u2 | 3.0.14-1\~deb12u1 |
    | high | CVE-2024-1001 | openssl 3.0.11-1\~deb12u2 | 3.0.14-1\~deb12u1 |
    | high | CVE-2024-1002 | openssl 3.0.11-1\~deb12u2 | 3.0.14-1\~deb12u1 |
    | high | CVE-2024-1003 | openssl 3.0.11-1\~deb12u2 | 3.0.14-1\~deb12u1 |
    | high | CVE-2024-1004 | openssl 3.0.11-1\~deb12u2 | 3.0.14-1\~deb12u1 |
    | high | CVE-2024-1005 | openssl 3.0.11-1\~deb12u2 | 3.0.14-1\~deb12u1 |
    | high | CVE-2024-1006 | openssl 3.0.11-1\~deb12u2 | 3.0.14-1\~deb12u1 |
    | high | CVE-2024-1007 | openssl 3.0.11-1\~deb12u2 | 3.0.14-1\~deb12u1 |
    | high | CVE-2024-1008 | openssl 3.0.11-1\~deb12u2 | 3.0.14-1\~deb12u1 |
    | high | CVE-2024-1009 | openssl 3.0.11-1\~deb12u2 | 3.0.14-1\~deb12u1 |
    | high | CVE-2024-1010 | openssl 3.0.11-1\~deb12u2 | 3.0.14-1\~deb12u1 |
    | high | CVE-2024-1011 | openssl 3.0.11-1\~deb12u2 | 3.0.14-1\~deb12u1 |
    | high | CVE-2024-1012 | openssl 3.0.11-1\~deb12u2 | 3.0.14-1\~deb12u1 |
    | high | CVE-2024-1013 | openssl 3.0.11-1\~deb12u2 | 3.0.14-1\~deb12u1 |
    | low | CVE-2022-1000 | zlib 1.2.13 |  |
    | low | CVE-2022-1001 | zlib 1.2.13 |  |
    | low | CVE-2022-1002 | zlib 1.2.13 |  |
    | low | CVE-2022-1003 | zlib 1.2.13 |  |
    | low | CVE-2022-1004 | zlib 1.2.13 |  |

    … and 35 more.
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_scanned_on_push_a_scan_is_started_once() {
    let looks = vec![
        ScanReading::status("IN_PROGRESS"),
        ScanReading::completed(Vec::new()),
    ];
    let run = story(manual(looks))
        .run(gated("{ fail-on: any, wait: 9s }"))
        .await;
    assert_eq!(
        (run.output("outcome"), run.count("ecr:StartImageScan")),
        ("deployed", 1),
        "{}",
        run.text()
    );
    assert_snapshot!(scan_of(&run), @"
    ::group::Scan findings
    there is no scan of [digest] yet
    none has come by itself: a scan is started
    the scan of [digest] is IN_PROGRESS
    basic scan of [digest], completed [time]: no findings (fail-on: any)
    ::endgroup::
    ✓ Scan findings: no findings ([time])
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_nobody_scans_and_nobody_may_scan_is_not_deployed() {
    let story = story(manual(vec![ScanReading::completed(Vec::new())]))
        .stage(|options| options.denied = vec!["ecr:StartImageScan".to_owned()]);
    let run = story.run(gated("{ fail-on: high, wait: 6s }")).await;
    assert_nothing_registered(&run);
    assert_snapshot!(format!("{}\n---\n{}", scan_of(&run), run.ending()), @"
    ::group::Scan findings
    there is no scan of [digest] yet
    no scan was started: ecr:StartImageScan is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: ecr:StartImageScan on resource: arn:aws:ecr:eu-central-1:123456789012:repository/app because no identity-based policy allows the ecr:StartImageScan action; waiting for one all the same
    scan of [digest]: no-scan
    ::endgroup::
    ✗ Scan findings ([time])
    ---
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (scan-failed)::there is no scan of the image, after [time]
      Caused by: ecr:StartImageScan is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: ecr:StartImageScan on resource: arn:aws:ecr:eu-central-1:123456789012:repository/app because no identity-based policy allows the ecr:StartImageScan action
      hint: allow ecr:StartImageScan on arn:aws:ecr:eu-central-1:123456789012:repository/app for the role that the job uses (docs/iam.md)
    Outcome: not-deployed (scan-failed), exit code 10, after [time]
    ---
    ecr:StartImageScan → AccessDeniedException
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_inspector_never_begins_is_no_pass() {
    let run = story(enhanced(vec![ScanReading::status("NOT_FOUND")]))
        .run(gated("{ fail-on: high, wait: 6s }"))
        .await;
    assert_nothing_registered(&run);
    assert_snapshot!(format!("{}\n---\n{}", scan_of(&run), run.ending()), @"
    ::group::Scan findings
    there is no scan of [digest] yet
    no scan was started: ecr:StartImageScan: This feature is disabled (ValidationException); waiting for one all the same
    scan of [digest]: no-scan
    ::endgroup::
    ✗ Scan findings ([time])
    ---
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (scan-failed)::there is no scan of the image, after [time]
      Caused by: ecr:StartImageScan: This feature is disabled (ValidationException)
      hint: let ECR scan what is pushed: aws ecr put-image-scanning-configuration --repository-name app --image-scanning-configuration scanOnPush=true; with enhanced scanning, include the repository in the registry's scan filters
    Outcome: not-deployed (scan-failed), exit code 10, after [time]
    ---
    ecr:StartImageScan → ValidationException
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_does_not_end_is_waited_for_no_longer_than_asked() {
    let run = story(basic(vec![ScanReading::status("IN_PROGRESS")]))
        .run(gated("{ fail-on: high, wait: 2s }"))
        .await;
    assert!(
        run.output("duration-seconds")
            .parse::<u64>()
            .is_ok_and(|seconds| seconds < 60),
        "{}",
        run.text()
    );
    assert_nothing_registered(&run);
    assert_snapshot!(run.ending(), @"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (scan-failed)::the scan of the image was not done after [time] (ECR says IN_PROGRESS)
      hint: raise `wait` of scan, or run the job again later
    Outcome: not-deployed (scan-failed), exit code 10, after [time]
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_run_s_own_deadline_bounds_the_wait() {
    let run = story(basic(vec![ScanReading::status("PENDING")]))
        .run(gated("{ fail-on: high, wait: 1h }").with("deadline", "2s"))
        .await;
    assert_nothing_registered(&run);
    assert!(
        run.log_with("the scan of the image was not done")
            .contains("ECR says PENDING"),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_is_complete_before_its_findings_are_there_is_not_believed() {
    let findings = vec![openssl("HIGH", "CVE-2024-0727")];
    let early =
        ScanReading::status("COMPLETE").with_description("The scan was completed successfully.");
    let run = story(enhanced(vec![
        early.clone(),
        early,
        ScanReading::completed(findings),
    ]))
    .run(gated("high"))
    .await;
    assert_nothing_registered(&run);
    assert_eq!(run.output("reason"), "scan-failed");
    assert!(
        run.log_with("Scan findings").contains('✗') && run.output("scan-findings").contains("high"),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_only_just_came_is_looked_at_again_before_it_is_believed() {
    let looks = vec![
        fresh(ScanReading::completed(Vec::new())),
        fresh(ScanReading::completed(vec![openssl(
            "CRITICAL",
            "CVE-2024-6387",
        )])),
    ];
    let run = story(basic(looks)).run(gated("high")).await;
    assert_nothing_registered(&run);
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_that_never_arrive_are_no_pass() {
    let counted = ScanReading {
        counts: Some([("CRITICAL".to_owned(), 2)].into()),
        ..ScanReading::completed(Vec::new())
    };
    let endings = [ScanReading::status("COMPLETE"), counted];
    let mut runs = Vec::new();
    for look in endings {
        let run = story(basic(vec![look]))
            .run(gated("{ fail-on: high, wait: 1s }"))
            .await;
        assert_nothing_registered(&run);
        runs.push(run.ending());
    }
    assert_snapshot!(runs.join("\n=====\n"), @"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (scan-failed)::the scan of the image is said to be done, but its findings were not there after [time]
      hint: raise `wait` of scan, or run the job again later
    Outcome: not-deployed (scan-failed), exit code 10, after [time]
    =====
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (scan-failed)::ECR counts 2 more findings at or above fail-on (high) than it lists
      hint: look at the image in the ECR console, and run the job again later
    Outcome: not-deployed (scan-failed), exit code 10, after [time]
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_the_scanner_cannot_read_is_refused_unless_that_is_allowed() {
    let look = ScanReading::status("FAILED").with_description(
        "UnsupportedImageError: The operating system and/or package manager are not supported.",
    );
    let refused = story(basic(vec![look.clone()])).run(gated("high")).await;
    assert_nothing_registered(&refused);
    assert_snapshot!(refused.ending(), @"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (scan-failed)::the scanner cannot read the image: its system or its type is not supported (ECR says: UnsupportedImageError: The operating system and/or package manager are not supported.)
      hint: images from scratch, distroless ones and systems out of support cannot be read by basic scanning: use enhanced scanning, or set `unsupported: allow` in scan
    Outcome: not-deployed (scan-failed), exit code 10, after [time]
    ");
    let allowed = story(basic(vec![look]))
        .run(gated("{ fail-on: high, unsupported: allow }"))
        .await;
    assert_eq!(allowed.output("outcome"), "deployed");
    assert_snapshot!(format!("{}\n---\n{}", scan_of(&allowed), section(&allowed)), @"
    ::group::Scan findings
    scan of [digest]: unsupported, deployed unscanned, as allowed
    ::endgroup::
    ✓ Scan findings: unsupported, deployed unscanned, as allowed ([time])
    ---
    ### Scan findings

    ✓ **unsupported, deployed unscanned, as allowed**: scan of <code>[digest]</code>.
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_end_without_findings_is_an_answer_of_its_own() {
    let statuses = [
        ("FAILED", "The image could not be read."),
        (
            "UNSUPPORTED_IMAGE",
            "The operating system is not supported.",
        ),
        (
            "SCAN_ELIGIBILITY_EXPIRED",
            "The scan eligibility of the image has expired.",
        ),
        ("FINDINGS_UNAVAILABLE", ""),
        ("LIMIT_EXCEEDED", ""),
        ("IMAGE_ARCHIVED", ""),
        ("IMAGE_SIZE_EXCEEDED", ""),
    ];
    let mut runs = Vec::new();
    for (status, words) in statuses {
        let run = story(enhanced(vec![
            ScanReading::status(status).with_description(words),
        ]))
        .run(gated("high"))
        .await;
        assert_nothing_registered(&run);
        assert_eq!(run.output("reason"), "scan-failed");
        runs.push(run.log_with("::error") + "\n" + &run.log_with("  hint: "));
    }
    assert_snapshot!(runs.join("\n"), @"
    ::error title=not-deployed (scan-failed)::the scan of the image failed (ECR says: The image could not be read.)
      hint: have it scanned again (aws ecr start-image-scan, which ECR allows once in 24 hours for an image), then run the job again
    ::error title=not-deployed (scan-failed)::the scanner cannot read the image: its system or its type is not supported (ECR says: The operating system is not supported.)
      hint: images from scratch, distroless ones and systems out of support cannot be read by basic scanning: use enhanced scanning, or set `unsupported: allow` in scan
    ::error title=not-deployed (scan-failed)::Inspector does not scan the image any more: its eligibility has expired (ECR says: The scan eligibility of the image has expired.)
      hint: push the image again, or lengthen the re-scan duration in Inspector's settings
    ::error title=not-deployed (scan-failed)::the findings of the image's scan are not available
      hint: look at the image in the ECR console; when Inspector was just turned on or off, try again later
    ::error title=not-deployed (scan-failed)::the image is not scanned: a limit of the account is reached
      hint: ask AWS for a higher limit, or try again later
    ::error title=not-deployed (scan-failed)::the image is archived, so its scan cannot be read
      hint: restore the image to the standard storage class, or push it again
    ::error title=not-deployed (scan-failed)::the image is too large for the scanner
      hint: make the image smaller, or leave scan out for it
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_that_may_not_be_read_are_no_pass() {
    let story = story(basic(vec![ScanReading::completed(Vec::new())]))
        .stage(|options| options.denied = vec!["ecr:DescribeImageScanFindings".to_owned()]);
    let run = story.run(gated("high")).await;
    assert_nothing_registered(&run);
    assert_snapshot!(run.ending(), @"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (denied)::the scan of the image could not be read
      Caused by: ecr:DescribeImageScanFindings is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: ecr:DescribeImageScanFindings on resource: arn:aws:ecr:eu-central-1:123456789012:repository/app because no identity-based policy allows the ecr:DescribeImageScanFindings action
      hint: allow ecr:DescribeImageScanFindings on arn:aws:ecr:eu-central-1:123456789012:repository/app for the role that the job uses (docs/iam.md)
    Outcome: not-deployed (denied), exit code 10, after [time]
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn throttled_looks_are_repeated_and_never_a_pass() {
    let throttled = |times| Fault {
        times,
        ..Fault::on_first_call("DescribeImageScanFindings", FaultKind::Throttled)
    };
    let passed = story(basic(vec![ScanReading::completed(Vec::new())]))
        .fault(throttled(4))
        .run(gated("high").with("max-retries", "1"))
        .await;
    assert_eq!(passed.output("outcome"), "deployed", "{}", passed.text());
    let fault = throttled(u64::MAX);
    let action = gated("{ fail-on: high, wait: 1s }").with("max-retries", "1");
    let failed = story(basic(vec![ScanReading::completed(Vec::new())]))
        .fault(fault)
        .run(action)
        .await;
    assert_nothing_registered(&failed);
    assert_snapshot!(failed.ending(), @"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (aws-failed)::the scan of the image could not be read
      Caused by: ecr:DescribeImageScanFindings is throttled: Rate exceeded
      hint: AWS limits the account's request rate: run fewer deployments at once, or raise poll-interval
    Outcome: not-deployed (aws-failed), exit code 10, after [time]
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_does_not_wait_for_its_scan() {
    let action = gated("{ fail-on: high, wait: 1h }")
        .on_incident(When::Line("is IN_PROGRESS"), Incident::Interrupt);
    let run = story(basic(vec![ScanReading::status("IN_PROGRESS")]))
        .run(action)
        .await;
    assert!(
        run.output("duration-seconds")
            .parse::<u64>()
            .is_ok_and(|seconds| seconds < 60),
        "{}",
        run.text()
    );
    assert_nothing_registered(&run);
    assert_snapshot!(run.ending(), @"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (cancelled)::the workflow was cancelled
    Outcome: not-deployed (cancelled), exit code 10, after [time]
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_was_there_already_is_judged_as_well() {
    let mut play = story(basic(vec![ScanReading::completed(vec![openssl(
        "CRITICAL",
        "CVE-2024-6387",
    )])]))
    .begin()
    .await
    .push_version("1.1.0")
    .await;
    let run = play
        .act(
            Action::to_service()
                .with("image", "$REGISTRY/app:1.1.0")
                .with("scan", "critical"),
        )
        .await;
    play.end().await;
    assert_nothing_registered(&run);
}

/// A rollout in progress must not be left alone because of what was only found since.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_attempt_has_started_was_judged_by_it_and_is_followed() {
    let looks = vec![
        ScanReading::completed(Vec::new()),
        ScanReading::completed(vec![openssl("CRITICAL", "CVE-2024-6387")]),
    ];
    let scans =
        |options: &mut StageOptions| drop(options.scans.insert("app".to_owned(), basic(looks)));
    let mut play = Story::codedeploy().stage(scans).begin().await;
    let dead = play
        .act(gated("high").on_incident(When::Line("Deployment started"), Incident::Kill))
        .await;
    assert_eq!(dead.code, None, "{}", dead.text());
    let again = play.act(gated("high").env("GITHUB_RUN_ATTEMPT", "2")).await;
    play.end().await;
    assert_eq!(again.output("outcome"), "deployed", "{}", again.text());
    assert!(
        again
            .text()
            .contains("was judged before its rollout was started"),
        "{}",
        again.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_scan_cannot_judge_is_refused_before_anything_is_touched() {
    let mut play = story(basic(Vec::new())).begin().await;
    let mistaken = play
        .act(gated("fail-on: higher\nwait: soon\nignore: [CVE-2024-*]\n"))
        .await;
    let nameless = play.act(Action::to_service().with("scan", "high")).await;
    let foreign = play
        .act(
            Action::to_service()
                .with("image", "ghcr.io/octo/shop:1.1.0")
                .with("scan", "high"),
        )
        .await;
    play.end().await;
    assert_snapshot!([mistaken, nameless, foreign].map(|run| run.ending()).join("\n=====\n"), @"
    exit code 2
    ---
    Nothing was touched: the inputs have 3 problems
    ::error title=input refused::scan: inline:1:10: `fail-on` cannot be `higher`
      hint: Did you mean `high`? Known here: `critical`, `high`, `medium`, `low`, `informational`, `any`
    ::error title=input refused::scan: inline:2:7: `wait`: `soon` is not a duration such as `250ms`, `90s`, `10m` or `1h30m`
      hint: Write a whole number with its unit: ms, s, m or h
    ::error title=input refused::scan: inline:3:10: `CVE-2024-*` is not the name of a vulnerability
      hint: Write each one out, such as `CVE-2024-6387`
    =====
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::scan: it is given without an image
      hint: set image, or leave it out: only an image that this run brings is judged
    =====
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::scan: ghcr.io/octo/shop:1.1.0 is not in the account's registry, whose scan could be read
      hint: set repository, so that the image is pushed there; or leave scan out
    ");
}

/// The lines of the step.
fn scan_of(run: &ActionRun) -> String {
    let text = run.redact(&run.log.join("\n"));
    let from = text.find("::group::Scan findings").unwrap_or_default();
    let length = text[from..]
        .find(" Scan findings")
        .and_then(|end| Some(end + text[from + end..].find('\n')?));
    text[from..length.map_or(text.len(), |length| from + length)].to_owned()
}

/// The section of the summary.
fn section(run: &ActionRun) -> String {
    let text = run.redact(&run.summary);
    let from = text.find("### Scan findings").unwrap_or_default();
    let rest = &text[from..];
    let ends = ["\n### ", "\n<details>"]
        .map(|next| rest[3..].find(next).map_or(rest.len(), |end| end + 3));
    rest[..ends[0].min(ends[1])].trim_end().to_owned()
}
