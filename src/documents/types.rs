//! The types of `RegisterTaskDefinition`, and of what the inputs give to `RunTask`, as in
//! botocore's model (2026).
//!
//! A field that is not listed is newer than this program: it is not checked, and is sent as it is.

#[derive(Debug, Clone, Copy)]
pub(super) enum Type {
    /// A string.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list of values of one type.
    List(&'static Self),
    /// An object with keys of the user's choice and string values.
    TextMap,
    /// An object with these fields.
    Object(Fields),
}

pub(super) type Fields = &'static [(&'static str, Type)];

use Type::{Boolean, List, Number, Object, Text, TextMap};

pub(super) const DEFINITION: Type = Object(&[
    ("family", Text),
    ("taskRoleArn", Text),
    ("executionRoleArn", Text),
    ("networkMode", Text),
    ("containerDefinitions", List(&Object(CONTAINER))),
    ("volumes", List(&Object(VOLUME))),
    (
        "placementConstraints",
        List(&Object(&[("type", Text), ("expression", Text)])),
    ),
    ("requiresCompatibilities", List(&Text)),
    ("cpu", Text),
    ("memory", Text),
    ("tags", List(&TAG)),
    ("pidMode", Text),
    ("ipcMode", Text),
    (
        "proxyConfiguration",
        Object(&[
            ("type", Text),
            ("containerName", Text),
            ("properties", PAIRS),
        ]),
    ),
    (
        "inferenceAccelerators",
        List(&Object(&[("deviceName", Text), ("deviceType", Text)])),
    ),
    ("ephemeralStorage", Object(&[("sizeInGiB", Number)])),
    (
        "runtimePlatform",
        Object(&[("cpuArchitecture", Text), ("operatingSystemFamily", Text)]),
    ),
    ("enableFaultInjection", Boolean),
    (
        "trustedExecutionConfiguration",
        Object(&[("isolationMode", Text), ("attestationPolicy", Text)]),
    ),
]);

pub(super) const OVERRIDE: Type = Object(&[
    ("name", Text),
    ("command", List(&Text)),
    ("environment", PAIRS),
    ("environmentFiles", FILES),
    ("cpu", Number),
    ("memory", Number),
    ("memoryReservation", Number),
    ("resourceRequirements", RESOURCES),
]);

pub(super) const TAG: Type = Object(&[("key", Text), ("value", Text)]);

pub(super) const PROVIDER: Type = Object(&[
    ("capacityProvider", Text),
    ("weight", Number),
    ("base", Number),
]);

pub(super) const EBS: Type = Object(&[
    ("roleArn", Text),
    ("encrypted", Boolean),
    ("filesystemType", Text),
    ("iops", Number),
    ("kmsKeyId", Text),
    ("sizeInGiB", Number),
    ("snapshotId", Text),
    (
        "tagSpecifications",
        List(&Object(&[
            ("resourceType", Text),
            ("tags", List(&TAG)),
            ("propagateTags", Text),
        ])),
    ),
    ("throughput", Number),
    ("volumeType", Text),
]);

const PAIRS: Type = List(&Object(&[("name", Text), ("value", Text)]));
const SECRETS: Type = List(&Object(&[("name", Text), ("valueFrom", Text)]));
const FILES: Type = List(&Object(&[("value", Text), ("type", Text)]));
const RESOURCES: Type = List(&Object(&[
    ("value", Text),
    ("type", Text),
    (
        "sharingStrategy",
        Object(&[(
            "nvidiaMps",
            Object(&[("memory", Number), ("maxComputePercent", Number)]),
        )]),
    ),
]));

const CONTAINER: Fields = &[
    ("name", Text),
    ("image", Text),
    (
        "repositoryCredentials",
        Object(&[("credentialsParameter", Text)]),
    ),
    ("cpu", Number),
    ("memory", Number),
    ("memoryReservation", Number),
    ("links", List(&Text)),
    (
        "portMappings",
        List(&Object(&[
            ("containerPort", Number),
            ("hostPort", Number),
            ("protocol", Text),
            ("name", Text),
            ("appProtocol", Text),
            ("containerPortRange", Text),
        ])),
    ),
    ("essential", Boolean),
    (
        "restartPolicy",
        Object(&[
            ("enabled", Boolean),
            ("ignoredExitCodes", List(&Number)),
            ("restartAttemptPeriod", Number),
        ]),
    ),
    ("entryPoint", List(&Text)),
    ("command", List(&Text)),
    ("environment", PAIRS),
    ("environmentFiles", FILES),
    (
        "mountPoints",
        List(&Object(&[
            ("sourceVolume", Text),
            ("containerPath", Text),
            ("readOnly", Boolean),
        ])),
    ),
    (
        "volumesFrom",
        List(&Object(&[("sourceContainer", Text), ("readOnly", Boolean)])),
    ),
    ("linuxParameters", Object(LINUX)),
    ("secrets", SECRETS),
    (
        "dependsOn",
        List(&Object(&[("containerName", Text), ("condition", Text)])),
    ),
    ("startTimeout", Number),
    ("stopTimeout", Number),
    ("versionConsistency", Text),
    ("hostname", Text),
    ("user", Text),
    ("workingDirectory", Text),
    ("disableNetworking", Boolean),
    ("privileged", Boolean),
    ("readonlyRootFilesystem", Boolean),
    ("dnsServers", List(&Text)),
    ("dnsSearchDomains", List(&Text)),
    (
        "extraHosts",
        List(&Object(&[("hostname", Text), ("ipAddress", Text)])),
    ),
    ("dockerSecurityOptions", List(&Text)),
    ("interactive", Boolean),
    ("pseudoTerminal", Boolean),
    ("dockerLabels", TextMap),
    (
        "ulimits",
        List(&Object(&[
            ("name", Text),
            ("softLimit", Number),
            ("hardLimit", Number),
        ])),
    ),
    (
        "logConfiguration",
        Object(&[
            ("logDriver", Text),
            ("options", TextMap),
            ("secretOptions", SECRETS),
        ]),
    ),
    (
        "healthCheck",
        Object(&[
            ("command", List(&Text)),
            ("interval", Number),
            ("timeout", Number),
            ("retries", Number),
            ("startPeriod", Number),
        ]),
    ),
    (
        "systemControls",
        List(&Object(&[("namespace", Text), ("value", Text)])),
    ),
    ("resourceRequirements", RESOURCES),
    (
        "firelensConfiguration",
        Object(&[("type", Text), ("options", TextMap)]),
    ),
    ("credentialSpecs", List(&Text)),
];

const LINUX: Fields = &[
    (
        "capabilities",
        Object(&[("add", List(&Text)), ("drop", List(&Text))]),
    ),
    (
        "devices",
        List(&Object(&[
            ("hostPath", Text),
            ("containerPath", Text),
            ("permissions", List(&Text)),
        ])),
    ),
    ("initProcessEnabled", Boolean),
    ("sharedMemorySize", Number),
    (
        "tmpfs",
        List(&Object(&[
            ("containerPath", Text),
            ("size", Number),
            ("mountOptions", List(&Text)),
        ])),
    ),
    ("maxSwap", Number),
    ("swappiness", Number),
];

const VOLUME: Fields = &[
    ("name", Text),
    ("host", Object(&[("sourcePath", Text)])),
    (
        "dockerVolumeConfiguration",
        Object(&[
            ("scope", Text),
            ("autoprovision", Boolean),
            ("driver", Text),
            ("driverOpts", TextMap),
            ("labels", TextMap),
        ]),
    ),
    (
        "efsVolumeConfiguration",
        Object(&[
            ("fileSystemId", Text),
            ("rootDirectory", Text),
            ("transitEncryption", Text),
            ("transitEncryptionPort", Number),
            (
                "authorizationConfig",
                Object(&[("accessPointId", Text), ("iam", Text)]),
            ),
        ]),
    ),
    (
        "s3filesVolumeConfiguration",
        Object(&[
            ("fileSystemArn", Text),
            ("rootDirectory", Text),
            ("transitEncryptionPort", Number),
            ("accessPointArn", Text),
        ]),
    ),
    (
        "fsxWindowsFileServerVolumeConfiguration",
        Object(&[
            ("fileSystemId", Text),
            ("rootDirectory", Text),
            (
                "authorizationConfig",
                Object(&[("credentialsParameter", Text), ("domain", Text)]),
            ),
        ]),
    ),
    ("configuredAtLaunch", Boolean),
];
