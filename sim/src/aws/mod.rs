//! The AWS services' answers: who is asked for what, in which protocol, and what goes wrong on the
//! way.
//!
//! Each service's folder or file answers its operations from the account; `wire` alone knows
//! protocols.

mod access;
mod autoscaling;
mod backup;
mod cloudwatch;
mod codedeploy;
mod ecr;
mod ecr_images;
mod ecr_repositories;
mod ecr_scan;
mod ecs;
mod elb;
mod error;
mod events;
mod exchange;
mod iam;
mod input;
mod logs;
mod model;
mod quotas;
mod rds;
mod s3;
mod scheduler;
mod secrets;
mod signals;
mod ssm;
mod sts;
mod wire;

use std::sync::Arc;

use serde_json::Value;

use crate::cloud::Cloud;
pub(crate) use access::allows as is_allowed;
pub(crate) use ecr_scan::Scans;
pub(crate) use error::ServiceError;
pub(crate) use exchange::{ConnectionDropped, answer_request};
pub(crate) use input::Input;
use wire::Call;

/// What an operation answers.
pub(crate) type Answer = Result<Value, ServiceError>;

/// A simulated service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    Ecs,
    CodeDeploy,
    Ecr,
    Logs,
    CloudWatch,
    Elb,
    Sts,
    Scaling,
    Secrets,
    Iam,
    Ssm,
    S3,
    Quotas,
    Rds,
    Signals,
    Backup,
    Events,
    Scheduler,
}

impl Api {
    const ALL: [Self; 18] = [
        Self::Ecs,
        Self::CodeDeploy,
        Self::Ecr,
        Self::Logs,
        Self::CloudWatch,
        Self::Elb,
        Self::Sts,
        Self::Scaling,
        Self::Secrets,
        Self::Iam,
        Self::Ssm,
        Self::S3,
        Self::Quotas,
        Self::Rds,
        Self::Signals,
        Self::Backup,
        Self::Events,
        Self::Scheduler,
    ];

    /// The name of botocore's model, and of the service in the ledger.
    const fn name(self) -> &'static str {
        match self {
            Self::Ecs => "ecs",
            Self::CodeDeploy => "codedeploy",
            Self::Ecr => "ecr",
            Self::Logs => "logs",
            Self::CloudWatch => "cloudwatch",
            Self::Elb => "elbv2",
            Self::Sts => "sts",
            Self::Scaling => "application-autoscaling",
            Self::Secrets => "secretsmanager",
            Self::Iam => "iam",
            Self::Ssm => "ssm",
            Self::S3 => "s3",
            Self::Quotas => "service-quotas",
            Self::Rds => "rds",
            Self::Signals => "application-signals",
            Self::Backup => "backup",
            Self::Events => "events",
            Self::Scheduler => "scheduler",
        }
    }

    /// Before the colon of an IAM action.
    const fn iam_prefix(self) -> &'static str {
        match self {
            Self::Elb => "elasticloadbalancing",
            Self::Quotas => "servicequotas",
            Self::Ecs
            | Self::CodeDeploy
            | Self::Ecr
            | Self::Logs
            | Self::CloudWatch
            | Self::Sts
            | Self::Scaling
            | Self::Secrets
            | Self::Iam
            | Self::Ssm
            | Self::S3
            | Self::Rds
            | Self::Signals
            | Self::Backup
            | Self::Events
            | Self::Scheduler => self.name(),
        }
    }

    /// Before the dot of `X-Amz-Target`.
    const fn target(self) -> &'static str {
        match self {
            Self::Ecs => "AmazonEC2ContainerServiceV20141113",
            Self::CodeDeploy => "CodeDeploy_20141006",
            Self::Ecr => "AmazonEC2ContainerRegistry_V20150921",
            Self::Logs => "Logs_20140328",
            Self::CloudWatch => "GraniteServiceVersion20100801",
            Self::Scaling => "AnyScaleFrontendService",
            Self::Secrets => "secretsmanager",
            Self::Events => "AWSEvents",
            Self::Ssm => "AmazonSSM",
            Self::Quotas => "ServiceQuotasV20190624",
            Self::Elb
            | Self::Sts
            | Self::Iam
            | Self::S3
            | Self::Rds
            | Self::Signals
            | Self::Backup
            | Self::Scheduler => "",
        }
    }

    /// The content type of its JSON.
    const fn json_type(self) -> &'static str {
        match self {
            Self::CloudWatch => "application/x-amz-json-1.0",
            Self::Ecs
            | Self::CodeDeploy
            | Self::Ecr
            | Self::Logs
            | Self::Elb
            | Self::Sts
            | Self::Scaling
            | Self::Secrets
            | Self::Iam
            | Self::Ssm
            | Self::S3
            | Self::Quotas
            | Self::Rds
            | Self::Signals
            | Self::Backup
            | Self::Events => "application/x-amz-json-1.1",
            Self::Scheduler => "application/json",
        }
    }

    fn from_target(target: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|api| !target.is_empty() && api.target() == target)
    }
}

/// Asks a service; none when it has no such operation here.
async fn dispatch(cloud: &Arc<Cloud>, call: &Call) -> Option<Answer> {
    let (operation, asked) = (call.operation.as_str(), Input(&call.input));
    match call.api {
        Api::Ecs => ecs::answer(cloud, operation, asked),
        Api::CodeDeploy => codedeploy::answer(cloud, operation, asked),
        Api::Ecr => ecr::answer(cloud, operation, asked, call.region.as_deref()).await,
        Api::Logs => logs::answer(cloud, operation, asked),
        Api::CloudWatch => cloudwatch::answer(cloud, operation, asked),
        Api::Elb => elb::answer(cloud, operation, asked),
        Api::Sts => sts::answer(cloud, operation, asked, call.access_key.as_deref()),
        Api::Scaling => autoscaling::answer(cloud, operation, asked),
        Api::Secrets => secrets::answer(cloud, operation, asked),
        Api::Iam => iam::answer(cloud, operation, asked),
        Api::Ssm => ssm::answer(cloud, operation, asked),
        Api::S3 => s3::answer(cloud, operation, asked),
        Api::Quotas => quotas::answer(cloud, operation, asked),
        Api::Rds => rds::answer(cloud, operation, asked),
        Api::Signals => signals::answer(cloud, operation, asked),
        Api::Backup => backup::answer(cloud, operation, asked),
        Api::Events => events::answer(cloud, operation, asked),
        Api::Scheduler => scheduler::answer(cloud, operation, asked),
    }
}
