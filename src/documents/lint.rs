//! PURE: what is legal in a task definition and seldom meant: secrets in plain variables, containers
//! without logs, health check or limits, and the like.

use serde_json::Value;

use super::parse::items;
use super::task_definition::{ContainerDefinition, TaskDefinition};

/// A name with one of these words in it says that its value is a secret.
const SECRET_WORDS: [&str; 10] = [
    "PASSWORD",
    "PASSWD",
    "SECRET",
    "TOKEN",
    "APIKEY",
    "API_KEY",
    "PRIVATE_KEY",
    "ACCESS_KEY",
    "CREDENTIAL",
    "PASSPHRASE",
];
/// A name that ends so says where a secret is, or what it is called, and holds none.
const REFERENCES: [&str; 9] = [
    "_FILE", "_PATH", "_NAME", "_ID", "_ARN", "_URL", "_URI", "_TTL", "_HEADER",
];
/// A value that is shorter is no key that a machine has made.
const SHORTEST_KEY: usize = 20;
/// Bits a character from which a long value looks random: English has about 4, base64 up to 6.
const RANDOM_BITS: f64 = 4.5;

const MOVING_IMAGE: &str =
    "names its image by `latest` or without a tag: what runs changes with the next push";

/// Something in a task definition that is seldom meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LintFinding {
    /// What is found, with the container that has it. Never a value.
    pub message: String,
    /// What to do instead.
    pub remedy: &'static str,
}

/// All findings, container by container in the order of the definition. The images of `pinned`
/// containers are put in by digest later.
pub fn lint(definition: &Value, pinned: &[String]) -> Vec<LintFinding> {
    let task = TaskDefinition(definition);
    let mut findings = Vec::new();
    for container in task.containers() {
        let name = container.name().unwrap_or_default();
        let mut report = |message: String, remedy| {
            findings.push(LintFinding {
                message: format!("container `{name}` {message}"),
                remedy,
            });
        };
        for variable in plain_secrets(container) {
            report(
                format!("has what looks like a secret in the plain variable `{variable}`"),
                "put it into Secrets Manager or Parameter Store, and give it under `secrets`",
            );
        }
        let is_pinned = pinned.iter().any(|container| container == name);
        let rules = container_rules(task, container).into_iter();
        for (message, remedy) in rules.filter(|(message, _)| !is_pinned || *message != MOVING_IMAGE)
        {
            report(message.to_owned(), remedy);
        }
    }
    findings
}

fn container_rules(
    task: TaskDefinition<'_>,
    container: ContainerDefinition<'_>,
) -> Vec<(&'static str, &'static str)> {
    let definition = container.0;
    let has_secrets = !items(definition, "secrets").is_empty();
    let has_health_check = definition.get("healthCheck").is_some();
    let has_limit = [
        &task.0["memory"],
        &definition["memory"],
        &definition["memoryReservation"],
    ]
    .iter()
    .any(|limit| !limit.is_null());
    let rules = [
        (
            has_secrets && task.roles().execution.is_none(),
            "has secrets, and the task definition no execution role that may read them",
            "set executionRoleArn",
        ),
        (
            definition.get("logConfiguration").is_none(),
            "has no log configuration: on Fargate what it writes is lost",
            "set logConfiguration, such as the driver awslogs",
        ),
        (
            container.is_essential() && !has_health_check,
            "has no health check of its own",
            "set healthCheck, unless the load balancer's is enough",
        ),
        (
            definition["user"]
                .as_str()
                .is_some_and(|user| matches!(user.split(':').next(), Some("root" | "0"))),
            "runs as root",
            "set `user` to an account without privileges",
        ),
        (
            definition["privileged"].as_bool() == Some(true),
            "is privileged: it may do what the host may",
            "leave `privileged` out, or add the one Linux capability that is needed",
        ),
        (
            !has_limit,
            "has no memory limit, neither of its own nor of the task",
            "set memory or memoryReservation",
        ),
        (
            container.image().is_some_and(is_moving_tag),
            MOVING_IMAGE,
            "name it by a tag of the build, or by digest",
        ),
    ];
    rules
        .into_iter()
        .filter(|(is_broken, _, _)| *is_broken)
        .map(|(_, message, remedy)| (message, remedy))
        .collect()
}

/// `name`, `name:latest`; a digest fixes what runs.
fn is_moving_tag(image: &str) -> bool {
    if image.contains('@') {
        return false;
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

/// The names of variables whose name or value says that they are secrets.
fn plain_secrets(container: ContainerDefinition<'_>) -> Vec<&str> {
    items(container.0, "environment")
        .iter()
        .filter_map(|variable| Some((variable["name"].as_str()?, variable["value"].as_str()?)))
        .filter(|(name, value)| !value.is_empty() && (names_secret(name) || looks_random(value)))
        .map(|(name, _)| name)
        .collect()
}

pub(super) fn names_secret(name: &str) -> bool {
    let name = name.to_uppercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
        && !REFERENCES.iter().any(|end| name.ends_with(end))
}

/// Keys that machines make have letters, digits and no spaces, and no character that is much more
/// frequent than others. Addresses and paths are not meant.
fn looks_random(value: &str) -> bool {
    let is_key_letter = |letter: char| letter.is_ascii_alphanumeric() || "+/=_-".contains(letter);
    value.len() >= SHORTEST_KEY
        && value.chars().all(is_key_letter)
        && value.contains(|letter: char| letter.is_ascii_digit())
        && value.contains(|letter: char| letter.is_ascii_uppercase())
        && value.contains(|letter: char| letter.is_ascii_lowercase())
        && bits_per_character(value) >= RANDOM_BITS
}

/// Shannon's entropy of the value's characters.
fn bits_per_character(value: &str) -> f64 {
    let mut counts = [0_u32; 128];
    for byte in value.bytes().filter(u8::is_ascii) {
        counts[usize::from(byte)] += 1;
    }
    let total = f64::from(counts.iter().sum::<u32>().max(1));
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / total;
            -share * share.log2()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A definition in which nothing is to be said of the container.
    fn clean() -> Value {
        json!({ "family": "api", "executionRoleArn": "arn:aws:iam::1:role/x", "memory": "512",
            "containerDefinitions": [{
                "name": "app", "image": "registry/app:1.0.0", "essential": true,
                "environment": [{ "name": "LOG_LEVEL", "value": "debug" }],
                "secrets": [{ "name": "TOKEN", "valueFrom": "arn:aws:ssm:…" }],
                "logConfiguration": { "logDriver": "awslogs" },
                "healthCheck": { "command": ["CMD", "true"] },
            }] })
    }

    /// What is said once these members of the definition and of its container are others; null
    /// removes one.
    fn messages(task: &Value, container: &Value) -> Vec<String> {
        let mut definition = clean();
        merge(&mut definition["containerDefinitions"][0], container);
        merge(&mut definition, task);
        lint(&definition, &[])
            .into_iter()
            .map(|finding| finding.message)
            .collect()
    }

    fn merge(target: &mut Value, changes: &Value) {
        for (key, value) in changes.as_object().unwrap() {
            let members = target.as_object_mut().unwrap();
            if value.is_null() {
                members.remove(key);
            } else {
                members.insert(key.clone(), value.clone());
            }
        }
    }

    #[test]
    fn of_a_careful_definition_nothing_is_said() {
        assert_eq!(messages(&json!({}), &json!({})), Vec::<String>::new());
    }

    #[test]
    fn every_rule_is_told_with_its_container() {
        let (none, password) = (
            json!({}),
            json!([{ "name": "DB_PASSWORD", "value": "hunter2" }]),
        );
        let table = [
            (
                "has secrets, and",
                json!({ "executionRoleArn": null }),
                none.clone(),
            ),
            (
                "has no log configuration",
                none.clone(),
                json!({ "logConfiguration": null }),
            ),
            (
                "has no health check",
                none.clone(),
                json!({ "healthCheck": null }),
            ),
            ("runs as root", none.clone(), json!({ "user": "0" })),
            ("is privileged", none.clone(), json!({ "privileged": true })),
            (
                "has no memory limit",
                json!({ "memory": null }),
                none.clone(),
            ),
            (
                "names its image by",
                none.clone(),
                json!({ "image": "a/app:latest" }),
            ),
            (
                "has what looks like a secret in the plain variable `DB_PASSWORD`",
                none,
                json!({ "environment": password }),
            ),
        ];
        for (begin, task, container) in table {
            let told = messages(&task, &container);
            assert_eq!(told.len(), 1, "{begin}: {told:?}");
            let expected = format!("container `app` {begin}");
            assert!(told[0].starts_with(&expected), "{told:?}");
        }
    }

    #[test]
    fn an_image_that_is_put_in_by_digest_may_be_named_as_it_likes() {
        let mut definition = clean();
        definition["containerDefinitions"][0]["image"] = json!("app");
        assert_eq!(lint(&definition, &["app".to_owned()]), []);
        assert_eq!(lint(&definition, &[]).len(), 1);
    }

    #[test]
    fn secrets_are_known_by_their_names_or_by_their_values() {
        let table = [
            ("STRIPE_API_KEY", "x", true),
            ("SESSION_TOKEN_TTL", "3600", false),
            ("PASSWORD_FILE", "/run/secrets/x", false),
            ("DB_PASSWORD", "", false),
            ("KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzQ", true),
            ("ID", "3f786850-e387-550f-dab8-36ed7e6dc881", false),
            ("URL", "https://Api1.example.com/With/A/Long/Path", false),
            ("WORDS", "Aaaaaaaaaaaaaaaaaaaaaaaaaaaa1", false),
        ];
        for (name, value, is_secret) in table {
            let variable = json!([{ "name": name, "value": value }]);
            let told = messages(&json!({}), &json!({ "environment": variable }));
            assert_eq!(!told.is_empty(), is_secret, "{name}: {told:?}");
            assert!(
                !told
                    .iter()
                    .any(|line| !value.is_empty() && value.len() > 2 && line.contains(value))
            );
        }
    }
}
