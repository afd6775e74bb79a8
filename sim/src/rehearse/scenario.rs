//! The stories of the rehearsal, and how each must end. Data.

/// A deployment and its expected end.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// Its name, in files too.
    pub name: &'static str,
    /// The version to deploy.
    pub version: &'static str,
    /// What is about to happen.
    pub story: &'static str,
    /// Where the task definition comes from.
    pub definition: Definition,
    /// How it must end.
    pub expected: Expected,
}

/// Where the task definition comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Definition {
    /// A file of the repository.
    File,
    /// The revision that the service runs.
    Live,
}

/// How a scenario must end.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    /// The output `outcome`.
    pub outcome: &'static str,
    /// The output `reason`.
    pub reason: &'static str,
    /// The exit code.
    pub exit: i32,
    /// The versions that users must have seen, and no others.
    pub seen: &'static [&'static str],
    /// The version that serves them in the end.
    pub serves: &'static str,
}

const GOOD: Scenario = Scenario {
    name: "good",
    version: "1.1.0",
    story: "1.1.0 is good: it replaces 1.0.0",
    definition: Definition::File,
    expected: Expected {
        outcome: "deployed",
        reason: "as-planned",
        exit: 0,
        seen: &["1.0.0", "1.1.0"],
        serves: "1.1.0",
    },
};

/// Where green waits at a gate: good, wrong at the gate, wrong in production.
pub const GATED: [Scenario; 3] = [
    GOOD,
    Scenario {
        name: "wrong-at-the-gate",
        version: "1.2.0",
        story: "1.2.0 starts and is healthy, but it is wrong: it must not reach a single user",
        definition: Definition::Live,
        expected: Expected {
            outcome: "rolled-back",
            reason: "smoke-failed",
            exit: 20,
            seen: &["1.1.0"],
            serves: "1.1.0",
        },
    },
    Scenario {
        name: "wrong-in-production",
        version: "1.3.0",
        story: "1.3.0 is wrong only behind the production listener: it passes the gate, and must be rolled back",
        definition: Definition::Live,
        expected: Expected {
            outcome: "rolled-back",
            reason: "smoke-failed",
            exit: 20,
            seen: &["1.1.0", "1.3.0"],
            serves: "1.1.0",
        },
    },
];

/// Where tasks are replaced in place: good, wrong in production, crashing.
pub const ROLLING: [Scenario; 3] = [
    GOOD,
    Scenario {
        name: "wrong-in-production",
        version: "1.2.0",
        story: "1.2.0 starts and is healthy, but it is wrong: there is no gate, so only the tests on production find it, and it is rolled back",
        definition: Definition::Live,
        expected: Expected {
            outcome: "rolled-back",
            reason: "smoke-failed",
            exit: 20,
            seen: &["1.1.0", "1.2.0"],
            serves: "1.1.0",
        },
    },
    Scenario {
        name: "crashing",
        version: "1.4.0",
        story: "1.4.0 crashes right after its start: ECS's circuit breaker rolls it back, and no user may notice",
        definition: Definition::Live,
        expected: Expected {
            outcome: "rolled-back",
            reason: "tasks-unhealthy",
            exit: 20,
            seen: &["1.1.0"],
            serves: "1.1.0",
        },
    },
];
