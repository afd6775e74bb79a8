//! CodeDeploy: deployment groups and deployments, as our own types.
//!
//! One file, because each AWS service has one file for its calls.

use aws_sdk_codedeploy::types::{
    AppSpecContent, AutoRollbackConfiguration, AutoRollbackEvent, ComputePlatform, DeploymentInfo,
    DeploymentStatus, DeploymentTarget, DeploymentWaitType, EcsTarget, RevisionLocation,
    RevisionLocationType, TargetGroupPairInfo, TrafficRoute,
};

use super::codedeploy_shapes::{
    CodeDeployConfig, CodeDeployDeployment, CodeDeployStatus, CodeDeployTarget, DeploymentGroup,
    DeploymentTaskSet, LifecycleEvent, ReadyWait, Routing,
};
use super::error::from_sdk;
use super::{Aws, AwsError};
use crate::documents::app_spec::Content;
use crate::identity::{
    ApplicationName, ClusterName, DeploymentGroupName, DeploymentId, ServiceName, identities,
};

/// The text before the run id in a deployment's description.
pub const RUN_MARK: &str = "ecs-bluegreen run ";
/// The text after the run id when that run also registered the revision.
pub const REGISTERED_MARK: &str = ", registered";

/// The parameters of CreateDeployment.
#[derive(Debug, Clone)]
pub struct NewDeployment<'a> {
    /// The application's name.
    pub application: &'a ApplicationName,
    /// The deployment group's name.
    pub group: &'a DeploymentGroupName,
    /// The deployment configuration; the group's when none.
    pub config: Option<&'a str>,
    /// The description, which carries our run id.
    pub description: &'a str,
    /// The AppSpec with the revision filled in.
    pub content: &'a Content,
    /// Whether an alarm of the group rolls the deployment back, too.
    pub rollback_on_alarms: bool,
}

impl Aws {
    /// The deployment group; an error when it does not exist.
    pub async fn get_deployment_group(
        &self,
        application: &ApplicationName,
        group: &DeploymentGroupName,
    ) -> Result<DeploymentGroup, AwsError> {
        const ACTION: &str = "codedeploy:GetDeploymentGroup";
        let call = self
            .codedeploy()
            .get_deployment_group()
            .application_name(application.as_str())
            .deployment_group_name(group.as_str());
        let info = from_sdk(ACTION, call.send().await)?
            .deployment_group_info
            .ok_or_else(|| AwsError::incomplete_answer(ACTION, "the group"))?;
        let pairs = info
            .load_balancer_info()
            .map(|info| info.target_group_pair_info_list().to_vec())
            .unwrap_or_default();
        let configuration = info.blue_green_deployment_configuration();
        let alarms = info.alarm_configuration().filter(|alarms| alarms.enabled());
        let rollback = info
            .auto_rollback_configuration()
            .filter(|rollback| rollback.enabled());
        Ok(DeploymentGroup {
            services: info.ecs_services().iter().map(|service| (text_or_empty(service.cluster_name()).into(), text_or_empty(service.service_name()).into())).collect(),
            ready_wait: ready_wait(configuration),
            termination_minutes: configuration
                .and_then(|all| all.terminate_blue_instances_on_deployment_success())
                .map_or(0, aws_sdk_codedeploy::types::BlueInstanceTerminationOption::termination_wait_time_in_minutes),
            target_groups: pairs.iter().flat_map(TargetGroupPairInfo::target_groups).filter_map(|group| group.name.clone()).collect(),
            production_listeners: listener_arns(&pairs, TargetGroupPairInfo::prod_traffic_route),
            test_listeners: listener_arns(&pairs, TargetGroupPairInfo::test_traffic_route),
            config: info.deployment_config_name.clone(),
            service_role: info.service_role_arn.clone(),
            alarms: alarms.map(|all| all.alarms().iter().filter_map(|alarm| alarm.name.clone()).collect()).unwrap_or_default(),
            rollback_events: rollback.map(|all| all.events().iter().map(|event| event.as_str().to_owned()).collect()).unwrap_or_default(),
        })
    }

    /// A deployment configuration by its name.
    pub async fn get_deployment_config(&self, config: &str) -> Result<CodeDeployConfig, AwsError> {
        const ACTION: &str = "codedeploy:GetDeploymentConfig";
        let answer = from_sdk(
            ACTION,
            self.codedeploy()
                .get_deployment_config()
                .deployment_config_name(config)
                .send()
                .await,
        )?;
        let routing = answer
            .deployment_config_info()
            .and_then(|info| info.traffic_routing_config());
        let count = |number: i32| u32::try_from(number).unwrap_or_default();
        let canary = routing
            .and_then(|routing| routing.time_based_canary())
            .map(|canary| Routing::Canary {
                percent: count(canary.canary_percentage()),
                minutes: count(canary.canary_interval()),
            });
        let linear = routing
            .and_then(|routing| routing.time_based_linear())
            .map(|linear| Routing::Linear {
                percent: count(linear.linear_percentage()),
                minutes: count(linear.linear_interval()),
            });
        let platform = answer
            .deployment_config_info()
            .and_then(|info| info.compute_platform())
            .map_or("ECS", ComputePlatform::as_str);
        let routing = canary.or(linear).unwrap_or(Routing::AllAtOnce);
        Ok(CodeDeployConfig {
            routing,
            platform: platform.to_owned(),
        })
    }

    /// The names of the account's deployment configurations, including the predefined ones.
    pub async fn list_deployment_configs(&self) -> Result<Vec<String>, AwsError> {
        let answer = from_sdk(
            "codedeploy:ListDeploymentConfigs",
            self.codedeploy().list_deployment_configs().send().await,
        )?;
        Ok(answer.deployment_configs_list().to_vec())
    }

    /// Creates a deployment and returns its id.
    pub async fn create_deployment(
        &self,
        new: &NewDeployment<'_>,
    ) -> Result<DeploymentId, AwsError> {
        const ACTION: &str = "codedeploy:CreateDeployment";
        self.write_retry
            .send(async || {
                let call = self
                    .codedeploy_once()
                    .create_deployment()
                    .application_name(new.application.as_str())
                    .deployment_group_name(new.group.as_str());
                let call = call
                    .set_deployment_config_name(new.config.map(str::to_owned))
                    .description(new.description)
                    .revision(revision_location(new.content));
                let answer = from_sdk(
                    ACTION,
                    call.auto_rollback_configuration(auto_rollback_configuration(new))
                        .send()
                        .await,
                )?;
                answer
                    .deployment_id
                    .map(DeploymentId::from)
                    .ok_or_else(|| AwsError::incomplete_answer(ACTION, "the deployment's id"))
            })
            .await
    }

    /// The deployment as it is now.
    pub async fn get_deployment(
        &self,
        deployment: &DeploymentId,
    ) -> Result<CodeDeployDeployment, AwsError> {
        const ACTION: &str = "codedeploy:GetDeployment";
        let answer = from_sdk(
            ACTION,
            self.codedeploy()
                .get_deployment()
                .deployment_id(deployment.as_str())
                .send()
                .await,
        )?;
        answer
            .deployment_info
            .map(|info| from_deployment_info(&info))
            .ok_or_else(|| AwsError::incomplete_answer(ACTION, "the deployment"))
    }

    /// The deployment's events and task sets.
    pub async fn get_deployment_target(
        &self,
        deployment: &DeploymentId,
        cluster: &ClusterName,
        service: &ServiceName,
    ) -> Result<CodeDeployTarget, AwsError> {
        const ACTION: &str = "codedeploy:GetDeploymentTarget";
        let call = self
            .codedeploy()
            .get_deployment_target()
            .deployment_id(deployment.as_str())
            .target_id(format!("{cluster}:{service}"));
        let answer = from_sdk(ACTION, call.send().await)?;
        Ok(answer
            .deployment_target
            .as_ref()
            .and_then(DeploymentTarget::ecs_target)
            .map(from_ecs_target)
            .unwrap_or_default())
    }

    /// Ids of the group's deployments that are not over.
    pub async fn list_running_deployments(
        &self,
        application: &ApplicationName,
        group: &DeploymentGroupName,
    ) -> Result<Vec<DeploymentId>, AwsError> {
        use DeploymentStatus::{Baking, Created, InProgress, Queued, Ready};
        let running = vec![Created, Queued, InProgress, Baking, Ready];
        self.list_deployments(application, group, Some(running))
            .await
    }

    /// Ids of the group's deployments, newest first.
    pub async fn list_latest_deployments(
        &self,
        application: &ApplicationName,
        group: &DeploymentGroupName,
    ) -> Result<Vec<DeploymentId>, AwsError> {
        self.list_deployments(application, group, None).await
    }

    /// Ids of the group's deployments that succeeded, newest first.
    pub async fn list_successful_deployments(
        &self,
        application: &ApplicationName,
        group: &DeploymentGroupName,
    ) -> Result<Vec<DeploymentId>, AwsError> {
        let succeeded = vec![DeploymentStatus::Succeeded];
        self.list_deployments(application, group, Some(succeeded))
            .await
    }

    async fn list_deployments(
        &self,
        application: &ApplicationName,
        group: &DeploymentGroupName,
        statuses: Option<Vec<DeploymentStatus>>,
    ) -> Result<Vec<DeploymentId>, AwsError> {
        let call = self
            .codedeploy()
            .list_deployments()
            .application_name(application.as_str())
            .deployment_group_name(group.as_str())
            .set_include_only_statuses(statuses);
        Ok(identities(
            from_sdk("codedeploy:ListDeployments", call.send().await)?.deployments(),
        ))
    }

    /// Lets traffic shift. AWS answers a second request with an error that says so.
    pub async fn continue_deployment(&self, deployment: &DeploymentId) -> Result<(), AwsError> {
        let call = self
            .codedeploy()
            .continue_deployment()
            .deployment_id(deployment.as_str())
            .deployment_wait_type(DeploymentWaitType::ReadyWait);
        from_sdk("codedeploy:ContinueDeployment", call.send().await).map(drop)
    }

    /// Stops the deployment and has CodeDeploy roll it back. Sending it twice is safe.
    pub async fn stop_deployment(&self, deployment: &DeploymentId) -> Result<(), AwsError> {
        self.write_retry
            .send(async || {
                let call = self
                    .codedeploy()
                    .stop_deployment()
                    .deployment_id(deployment.as_str())
                    .auto_rollback_enabled(true);
                from_sdk("codedeploy:StopDeployment", call.send().await).map(drop)
            })
            .await
    }
}

fn text_or_empty(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

fn listener_arns(
    pairs: &[TargetGroupPairInfo],
    route: impl Fn(&TargetGroupPairInfo) -> Option<&TrafficRoute>,
) -> Vec<String> {
    pairs
        .iter()
        .filter_map(route)
        .flat_map(|route| route.listener_arns().to_vec())
        .collect()
}

fn ready_wait(
    configuration: Option<&aws_sdk_codedeploy::types::BlueGreenDeploymentConfiguration>,
) -> ReadyWait {
    let option = configuration.and_then(|all| all.deployment_ready_option());
    match option.and_then(|option| {
        option
            .action_on_timeout()
            .map(|action| (action.as_str(), option.wait_time_in_minutes()))
    }) {
        Some(("STOP_DEPLOYMENT", minutes)) => ReadyWait::Minutes(minutes),
        _ => ReadyWait::Continue,
    }
}

fn revision_location(content: &Content) -> RevisionLocation {
    let content = AppSpecContent::builder()
        .content(&content.text)
        .sha256(&content.sha256)
        .build();
    RevisionLocation::builder()
        .revision_type(RevisionLocationType::AppSpecContent)
        .app_spec_content(content)
        .build()
}

/// Rollback must not depend on this process being alive: whatever the group says, a deployment of
/// ours that fails or is stopped rolls back to blue by itself.
fn auto_rollback_configuration(new: &NewDeployment<'_>) -> AutoRollbackConfiguration {
    let always = [
        AutoRollbackEvent::DeploymentFailure,
        AutoRollbackEvent::DeploymentStopOnRequest,
    ];
    let alarm = new
        .rollback_on_alarms
        .then_some(AutoRollbackEvent::DeploymentStopOnAlarm);
    AutoRollbackConfiguration::builder()
        .enabled(true)
        .set_events(Some(always.into_iter().chain(alarm).collect()))
        .build()
}

fn from_deployment_info(info: &DeploymentInfo) -> CodeDeployDeployment {
    let word = info
        .status()
        .map_or("Unknown", DeploymentStatus::as_str)
        .to_owned();
    CodeDeployDeployment {
        status: parse_status(&word),
        raw_status: word,
        description: text_or_empty(info.description()),
        application: text_or_empty(info.application_name()).into(),
        group: text_or_empty(info.deployment_group_name()).into(),
        termination_wait_started: info.instance_termination_wait_time_started(),
        error: info.error_information().map(|error| {
            (
                error.code().map_or("", |code| code.as_str()).to_owned(),
                text_or_empty(error.message()),
            )
        }),
        rollback_deployment: info
            .rollback_info()
            .and_then(|rollback| rollback.rollback_deployment_id())
            .filter(|id| !id.is_empty())
            .map(DeploymentId::from),
        creator: info
            .creator()
            .map_or("unknown", |creator| creator.as_str())
            .to_owned(),
        created: info
            .create_time()
            .map(ToString::to_string)
            .unwrap_or_default(),
        created_seconds: info
            .create_time()
            .map_or(0.0, aws_smithy_types::DateTime::as_secs_f64),
        content: info.revision().and_then(app_spec_text),
        rolled_back_deployment: info
            .rollback_info()
            .and_then(|rollback| rollback.rollback_triggering_deployment_id())
            .filter(|id| !id.is_empty())
            .map(DeploymentId::from),
    }
}

/// Deployments created before 2019 have the AppSpec in another member.
fn app_spec_text(revision: &RevisionLocation) -> Option<String> {
    let content = revision
        .app_spec_content()
        .and_then(|content| content.content());
    let former = || revision.string().and_then(|content| content.content());
    content.or_else(former).map(str::to_owned)
}

fn parse_status(word: &str) -> CodeDeployStatus {
    match word {
        "Ready" => CodeDeployStatus::Ready,
        "Succeeded" => CodeDeployStatus::Succeeded,
        "Failed" => CodeDeployStatus::Failed,
        "Stopped" => CodeDeployStatus::Stopped,
        // Created, Queued, InProgress and Baking. A status that is newer than this action also
        // counts as in progress.
        _ => CodeDeployStatus::InProgress,
    }
}

fn from_ecs_target(target: &EcsTarget) -> CodeDeployTarget {
    CodeDeployTarget {
        events: target
            .lifecycle_events()
            .iter()
            .map(from_lifecycle_event)
            .collect(),
        sets: target.task_sets_info().iter().map(from_task_set).collect(),
    }
}

fn from_lifecycle_event(event: &aws_sdk_codedeploy::types::LifecycleEvent) -> LifecycleEvent {
    let diagnostics = event
        .diagnostics()
        .and_then(|all| all.message())
        .filter(|message| !message.is_empty());
    LifecycleEvent {
        name: text_or_empty(event.lifecycle_event_name()),
        status: event
            .status()
            .map_or("Unknown", |status| status.as_str())
            .to_owned(),
        diagnostics: diagnostics.map(str::to_owned),
    }
}

fn from_task_set(set: &aws_sdk_codedeploy::types::EcsTaskSet) -> DeploymentTaskSet {
    DeploymentTaskSet {
        is_green: set
            .task_set_label()
            .is_some_and(|label| label.as_str() == "Green"),
        weight: set.traffic_weight(),
        running: set.running_count(),
        desired: set.desired_count(),
        status: text_or_empty(set.status()),
        target_group: set.target_group().and_then(|group| group.name.clone()),
    }
}
