//! `INPUT_*` variables → one field for each input, empty meaning absent. The only list of inputs.
//!
//! `action.yml` and `docs/inputs.md` are generated from [`TABLE`], so each name, default and
//! sentence is written once, here. Only names are checked here; `settings` checks the values.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::documents::patch::DefinitionPatch;
use crate::nearest::find_nearest;
use crate::problem::Problem;

/// An input as the documentation shows it.
#[derive(Debug, Clone, Copy)]
pub struct Input {
    /// The name in the workflow.
    pub name: &'static str,
    /// Its heading in the documentation.
    pub group: &'static str,
    /// What an absent input means.
    pub default: &'static str,
    /// The description.
    pub text: &'static str,
}

/// An empty or blank input is an absent one: the runner sends `""` for every input that is not
/// given.
fn given<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(value)?;
    let text = text.trim();
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

macro_rules! inputs {
    ($($group:literal { $($field:ident = $name:literal $(or $lower:literal)?, $default:literal, $text:literal;)* })*) => {
        /// The inputs as text, each absent or not blank.
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(default)]
        pub struct Inputs {
            /// What the configuration file changes in the task definition.
            #[serde(skip)]
            pub definition_patch: DefinitionPatch,
            $($(#[doc = $text] #[serde(rename = $name, $(alias = $lower,)? deserialize_with = "given")] pub $field: Option<String>,)*)*
        }

        /// All inputs, in the order of the documentation.
        pub const TABLE: &[Input] = &[$($(Input { name: $name, group: $group, default: $default, text: $text },)*)*];
    };
}

inputs! {
    "The nine that are enough" {
        mode = "mode", "deploy", "What to do: deploy; plan (say what deploy would do, and do nothing); verify (look for everything that would keep a deployment from starting, and do nothing); smoke (run smoke-tests against what serves, and nothing else); migrate (run migrate, and roll nothing out); rollback (to rollback-to, or to the last good deployment); continue or abort (answer a gate that another job left waiting); status (follow what runs); drift (say what was changed on the service since the last deployment); cleanup (remove revisions and images that nothing needs any more; dry-run unless it is false).";
        cluster = "cluster", "default", "The ECS cluster, by name or ARN.";
        service = "service", "none", "The ECS service. Without one the task definition is only registered (and run with run-task); no traffic is touched.";
        image = "image", "the image in the task definition", "What to deploy: docker-daemon:NAME:TAG, oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE, docker://REGISTRY/NAME:TAG (or @sha256:…), or a bare reference, looked up in the local Docker engine first, then in the registry that it says, else in repository. It is deployed by digest.";
        repository = "repository", "none: the image is taken as it is", "The ECR repository the image is pushed to: a name (team/api) or the whole REGISTRY/NAME.";
        version = "version", "the first of tags, else GITHUB_SHA", "The version users see. Smoke tests read it as ${version}.";
        smoke_tests = "smoke-tests", "none", "Smoke tests, inline YAML or a path in the workspace; see docs/smoke-tests.md.";
        test_url = "test-url", "none: green is not tested before traffic", "The URL of the test listener. Smoke tests run here before a user reaches green.";
        production_url = "production-url", "none: production is not tested", "The URL of the production listener. Smoke tests run here after the shift.";
    }
    "Images" {
        tags = "tags", "version, or GITHUB_SHA", "Tags the pushed image gets, separated by commas or lines. A tag that is new is set at once; one that names another image moves once the new one serves.";
        tags_when_deployed = "tags-when-deployed", "none", "Tags the image gets only once it serves, also when they are new, separated by commas or lines; see docs/images.md.";
        push = "push", "auto", "Whether to push the image: auto (when repository is given and the image is local), always, never.";
        create_repository = "create-repository", "false: a missing repository is refused", "Whether a missing repository is made: true, false, or how, as inline YAML or a path in the workspace: { scan-on-push: true, keep: 30, immutable-tags: { except: [latest] }, kms-key: ARN }; see docs/images.md.";
        registry_username = "registry-username", "none", "The user for the registry of image: docker://… . Registries of ECR need none, and the target never gets it.";
        registry_password = "registry-password", "none", "The password or token for registry-username.";
        docker_config = "docker-config", "DOCKER_CONFIG, else .docker in HOME", "A Docker configuration with the credentials for the registry of image: docker://… : a folder with config.json, or the file, in the workspace.";
    }
    "Task definition" {
        task_definition = "task-definition", "the service's live revision", "Path of the task definition, JSON or YAML, absolute or in the workspace.";
        task_definition_arn = "task-definition-arn", "none", "A registered revision to start from, by ARN or family:revision, instead of a file.";
        task_definition_family = "task-definition-family", "none", "A family to start from, instead of a file: its newest ACTIVE revision, or task-definition-revision.";
        task_definition_revision = "task-definition-revision", "the newest", "The revision of task-definition-family.";
        container = "container", "the only or only essential container", "The container that gets image, environment-variables, secrets, docker-labels, log options and command. A comma list gives several containers the same.";
        environment_variables = "environment-variables", "none", "Lines NAME=value, set in the container; existing names are replaced.";
        secrets = "secrets", "none", "Lines NAME=valueFrom (Secrets Manager or Parameter Store), set in the container; existing names are replaced.";
        env_files = "env-files", "none", "S3 ARNs by line; they replace the container's environment files.";
        docker_labels = "docker-labels", "none", "Lines name=value, set in the container.";
        command = "command", "none", "The container's command, split as a shell would split it.";
        log_driver = "log-configuration-log-driver", "none", "The container's log driver.";
        log_options = "log-configuration-options", "none", "Lines name=value, options of the log driver.";
        task_role = "task-role-arn", "none", "The task role.";
        execution_role = "execution-role-arn", "none", "The execution role.";
        show_values = "show-values", "none: of these it is only said that they are new, changed or removed", "A comma list of fields whose values the log and the summary may show when the task definition changes: environment, command, entry-point, health-check, docker-labels, log-options, tags. Image, sizes, ports, roles and where secrets come from are always shown.";
        lint = "lint", "warnings in mode verify only", "What becomes of what is seldom meant in the task definition (secrets in plain variables, no log configuration, root, latest and others): warn, error (refuses before anything is written), off; see docs/verify.md.";
        allow_dropped_fields = "allow-dropped-fields", "false", "true: a task definition is rolled out although AWS did not keep every field of it, and misspelled fields are sent.";
    }
    "CodeDeploy" {
        codedeploy_appspec = "codedeploy-appspec", "appspec.yaml when there is one, else built from the service", "Path of the AppSpec, JSON or YAML, absolute or in the workspace.";
        codedeploy_application = "codedeploy-application", "AppECS-{cluster}-{service}", "The CodeDeploy application.";
        codedeploy_group = "codedeploy-deployment-group", "DgpECS-{cluster}-{service}", "The CodeDeploy deployment group.";
        codedeploy_description = "codedeploy-deployment-description", "none", "The deployment's description. Our run id is added; longer than 512 characters is cut.";
        codedeploy_config = "codedeploy-deployment-config", "the group's", "The deployment configuration, such as CodeDeployDefault.ECSCanary10Percent5Minutes.";
    }
    "ECS's own strategies" {
        strategy = "strategy", "auto: as the service is", "How ECS shifts traffic, for services of the ECS controller: rolling, blue-green, canary, linear, or auto. Under CodeDeploy it is codedeploy-deployment-config that says so.";
        canary_percent = "canary-percent", "the service's", "Canary: percent of traffic in the first of two steps, 0.1 to 100, such as 10 or 10%.";
        canary_bake = "canary-bake", "the service's", "Canary: time between the two steps, in whole minutes, such as 10m; at most 24h.";
        step_percent = "step-percent", "the service's", "Linear: percent of traffic in every step, 3 to 100.";
        step_bake = "step-bake", "the service's", "Linear: time between two steps, in whole minutes; at most 24h.";
        bake = "bake", "the service's", "How long ECS keeps blue after green serves 100 %, in whole minutes; at most 24h.";
        manage_hooks = "manage-hooks", "true", "Whether PAUSE hooks may be added to the service for this rollout, where its definition has none at a gate that is needed. They are taken away again. false refuses instead, and shows the snippet for the service's definition.";
    }
    "Rolling deployments" {
        force_new_deployment = "force-new-deployment", "false", "Start a deployment although nothing changed.";
        desired_count = "desired-count", "as it is", "Services of the ECS controller: the number of tasks to run. Not used with CodeDeploy.";
        enable_ecs_managed_tags = "enable-ecs-managed-tags", "as it is", "Rolling services and run-task: whether ECS tags the tasks.";
        propagate_tags = "propagate-tags", "as it is", "Rolling services: SERVICE, TASK_DEFINITION or NONE.";
        ebs_name = "service-managed-ebs-volume-name", "none", "Rolling services: the volume that service-managed-ebs-volume configures.";
        ebs = "service-managed-ebs-volume", "none", "Rolling services: a JSON object, the managed EBS volume.";
    }
    "Waiting" {
        stability = "wait-for-service-stability", "true", "false starts the rollout and leaves it to AWS; nothing is then said about traffic.";
        wait_until = "wait-until", "completed", "shifted: done when green serves 100 %; completed: done when blue is gone as well.";
        deadline = "deadline", "from wait-for-minutes and the group's waits", "How long the run may follow the rollout, as a duration: 90s, 45m, 2h.";
        poll_interval = "poll-interval", "adaptive, about 2s", "The time between two looks at AWS, as a duration.";
        max_retries = "max-retries", "3; throttled writes for ten minutes", "How often a read that AWS throttled or failed, and a write that AWS throttled, is tried in all. 0 and 1 mean once. Writes that undo something are repeated whatever it says.";
        if_running = "if-running", "supersede for rolling services, else wait", "What to do when a rollout of the service is in progress: fail, wait (until it is over), supersede (stop it with rollback, see blue serve, go on; a rolling update is replaced by the new one). A run that waits gives way to a rollout of a newer workflow run.";
        stale_run = "stale-run", "refuse", "refuse: an older run does not overwrite a newer one. It ends not-deployed (stale-run) when a newer run of the workflow has deployed the branch (needs github-token), or when a newer run has its rollout or one-off task in progress. allow: it may.";
        suspend_autoscaling = "suspend-autoscaling", "false", "Whether scale-in of the service is suspended during the rollout, and restored at its end.";
    }
    "Rollback and approval" {
        plan_digest = "plan-digest", "none", "The output plan-digest of a run with mode: plan that somebody has reviewed. What differs from it is refused, and named, before anything is touched.";
        fail_on_changes = "fail-on-changes", "false", "mode plan: true ends the run with exit code 10 when a deployment would change something.";
        approval = "approval", "none", "before-traffic: after its tests green waits at the gate, the job ends with the outcome waiting, and another job answers with mode continue or abort.";
        on_cancel = "on-cancel", "rollback", "What a cancelled run does with its rollout: rollback, or leave it to AWS.";
        rollback_to = "rollback-to", "the last good deployment", "mode rollback: a revision (family:12, 12 or its ARN), a tag or digest of an image in the deployment history, or a deployment id.";
        deployment = "deployment", "the one that is in progress", "mode continue, abort and status: the deployment that is meant, as the output deployment-id of the job that waits. Another one is then never answered by accident.";
        skip_checks = "skip-checks", "false", "mode rollback: true leaves the smoke tests out, when they are what is broken.";
    }
    "Checks" {
        scan = "scan", "none: findings are not looked at", "What the registry's scan of the image may find: the least severity that fails (critical, high, medium, low, informational, any), or a map with fail-on, wait, ignore and unsupported, inline YAML or a path in the workspace; see docs/scan.md.";
        alarms = "alarms", "none besides those of the deployment group or the service", "CloudWatch alarms (metric, log or composite), by name, separated by commas or lines. Each must exist and not be in ALARM before the start; when one goes into ALARM while traffic shifts or blue is kept, the rollout is rolled back.";
        waive_alarms = "waive-alarms", "none", "Alarms by name that may be in ALARM when the deployment starts, separated by commas or lines: also those of the deployment group or the service. Each counts again once it was OK.";
        analysis = "analysis", "none", "What is measured of green while traffic shifts and blue is kept: presets such as `error-rate < 5 %` or `green no worse than blue`, one a line; or a document with metrics, queries, conditions and logs, inline YAML or a path in the workspace; see docs/analysis.md.";
        gates = "gates", "none: a deployment begins at once", "What must hold before a deployment writes anything: windows and freezes, a calendar, incidents, error budgets, backups, the commit's checks, another environment, alarms, blue's smoke tests. A document, inline YAML or a path in the workspace; see docs/gates.md.";
        override_gates = "override-gates", "none: closed gates hold the deployment", "Why closed gates are passed all the same, in words. Reason and actor are kept in log, summary, report and journal.";
        expose_env = "expose-env", "every variable of the step except AWS_*, ACTIONS_*, GITHUB_*, RUNNER_*, INPUT_*, STATE_* and DOCKER_*, which no document is ever given", "The environment variables that documents (smoke-tests, analysis, gates) may use as ${env.NAME}, separated by commas or lines. Another name is refused.";
        plain_env = "plain-env", "none: every value of ${env.NAME} is a secret", "Environment variables whose values are no secrets, separated by commas or lines: they are shown where documents use them as ${env.NAME}, and not masked.";
    }
    "Verification" {
        rotation = "rotation", "none: the age of secrets is not looked at", "The age in days from which a secret or parameter of the task definition should have been rotated, such as 90d: older ones are warnings of mode verify.";
        verify_secret_keys = "verify-secret-keys", "false", "mode verify: true also looks for the keys in secrets that are JSON objects (…:secret:NAME:KEY::). That reads their values, which are never shown.";
    }
    "Migrations" {
        migrate = "migrate", "none", "A command that migrates the database, such as alembic upgrade head, split as a shell would split it. It runs in a task of the new revision before the rollout and must exit with 0; see docs/migrations.md.";
        migrate_container = "migrate-container", "the container that gets image, else the only or only essential one", "The container that migrate and its companions run in.";
        migrate_timeout = "migrate-timeout", "10m", "How long migrate, migrate-check, migrate-verify and migrate-undo may take, each, as a duration.";
        migrate_check = "migrate-check", "none: migrate always runs", "A command that exits with 0 when nothing is pending: then migrate is skipped. Or the word alembic, django, rails or prisma for the tool's own check.";
        migrate_verify = "migrate-verify", "none", "A command that runs after migrate and must exit with 0, else nothing is rolled out.";
        migrate_undo = "migrate-undo", "none: a migration stays", "A command that undoes the migration, such as alembic downgrade -1. It runs in a task of the new revision when the deployment is rolled back after the migration ran. mode continue, abort and rollback take it for a deployment that another job has started.";
        backup_before = "backup-before", "none", "The database of which a snapshot is made, and waited for, before migrate runs: rds:INSTANCE, or rds-cluster:CLUSTER. It is not made when nothing is pending, and is kept however the run ends.";
        backup_timeout = "backup-timeout", "60m", "How long the snapshot of backup-before may take, as a duration. When it takes longer, migrate does not run.";
        migrate_undo_on_failure = "migrate-undo-on-failure", "false: a migration that failed is left as it is", "Whether migrate-undo also runs when migrate itself exits with another code than 0.";
    }
    "Cleanup" {
        dry_run = "dry-run", "true", "mode cleanup: true only shows what would go, and why each of the others stays; false removes it.";
        keep_revisions = "keep-revisions", "20", "mode cleanup: how many of the family's newest revisions stay although nothing needs them.";
        keep_images = "keep-images", "20", "mode cleanup with repository: how many of its newest images stay although nothing needs them.";
        log_retention = "log-retention", "none: as it is", "mode cleanup: how many days the log groups of the service's containers keep their lines, such as 30.";
    }
    "One-off task" {
        run_task = "run-task", "false", "Run the new revision as a one-off task before the rollout.";
        wait_for_task = "wait-for-task-stopped", "true", "Wait for the one-off task and fail when it fails, before the rollout.";
        task_overrides = "run-task-container-overrides", "none", "A JSON array of container overrides.";
        task_security_groups = "run-task-security-groups", "the service's", "A comma list of security groups, for migrate too.";
        task_subnets = "run-task-subnets", "the service's", "A comma list of subnets, for migrate too.";
        task_public_ip = "run-task-assign-public-IP" or "run-task-assign-public-ip", "DISABLED, or the service's", "ENABLED or DISABLED, for migrate too.";
        task_strategy = "run-task-capacity-provider-strategy", "the service's", "A JSON array, for migrate too; the launch type is then left out.";
        task_launch_type = "run-task-launch-type", "the service's", "FARGATE, EC2 or EXTERNAL, for migrate too; without a service FARGATE.";
        task_started_by = "run-task-started-by", "GitHub-Actions", "The startedBy of the task.";
        task_tags = "run-task-tags", "none", "A JSON array of tags, for migrate too.";
        task_ebs_name = "run-task-managed-ebs-volume-name", "none", "The volume that run-task-managed-ebs-volume configures.";
        task_ebs = "run-task-managed-ebs-volume", "none", "A JSON object, the managed EBS volume.";
    }
    "One file for all environments" {
        config = "config", "none", "Path of a YAML file with inputs for every environment: defaults, and environments by name. What the workflow says itself wins; see docs/environments.md.";
        environment = "environment", "none: only the defaults of config", "The environment of config whose inputs are used.";
    }
    "AWS and GitHub" {
        region = "aws-region", "AWS_REGION, AWS_DEFAULT_REGION", "The region.";
        role = "role-to-assume", "none: the job's credentials are used", "The ARN of the role to deploy with. It is assumed with the job's ID token (permissions: id-token: write), else with the job's credentials, and its session is renewed as long as the run lasts; see docs/iam.md.";
        role_session = "role-session-name", "GitHubActions", "The name of the role's sessions, which CloudTrail shows.";
        role_duration = "role-duration", "1h, renewed as long as the run lasts", "How long one session of the role lasts, as a duration from 15m to the role's maximum.";
        role_chaining = "role-chaining", "false: the job's ID token is used where there is one", "true: the roles are assumed with the job's credentials, those of a step before, although the job has an ID token.";
        audience = "audience", "sts.amazonaws.com", "For whom the job's ID token is, where the account's identity provider knows another audience, as in AWS China.";
        registry_role = "registry-role-to-assume", "none: ECR is used as everything else", "The ARN of a role for ECR only: for the registry of its own account, where repository or image is in another account; see docs/images.md.";
        use_instance_profile = "use-instance-profile", "false: only credentials of the job are used", "Whether the credentials of the machine (a self-hosted runner's instance profile, a container's role) may be used where the job has none of its own: true or false.";
        http_proxy = "http-proxy", "HTTPS_PROXY", "A proxy for the calls to AWS.";
        github_token = "github-token", "the job's token", "Reads the workflow's newer runs for stale-run and the queue of if-running: wait (needs actions: read), the commit's checks for gates (needs checks: read), and writes comment (needs pull-requests: write).";
        comment = "comment", "auto", "mode plan, for a pull request: auto writes the plan as one comment, which later runs write anew; never writes none. See docs/plan.md.";
    }
    "From the official actions" {
        wait_minutes = "wait-for-minutes", "30", "Minutes to wait, besides the waits that the deployment group itself asks for; at most 360. deadline is the whole time, as a duration.";
        wait_max_delay = "wait-max-delay-seconds", "15", "Seconds: the longest time between two looks when AWS throttles.";
        container_name = "container-name", "container", "The render action's name for container.";
        keep_null_value_keys = "keep-null-value-keys", "none", "A comma list of keys that are kept although their value is empty.";
        registries = "registries", "the account's own", "A comma list of account ids whose registries the ECR token is asked for; repository must be in the first.";
        registry_type = "registry-type", "private", "private is the only one: accepted from the login action. Public registries are not supported.";
        mask_password = "mask-password", "true", "Does nothing: accepted from the login action. The password is never printed or put out here.";
        skip_logout = "skip-logout", "false", "Does nothing: accepted from the login action. Nothing is logged in here, so nothing is logged out.";
    }
}

/// The variable in which the runner gives an input.
pub fn variable(input: &str) -> String {
    format!("INPUT_{}", input.to_uppercase())
}

/// Reads the inputs from the environment's variables.
///
/// # Errors
///
/// A problem for every `INPUT_*` that is not an input, with the nearest name.
pub fn read(variables: &BTreeMap<String, String>) -> Result<Inputs, Vec<Problem>> {
    let (inputs, problems) = read_all(variables);
    if problems.is_empty() {
        Ok(inputs)
    } else {
        Err(problems)
    }
}

/// Returns the problems beside the inputs, so that problems of the inputs' values can be reported
/// together with them.
pub fn read_all(variables: &BTreeMap<String, String>) -> (Inputs, Vec<Problem>) {
    let mut problems: Vec<Problem> = variables
        .keys()
        .filter_map(|name| name.strip_prefix("INPUT_"))
        .filter_map(unknown_input_problem)
        .collect();
    let inputs = envy::prefixed("INPUT_").from_iter(
        variables
            .iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    let inputs = inputs.unwrap_or_else(|error| {
        problems.push(Problem::new(
            "inputs",
            error.to_string(),
            "check the values under `with:`",
        ));
        Inputs::default()
    });
    (inputs, problems)
}

/// The input of a name.
pub fn find(name: &str) -> Option<&'static Input> {
    TABLE
        .iter()
        .find(|known| known.name.eq_ignore_ascii_case(name))
}

/// The input whose name is most like one that is none.
pub fn find_similar(name: &str) -> Option<&'static str> {
    find_nearest(name, TABLE.iter().map(|input| input.name))
}

fn unknown_input_problem(input: &str) -> Option<Problem> {
    let lowercase = input.to_lowercase();
    if find(&lowercase).is_some() {
        return None;
    }
    let remedy = find_similar(&lowercase).map_or_else(
        || "remove it; docs/inputs.md lists the inputs".to_owned(),
        |name| format!("did you mean `{name}`?"),
    );
    Some(Problem::new(lowercase, "there is no such input", remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_hyphenated_input_is_read_and_an_empty_one_is_absent() {
        let inputs = read(&variables(&[
            ("INPUT_TASK-DEFINITION", " td.json "),
            ("INPUT_CLUSTER", ""),
            ("PATH", "/bin"),
        ]))
        .unwrap();
        assert_eq!(inputs.task_definition.as_deref(), Some("td.json"));
        assert_eq!(inputs.cluster, None);
    }

    #[test]
    fn the_input_with_a_capital_in_its_name_is_read_too() {
        let inputs = read(&variables(&[(
            "INPUT_RUN-TASK-ASSIGN-PUBLIC-IP",
            "ENABLED",
        )]))
        .unwrap();
        assert_eq!(inputs.task_public_ip.as_deref(), Some("ENABLED"));
    }

    #[test]
    fn an_unknown_input_is_refused_with_the_nearest_name() {
        let (inputs, problems) = read_all(&variables(&[
            ("INPUT_TASK-DEFINITON", "x"),
            ("INPUT_ZZZ", "x"),
            ("INPUT_CLUSTER", "prod"),
        ]));
        assert_eq!(inputs.cluster.as_deref(), Some("prod"));
        assert_eq!(problems[0].remedy, "did you mean `task-definition`?");
        assert_eq!(problems[1].to_string(), "zzz: there is no such input");
    }
}
