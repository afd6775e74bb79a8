//! What is known of the two sides of a rollout, and the variables for it in queries:
//! `${target-group}`, `${revision}`, …

use crate::template::Values;

use super::question::Side;

/// The sides of a rollout, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub service: String,
    /// The kind of the load balancer.
    pub load_balancer_kind: LoadBalancerKind,
    /// The load balancer: its ARN, or its dimension in CloudWatch (`app/name/id`).
    pub load_balancer: Option<String>,
    /// The version that is being deployed.
    pub green: SideFacts,
    /// The version that is replaced; absent in a rolling update, which has no second side.
    pub blue: Option<SideFacts>,
}

/// One side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SideFacts {
    /// Its target group: its ARN, or its dimension in CloudWatch (`targetgroup/name/id`).
    pub target_group: Option<String>,
    /// Its task definition, as `family:revision`.
    pub revision: String,
}

/// The kind of load balancer of a service; it decides what counts its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadBalancerKind {
    /// An Application Load Balancer: requests, errors and latencies are counted for each target
    /// group.
    ApplicationLoadBalancer,
    /// A Network Load Balancer: it knows connections, not requests.
    NetworkLoadBalancer,
    /// Service Connect.
    ServiceConnect,
    /// None: a service without traffic, or one whose load balancer is unknown.
    Nothing,
}

/// A variable for a fact of a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SideVariable {
    TargetGroup,
    LoadBalancer,
    Side,
    Revision,
    Cluster,
    Service,
}

const VARIABLES: [(&str, SideVariable); 6] = [
    ("target-group", SideVariable::TargetGroup),
    ("load-balancer", SideVariable::LoadBalancer),
    ("side", SideVariable::Side),
    ("revision", SideVariable::Revision),
    ("cluster", SideVariable::Cluster),
    ("service", SideVariable::Service),
];

impl SideVariable {
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        VARIABLES.into_iter().map(|(name, _)| name)
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        VARIABLES
            .into_iter()
            .find(|(variable_name, _)| *variable_name == name)
            .map(|(_, variable)| variable)
    }

    pub(crate) fn name(self) -> &'static str {
        VARIABLES
            .into_iter()
            .find(|(_, variable)| *variable == self)
            .map_or("", |(name, _)| name)
    }
}

impl Sides {
    /// The value of a variable for a side, where it is known.
    pub(crate) fn value(&self, side: Side, variable: SideVariable) -> Option<&str> {
        let facts = match side {
            Side::Green => Some(&self.green),
            Side::Blue => self.blue.as_ref(),
        };
        match variable {
            SideVariable::TargetGroup => facts?.target_group.as_deref().map(cloudwatch_dimension),
            SideVariable::LoadBalancer => self.load_balancer.as_deref().map(cloudwatch_dimension),
            SideVariable::Side => Some(side.name()),
            SideVariable::Revision => facts.map(|facts| facts.revision.as_str()),
            SideVariable::Cluster => Some(&self.cluster),
            SideVariable::Service => Some(&self.service),
        }
    }

    /// The values of a run, and what is known of a side.
    pub(crate) fn values_for(&self, side: Side, values: &Values) -> Values {
        let mut values = values.clone();
        for (name, variable) in VARIABLES {
            let value = self.value(side, variable).unwrap_or_default();
            if variable == SideVariable::Revision {
                value.clone_into(&mut values.revision);
            } else {
                values.bindings.bind(name, value.into());
            }
        }
        values
    }
}

impl Side {
    /// `blue` or `green`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Green => "green",
        }
    }
}

/// CloudWatch's dimension out of an ARN: `…:loadbalancer/app/name/id` → `app/name/id`,
/// `…:targetgroup/name/id` → `targetgroup/name/id`.
fn cloudwatch_dimension(name: &str) -> &str {
    let resource = name.rsplit(':').next().unwrap_or(name);
    resource.strip_prefix("loadbalancer/").unwrap_or(resource)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::secret::Secret;
    use crate::template::Template;

    /// Two sides behind an Application Load Balancer.
    pub(crate) fn sides() -> Sides {
        let facts = |group: &str, revision: &str| SideFacts {
            target_group: Some(group.to_owned()),
            revision: revision.to_owned(),
        };
        Sides {
            cluster: "prod".to_owned(),
            service: "api".to_owned(),
            load_balancer_kind: LoadBalancerKind::ApplicationLoadBalancer,
            load_balancer: Some("app/front/9".to_owned()),
            green: facts("targetgroup/green/2", "api:8"),
            blue: Some(facts("targetgroup/blue/1", "api:7")),
        }
    }

    #[test]
    fn dimensions_are_taken_out_of_arns() {
        let table = [
            (
                "arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/app/front/9",
                "app/front/9",
            ),
            (
                "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/green/2",
                "targetgroup/green/2",
            ),
            ("app/front/9", "app/front/9"),
        ];
        for (name, expected) in table {
            assert_eq!(cloudwatch_dimension(name), expected);
        }
    }

    #[test]
    fn a_text_is_filled_for_its_side_and_secrets_are_masked_for_people() {
        let environment = [("T".to_owned(), Secret::new("hunter2"))].into();
        let values = Values {
            version: "v1".to_owned(),
            environment,
            ..Values::default()
        };
        let table = [
            (
                Side::Green,
                "${side} ${target-group} ${revision}",
                "green targetgroup/green/2 api:8",
            ),
            (
                Side::Blue,
                "${side} ${target-group} ${revision}",
                "blue targetgroup/blue/1 api:7",
            ),
            (
                Side::Green,
                "${load-balancer} ${cluster}/${service} ${version}",
                "app/front/9 prod/api v1",
            ),
            (
                Side::Green,
                "rate(x{a=\"b\"}[1m]) $${x} ${env.T}",
                "rate(x{a=\"b\"}[1m]) ${x} ***",
            ),
        ];
        for (side, text, expected) in table {
            let text = Template::parse(text).unwrap();
            let values = sides().values_for(side, &values);
            assert_eq!(text.render_masked(&values), expected);
            assert_eq!(text.render(&values), expected.replace("***", "hunter2"));
        }
    }
}
