//! What is known of the two sides of a rollout, and what a query may ask for: `${target-group}`,
//! `${revision}`, …

use super::question::Side;

/// The sides of a rollout, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub service: String,
    /// What stands before the tasks.
    pub kind: Front,
    /// The load balancer: its ARN, or its dimension in CloudWatch (`app/name/id`).
    pub load_balancer: Option<String>,
    /// What is being brought in.
    pub green: SideFacts,
    /// What served before; absent where there is no second side: a rolling update.
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

/// What stands before the tasks of a service, and with that what counts its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Front {
    /// An Application Load Balancer: requests, errors and latencies are counted for each target
    /// group.
    ApplicationLoadBalancer,
    /// A Network Load Balancer: it knows connections, not requests.
    NetworkLoadBalancer,
    /// Service Connect.
    ServiceConnect,
    /// Nothing: a service without traffic of its own, or one whose front is not known.
    Nothing,
}

/// What a text may ask of a side.
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
    pub(crate) fn named(name: &str) -> Option<Self> {
        VARIABLES
            .into_iter()
            .find(|(known, _)| *known == name)
            .map(|(_, variable)| variable)
    }

    pub(crate) fn name(self) -> &'static str {
        VARIABLES
            .into_iter()
            .find(|(_, known)| *known == self)
            .map_or("", |(name, _)| name)
    }
}

/// One side's values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SideValues<'s> {
    sides: &'s Sides,
    side: Side,
}

impl Sides {
    pub(crate) fn values(&self, side: Side) -> SideValues<'_> {
        SideValues { sides: self, side }
    }
}

impl<'s> SideValues<'s> {
    /// The value, where it is known.
    pub(crate) fn value(&self, variable: SideVariable) -> Option<&'s str> {
        let facts = match self.side {
            Side::Green => Some(&self.sides.green),
            Side::Blue => self.sides.blue.as_ref(),
        };
        match variable {
            SideVariable::TargetGroup => facts?.target_group.as_deref().map(dimension),
            SideVariable::LoadBalancer => self.sides.load_balancer.as_deref().map(dimension),
            SideVariable::Side => Some(self.side.word()),
            SideVariable::Revision => facts.map(|facts| facts.revision.as_str()),
            SideVariable::Cluster => Some(&self.sides.cluster),
            SideVariable::Service => Some(&self.sides.service),
        }
    }
}

impl Side {
    /// `blue` or `green`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Green => "green",
        }
    }
}

/// CloudWatch's dimension out of an ARN: `…:loadbalancer/app/name/id` → `app/name/id`,
/// `…:targetgroup/name/id` → `targetgroup/name/id`.
fn dimension(name: &str) -> &str {
    let resource = name.rsplit(':').next().unwrap_or(name);
    resource.strip_prefix("loadbalancer/").unwrap_or(resource)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Two sides behind an Application Load Balancer.
    pub(crate) fn sides() -> Sides {
        let facts = |group: &str, revision: &str| SideFacts {
            target_group: Some(group.to_owned()),
            revision: revision.to_owned(),
        };
        Sides {
            cluster: "prod".to_owned(),
            service: "api".to_owned(),
            kind: Front::ApplicationLoadBalancer,
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
            assert_eq!(dimension(name), expected);
        }
    }
}
