//! How the shared whole gets its account, its services with their listeners, and its alarms; and
//! what a test sees of a service.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value;

use super::Cloud;
use crate::account::{
    Account, Alarms, Balancer, HookStatus, Ids, Location, Phase, Repository, Revisions,
    ServiceDeployment, create_service, effective_exposure, load_balancer_kind,
};
use crate::clock::now_ms;
use crate::options::{AlarmState, Exposure, ServiceOptions, StageOptions, Traffic};
use crate::stage::{FleetView, ScalingView, ServiceDeploymentView, ServiceView, StageError};

/// An account with what the options say, but without services.
pub(crate) fn new_account(options: &StageOptions) -> Account {
    let now = now_ms();
    let location = Location {
        account: options.account.clone(),
        region: options.region.clone(),
        cluster: options.cluster.clone(),
    };
    let own = options
        .deployment_configs
        .iter()
        .map(|config| (config.name.clone(), config.traffic));
    Account {
        location,
        ids: Ids::new(now),
        revisions: Revisions::default(),
        services: Vec::new(),
        tasks: Vec::new(),
        groups: Vec::new(),
        deployments: Vec::new(),
        service_deployments: Vec::new(),
        service_revisions: Vec::new(),
        configs: aws_configs().into_iter().chain(own).collect(),
        alarms: Alarms::from_options(options, now),
        balancer: Balancer::default(),
        scalable: Vec::new(),
        snapshots: Vec::new(),
        repositories: Repository::from_options(options),
        log_retention: BTreeMap::new(),
        run_tokens: BTreeMap::new(),
    }
}

/// AWS's own configurations for ECS.
fn aws_configs() -> [(String, Traffic); 5] {
    let config = |name: &str, traffic| (format!("CodeDeployDefault.ECS{name}"), traffic);
    [
        config("AllAtOnce", Traffic::AllAtOnce),
        config(
            "Linear10PercentEvery1Minutes",
            Traffic::Linear {
                percent: 10,
                minutes: 1,
            },
        ),
        config(
            "Linear10PercentEvery3Minutes",
            Traffic::Linear {
                percent: 10,
                minutes: 3,
            },
        ),
        config(
            "Canary10Percent5Minutes",
            Traffic::Canary {
                percent: 10,
                minutes: 5,
            },
        ),
        config(
            "Canary10Percent15Minutes",
            Traffic::Canary {
                percent: 10,
                minutes: 15,
            },
        ),
    ]
}

impl Cloud {
    /// The host name in addresses that are handed out.
    pub(crate) fn public_host(&self) -> String {
        let bound = if self.options.bind.is_unspecified() {
            IpAddr::V4(Ipv4Addr::LOCALHOST)
        } else {
            self.options.bind
        };
        self.options
            .public_host
            .clone()
            .unwrap_or_else(|| bound.to_string())
    }

    /// The registry's URL as callers reach it.
    pub(crate) fn registry_endpoint(&self) -> String {
        let own = self.world.registry_endpoint();
        let renamed = self.options.public_host.is_some() || self.options.bind.is_unspecified();
        match own.rsplit_once(':') {
            Some((_, port)) if renamed && self.world.has_builtin_registry() => {
                format!("http://{}:{port}", self.public_host())
            }
            Some(_) | None => own,
        }
    }

    /// The registry as image references have it.
    pub(crate) fn registry_host(&self) -> String {
        let endpoint = self.registry_endpoint();
        endpoint
            .rsplit_once("://")
            .map_or(endpoint.clone(), |(_, host)| host.to_owned())
    }

    /// Adds a service with its listeners.
    pub(crate) async fn add_service(&self, mut options: ServiceOptions) -> Result<(), StageError> {
        let names: Vec<String> = effective_exposure(&options)
            .iter()
            .flat_map(Exposure::listeners)
            .collect();
        for name in &names {
            if self.read(|account| account.balancer.listener(name).is_none()) {
                let address = self.world.add_listener(name).await;
                self.change(|account| {
                    account.add_listener(name, load_balancer_kind(&options), address);
                });
            }
        }
        let ports = self.read(|account| {
            account
                .balancer
                .listeners
                .iter()
                .map(|own| {
                    (
                        format!("${{port:{}}}", own.name),
                        own.address.port().to_string(),
                    )
                })
                .collect::<Vec<_>>()
        });
        let placeholders: Vec<(String, String)> = ports
            .into_iter()
            .chain([("${registry}".to_owned(), self.registry_host())])
            .collect();
        fill_placeholders(&mut options.task_definition, &placeholders);
        let created = self.change(|account| create_service(account, &options));
        created.map_err(|problem| StageError::Service {
            name: options.name.clone(),
            problem: problem.to_string(),
        })?;
        self.publish_weights();
        Ok(())
    }

    fn publish_weights(&self) {
        for listener in self.read(|account| account.balancer.listeners.clone()) {
            self.world.set_weights(&listener.name, &listener.forward);
            self.record_shift(&listener.name, &listener.forward);
        }
    }

    /// Sets an alarm's state.
    pub(crate) fn set_alarm(&self, name: &str, state: AlarmState, reason: Option<&str>) {
        self.change(|account| account.alarms.set(name, state, reason, now_ms()));
        self.ledger.mark(name, format!("{state:?}"));
    }

    pub(crate) fn is_steady(&self, name: &str) -> bool {
        let Some(view) = self.service_view(name) else {
            return false;
        };
        view.primary().is_some_and(|fleet| {
            fleet.healthy == view.desired as usize && fleet.running == fleet.healthy
        })
    }

    /// All deployments that ECS itself performs or performed.
    pub(crate) fn service_deployments(&self) -> Vec<ServiceDeploymentView> {
        self.read(|account| {
            account
                .service_deployments
                .iter()
                .map(deployment_view)
                .collect()
        })
    }

    /// A service as it is now.
    pub(crate) fn service_view(&self, name: &str) -> Option<ServiceView> {
        self.read(|account| {
            let service = account.service(name)?;
            let events = service
                .events
                .iter()
                .filter_map(|event| event.get("message")?.as_str())
                .map(ToOwned::to_owned);
            let fleets = service.fleets.iter().map(|fleet| FleetView {
                id: fleet.id.clone(),
                status: fleet.role.as_str().to_owned(),
                revision: fleet.revision.clone(),
                target_group: fleet.target_group.clone(),
                running: account
                    .live_tasks(&fleet.id)
                    .filter(|task| task.phase == Phase::Running)
                    .count(),
                healthy: account
                    .live_tasks(&fleet.id)
                    .filter(|task| task.is_running() && task.healthy)
                    .count(),
                rollout: fleet.rollout.as_str().to_owned(),
            });
            Some(ServiceView {
                desired: service.desired,
                fleets: fleets.collect(),
                events: events.collect(),
            })
        })
    }
}

impl Cloud {
    /// A service's scalable target as it is now.
    pub(crate) fn scaling_view(&self, service: &str) -> Option<ScalingView> {
        self.read(|account| {
            let target = account
                .scalable
                .iter()
                .find(|target| target.service == service)?;
            Some(ScalingView {
                min: target.minimum,
                max: target.maximum,
                suspended: target.suspended,
                tags: target.tags.clone(),
            })
        })
    }
}

fn deployment_view(deployment: &ServiceDeployment) -> ServiceDeploymentView {
    let waiting = deployment
        .hooks
        .iter()
        .filter(|hook| hook.status == HookStatus::AwaitingAction);
    ServiceDeploymentView {
        arn: deployment.arn.clone(),
        service: deployment.service.clone(),
        status: deployment.status.as_str().to_owned(),
        stage: deployment.stage.map(|stage| stage.as_str().to_owned()),
        revision: deployment.target.task_definition.clone(),
        target_group: deployment.target.target_group.clone(),
        production: deployment.visible_shares(0).1,
        waiting: waiting.map(|hook| hook.id.clone()).collect(),
        reason: deployment.reason.clone(),
    }
}

/// Puts what is only known now in the place of its name, in every text of a definition.
fn fill_placeholders(value: &mut Value, placeholders: &[(String, String)]) {
    match value {
        Value::String(text) => {
            *text = placeholders
                .iter()
                .fold(std::mem::take(text), |text, (name, is)| {
                    text.replace(name, is)
                });
        }
        Value::Array(entries) => entries
            .iter_mut()
            .for_each(|entry| fill_placeholders(entry, placeholders)),
        Value::Object(members) => members
            .values_mut()
            .for_each(|member| fill_placeholders(member, placeholders)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
