//! `mode: verify`: everything that would keep a deployment from starting, all at once.

use insta::assert_snapshot;

use crate::harness::{Action, Story};

/// The same inputs, only verified.
fn verify(deployment: Action) -> Action {
    deployment.with("mode", "verify")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_could_start_is_verified_line_by_line() {
    let action = verify(Action::deploy_tested("1.1.0"));
    let run = Story::codedeploy().run(action).await;
    assert!(run.calls.is_empty());
    assert_snapshot!(run.with_summary(), @r"
    exit code 0
    ---
    Verifying api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✓ Survey: read ([time])
    OK       credentials and region: AWS answers in eu-central-1
    OK       cluster and service: api runs api:1
    OK       controller and strategy: CodeDeploy
    OK       deployment group: DgpECS-prod-api of AppECS-prod-api
    OK       free slot: no rollout is in progress
    OK       production traffic: one side has all of it
    OK       target groups: api-1 is checked by HTTP /health at traffic-port, 1 of 1 healthy; api-2 is checked by HTTP /health at traffic-port
    OK       hooks: there are none besides those that this action adds
    OK       task definition: it can be made
    OK       container and port: app:8080 is in the definition
    OK       CPU and memory: 256 CPU units, 512 MiB: Fargate has that
    OK       roles: execution (execution role), codedeploy (role of CodeDeploy) exist, and whoever assumes them may
    OK       secrets and parameters: 1 is there
    SKIPPED  rotation of secrets: rotation is not given
    OK       log configuration: /ecs/api exists
    SKIPPED  environment files: there are none
    OK       image: oci:images/1.1.0 is there
    OK       repository and tags: [registry]/app
    WARNING  repository settings: app does not scan images when they are pushed, unless the registry's own configuration does
             do: aws ecr put-image-scanning-configuration --region eu-central-1 --repository-name app --image-scanning-configuration scanOnPush=true
    WARNING  repository settings: app has no lifecycle policy: it keeps every image, and is paid for all of them
             do: aws ecr put-lifecycle-policy --region eu-central-1 --repository-name app --lifecycle-policy-text file://policy.json
    WARNING  repository settings: every tag of app is mutable: it may come to name another image
             do: aws ecr put-image-tag-mutability --region eu-central-1 --repository-name app --image-tag-mutability IMMUTABLE_WITH_EXCLUSION --image-tag-mutability-exclusion-filters filterType=WILDCARD,filter=latest
    OK       alarms: 1 exist; none is in ALARM
    OK       URLs of the tests: test-url answers (127.0.0.1); production-url answers (127.0.0.1)
    OK       smoke tests: the document is valid
    SKIPPED  analysis: there is none
    SKIPPED  forecast: there is no analysis
    OK       time: the rollout itself takes about 10 m, and is followed for at most 1 h 40 m; how long the credentials last is not known
    OK       quota of Fargate: blue and green together need 0.5 of 4000 vCPUs; what else runs in the account is not counted
    OK       permissions: the role's policies allow all 11 writes that were asked for
    WARNING  lint: container `app` has no health check of its own
             do: set healthCheck, unless the load balancer's is enough

    Nothing that was looked at keeps a deployment from starting, with 4 warnings (4 skipped); nothing was changed.
    Outcome: verified, exit code 0, after [time]
    ---
    duration-seconds=[n]
    outcome=verified
    reason=as-planned
    rolled-back=false
    --- summary
    ## ✓ verified: <code>api</code> on <code>prod</code>

    **Nothing that was looked at keeps a deployment from starting, with 4 warnings (4 skipped); nothing was changed.**

    ### Verified

    | | | Found | What to do |
    |---|---|---|---|
    | ✓ | credentials and region | AWS answers in eu-central-1 |  |
    | ✓ | cluster and service | api runs api&#58;1 |  |
    | ✓ | controller and strategy | CodeDeploy |  |
    | ✓ | deployment group | DgpECS-prod-api of AppECS-prod-api |  |
    | ✓ | free slot | no rollout is in progress |  |
    | ✓ | production traffic | one side has all of it |  |
    | ✓ | target groups | api-1 is checked by HTTP /health at traffic-port, 1 of 1 healthy; api-2 is checked by HTTP /health at traffic-port |  |
    | ✓ | hooks | there are none besides those that this action adds |  |
    | ✓ | task definition | it can be made |  |
    | ✓ | container and port | app&#58;8080 is in the definition |  |
    | ✓ | CPU and memory | 256 CPU units, 512 MiB&#58; Fargate has that |  |
    | ✓ | roles | execution (execution role), codedeploy (role of CodeDeploy) exist, and whoever assumes them may |  |
    | ✓ | secrets and parameters | 1 is there |  |
    | – | rotation of secrets | rotation is not given |  |
    | ✓ | log configuration | /ecs/api exists |  |
    | – | environment files | there are none |  |
    | ✓ | image | oci&#58;images/1.1.0 is there |  |
    | ✓ | repository and tags | [registry]/app |  |
    | ! | repository settings | app does not scan images when they are pushed, unless the registry's own configuration does | aws ecr put-image-scanning-configuration --region eu-central-1 --repository-name app --image-scanning-configuration scanOnPush=true |
    | ! | repository settings | app has no lifecycle policy&#58; it keeps every image, and is paid for all of them | aws ecr put-lifecycle-policy --region eu-central-1 --repository-name app --lifecycle-policy-text <code>file&#58;<!-- -->//policy.json</code> |
    | ! | repository settings | every tag of app is mutable&#58; it may come to name another image | aws ecr put-image-tag-mutability --region eu-central-1 --repository-name app --image-tag-mutability IMMUTABLE\_WITH\_EXCLUSION --image-tag-mutability-exclusion-filters filterType=WILDCARD,filter=latest |
    | ✓ | alarms | 1 exist; none is in ALARM |  |
    | ✓ | URLs of the tests | test-url answers (127.0.0.1); production-url answers (127.0.0.1) |  |
    | ✓ | smoke tests | the document is valid |  |
    | – | analysis | there is none |  |
    | – | forecast | there is no analysis |  |
    | ✓ | time | the rollout itself takes about 10 m, and is followed for at most 1 h 40 m; how long the credentials last is not known |  |
    | ✓ | quota of Fargate | blue and green together need 0.5 of 4000 vCPUs; what else runs in the account is not counted |  |
    | ✓ | permissions | the role's policies allow all 11 writes that were asked for |  |
    | ! | lint | container \`app\` has no health check of its own | set healthCheck, unless the load balancer's is enough |

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
async fn everything_wrong_is_failed_at_once_and_nothing_is_written() {
    let action = verify(Action::deploy_tested("1.1.0"))
        .with("alarms", "nobody, nothing")
        .with("repository", "no/such/repository")
        .with("container", "sidecar")
        .with("codedeploy-deployment-config", "Imaginary");
    let run = Story::codedeploy().run(action).await;
    assert!(run.calls.is_empty());
    assert_snapshot!(run.text(), @"
    exit code 2
    ---
    Verifying api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✓ Survey: read ([time])
    OK       credentials and region: AWS answers in eu-central-1
    OK       cluster and service: api runs api:1
    OK       controller and strategy: CodeDeploy
    FAILED   deployment group: codedeploy-deployment-config: there is no deployment configuration `Imaginary`
             do: use one of CodeDeployDefault.ECSAllAtOnce, CodeDeployDefault.ECSCanary10Percent5Minutes, CodeDeployDefault.ECSCanary10Percent15Minutes, CodeDeployDefault.ECSLinear10PercentEvery1Minutes, CodeDeployDefault.ECSLinear10PercentEvery3Minutes
    OK       free slot: no rollout is in progress
    SKIPPED  production traffic: it is read only where weights say it and no rollout is in progress
    OK       target groups: api-1 is checked by HTTP /health at traffic-port, 1 of 1 healthy
    OK       hooks: there are none besides those that this action adds
    FAILED   task definition: container: Invalid task definition: Could not find container definition with matching name: `sidecar`
             do: The task definition has the containers app
    SKIPPED  container and port: no service is given, or no task definition could be made
    SKIPPED  CPU and memory: no task definition could be made
    SKIPPED  roles: there are none, or they are not known
    SKIPPED  secrets and parameters: no task definition could be made
    SKIPPED  rotation of secrets: rotation is not given
    SKIPPED  log configuration: no task definition could be made
    SKIPPED  environment files: no task definition could be made
    OK       image: oci:images/1.1.0 is there
    FAILED   repository and tags: repository: there is no repository `no/such/repository` in the registry of account 123456789012 in eu-central-1
             do: set create-repository: true, or make it: aws ecr create-repository --repository-name no/such/repository --region eu-central-1 --registry-id 123456789012
    SKIPPED  repository settings: there is no repository whose settings could be read
    FAILED   alarms: alarms: there is no alarm `nobody`
             do: check its name and aws-region (`eu-central-1`), or create it
    FAILED   alarms: alarms: there is no alarm `nothing`
             do: check its name and aws-region (`eu-central-1`), or create it
    OK       URLs of the tests: test-url answers (127.0.0.1); production-url answers (127.0.0.1)
    OK       smoke tests: the document is valid
    SKIPPED  analysis: there is none
    SKIPPED  forecast: there is no analysis
    SKIPPED  time: there is no plan of a rollout
    SKIPPED  quota of Fargate: how many tasks of which size will run is not known
    OK       permissions: the role's policies allow all 10 writes that were asked for
    Nothing was touched: the inputs have 5 problems
    ::error title=input refused::codedeploy-deployment-config: there is no deployment configuration `Imaginary`
      hint: use one of CodeDeployDefault.ECSAllAtOnce, CodeDeployDefault.ECSCanary10Percent5Minutes, CodeDeployDefault.ECSCanary10Percent15Minutes, CodeDeployDefault.ECSLinear10PercentEvery1Minutes, CodeDeployDefault.ECSLinear10PercentEvery3Minutes
    ::error title=input refused::alarms: there is no alarm `nobody`
      hint: check its name and aws-region (`eu-central-1`), or create it
    ::error title=input refused::alarms: there is no alarm `nothing`
      hint: check its name and aws-region (`eu-central-1`), or create it
    ::error title=input refused::repository: there is no repository `no/such/repository` in the registry of account 123456789012 in eu-central-1
      hint: set create-repository: true, or make it: aws ecr create-repository --repository-name no/such/repository --region eu-central-1 --registry-id 123456789012
    ::error title=input refused::container: Invalid task definition: Could not find container definition with matching name: `sidecar`
      hint: The task definition has the containers app
    ---
    duration-seconds=[n]
    outcome=refused
    reason=invalid-inputs
    rolled-back=false
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_there_leaves_the_rest_skipped() {
    let action = verify(Action::deploy_tested("1.1.0")).with("service", "apy");
    let run = Story::canary().run(action).await;
    assert_snapshot!(run.text(), @"
    exit code 2
    ---
    Verifying apy on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✓ Survey: read ([time])
    SKIPPED  credentials and region: no service is given, or it could not be read
    FAILED   cluster and service: service: `apy` is MISSING in cluster `prod`
             do: did you mean `api`? Otherwise create the service first, or check service, cluster (`prod`) and aws-region (`eu-central-1`)
    SKIPPED  controller and strategy: no service is given, or it could not be read
    SKIPPED  deployment group: no service is given, or it could not be read
    SKIPPED  free slot: no service is given, or it could not be read
    SKIPPED  production traffic: it is read only where weights say it and no rollout is in progress
    SKIPPED  target groups: the service has none
    SKIPPED  hooks: no service is given, or it could not be read
    SKIPPED  task definition: no revision was read
    SKIPPED  container and port: no service is given, or no task definition could be made
    SKIPPED  CPU and memory: no task definition could be made
    SKIPPED  roles: there are none, or they are not known
    SKIPPED  secrets and parameters: no task definition could be made
    SKIPPED  rotation of secrets: rotation is not given
    SKIPPED  log configuration: no task definition could be made
    SKIPPED  environment files: no task definition could be made
    OK       image: oci:images/1.1.0 is there
    OK       repository and tags: [registry]/app
    WARNING  repository settings: app does not scan images when they are pushed, unless the registry's own configuration does
             do: aws ecr put-image-scanning-configuration --region eu-central-1 --repository-name app --image-scanning-configuration scanOnPush=true
    WARNING  repository settings: app has no lifecycle policy: it keeps every image, and is paid for all of them
             do: aws ecr put-lifecycle-policy --region eu-central-1 --repository-name app --lifecycle-policy-text file://policy.json
    WARNING  repository settings: every tag of app is mutable: it may come to name another image
             do: aws ecr put-image-tag-mutability --region eu-central-1 --repository-name app --image-tag-mutability IMMUTABLE_WITH_EXCLUSION --image-tag-mutability-exclusion-filters filterType=WILDCARD,filter=latest
    SKIPPED  alarms: there are none
    OK       URLs of the tests: test-url answers (127.0.0.1); production-url answers (127.0.0.1)
    OK       smoke tests: the document is valid
    SKIPPED  analysis: there is none
    SKIPPED  forecast: there is no analysis
    SKIPPED  time: there is no plan of a rollout
    SKIPPED  quota of Fargate: the tasks do not have the launch type FARGATE
    OK       permissions: the role's policies allow all 6 writes that were asked for
    Nothing was touched: the inputs have a problem
    ::error title=input refused::service: `apy` is MISSING in cluster `prod`
      hint: did you mean `api`? Otherwise create the service first, or check service, cluster (`prod`) and aws-region (`eu-central-1`)
    ---
    duration-seconds=[n]
    outcome=refused
    reason=invalid-inputs
    rolled-back=false
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_seldom_meant_is_a_warning_without_its_value() {
    let action = verify(Action::deploy("1.1.0"))
        .with("environment-variables", "DB_PASSWORD=hunter2-is-no-secret");
    let run = Story::canary().run(action).await;
    assert_eq!(run.outputs["outcome"], "verified");
    assert!(!run.text().contains("hunter2") && !run.summary.contains("hunter2"));
    assert_snapshot!(run.log_with("WARNING"), @"
    WARNING  repository settings: app does not scan images when they are pushed, unless the registry's own configuration does
    WARNING  repository settings: app has no lifecycle policy: it keeps every image, and is paid for all of them
    WARNING  repository settings: every tag of app is mutable: it may come to name another image
    WARNING  lint: container `app` has what looks like a secret in the plain variable `DB_PASSWORD`
    WARNING  lint: container `app` has no health check of its own
    ");
}
