//! Starting a deployment: one CreateDeployment, adopted when its answer is lost.

use super::{CodeDeployRollout, create};
use crate::aws::codedeploy::NewDeployment;
use crate::event::{Event, StartedRollout};
use crate::identity::DeploymentId;
use crate::observe::outage::Outage;
use crate::observe::task_failures::TaskFailures;
use crate::plan::{CodeDeployPlan, RolloutPlan};
use crate::run::Run;
use crate::steps::revision::Revision;
use crate::steps::rollout::{Interrupted, RolloutOrigin};
use crate::undo::{CodeDeployUndo, Undo};

impl<'a> CodeDeployRollout<'a> {
    /// Creates the deployment; armed before, adopted when the answer is lost.
    pub(in crate::steps::rollout) async fn start(
        run: &'a Run,
        plan: &'a RolloutPlan,
        own_plan: &'a CodeDeployPlan,
        revision: &'a Revision,
    ) -> Result<Self, Interrupted> {
        let content = create::build_content(own_plan, revision)?;
        let description =
            create::build_description(own_plan.description.as_deref(), &run.id, revision);
        let undo = CodeDeployUndo {
            place: plan.place.clone(),
            application: own_plan.key.application.clone(),
            group: own_plan.key.group.clone(),
            run: run.id.clone(),
            deployment: None,
            blue: plan.blue.clone(),
            is_restored: false,
        };
        let armed = run.arm(Undo::CodeDeploy(undo.clone()));
        let new = NewDeployment {
            application: &own_plan.key.application,
            group: &own_plan.key.group,
            config: own_plan.config.as_deref(),
            description: &description,
            content: &content,
            rollback_on_alarms: !own_plan.group.alarms.is_empty(),
        };
        let id = create::create(run, armed, &new).await?;
        armed.refine(Undo::CodeDeploy(CodeDeployUndo {
            deployment: Some(id.clone()),
            ..undo
        }));
        Ok(Self::attach(
            run,
            plan,
            own_plan,
            revision,
            id,
            RolloutOrigin::Started,
        ))
    }

    /// Follows a deployment that is there already; the caller arms its undo.
    pub(in crate::steps::rollout) fn attach(
        run: &'a Run,
        plan: &'a RolloutPlan,
        own_plan: &'a CodeDeployPlan,
        revision: &'a Revision,
        id: DeploymentId,
        origin: RolloutOrigin,
    ) -> Self {
        let console = format!(
            "https://{}/codesuite/codedeploy/deployments/{id}?region={}",
            run.aws.partition().console(),
            run.aws.partition().region()
        );
        run.emit(Event::RolloutStarted(StartedRollout {
            deployment: id.clone().into(),
            service_deployment: None,
            console,
            codedeploy: true,
            found: origin == RolloutOrigin::Found,
        }));
        let (outage, task_failures) = (Outage::default(), TaskFailures::default());
        Self {
            run,
            plan,
            own_plan,
            revision,
            id,
            target: None,
            looks: 0,
            opened_at: None,
            outage,
            observed_by: None,
            task_failures,
            shared_looks: 0,
        }
    }
}
