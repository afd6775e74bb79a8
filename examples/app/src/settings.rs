//! What the environment says: which version this is, what is wrong with it, and where it stands.

use std::time::Duration;

use crate::items::Items;
use crate::trouble::Trouble;

/// What is wrong with this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// It reports another version and sends people who log in to another address.
    Wrong,
    /// It sends people who log in to a wrong address, but only behind the production listener.
    Production,
    /// It ends at once.
    Crash,
    /// Some of its answers fail.
    Errors,
    /// Some of its answers are late.
    Slow,
    /// It writes error lines, and answers well.
    Noisy,
}

/// Everything that can be set.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) port: u16,
    pub(crate) version: String,
    pub(crate) fault: Fault,
    pub(crate) warm_up: Duration,
    /// Where users find the application, without a slash at the end.
    pub(crate) public_url: String,
    pub(crate) token: String,
    /// The port of the load balancer's production listener.
    pub(crate) production_port: u16,
    /// What makes it worse for users.
    pub(crate) trouble: Trouble,
    /// Its items, where it has a database.
    pub(crate) items: Option<Items>,
}

impl Settings {
    /// Reads each variable once; an empty one counts as not set.
    pub(crate) fn from_environment(read: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let read = |name: &str, default: &str| {
            read(name)
                .filter(|value| !value.is_empty())
                .unwrap_or_else(|| default.to_owned())
        };
        let fault = fault(&read("APP_FAULT", "none"))?;
        Ok(Self {
            port: number("PORT", &read("PORT", "8080"))?,
            version: read("APP_VERSION", "0.0.0"),
            trouble: trouble(fault, &read)?,
            items: items(&read)?,
            fault,
            warm_up: Duration::from_millis(number(
                "APP_WARM_UP_MS",
                &read("APP_WARM_UP_MS", "300"),
            )?),
            public_url: read("APP_PUBLIC_URL", "https://app.example.com")
                .trim_end_matches('/')
                .to_owned(),
            token: read("SMOKE_TOKEN", "sample-token"),
            production_port: number("APP_PRODUCTION_PORT", &read("APP_PRODUCTION_PORT", "443"))?,
        })
    }
}

fn items(read: &impl Fn(&str, &str) -> String) -> Result<Option<Items>, String> {
    let url = read("DATABASE_URL", "");
    if url.is_empty() {
        return Ok(None);
    }
    Items::new(url, &read("APP_ITEM_COLUMNS", "id,name")).map(Some)
}

/// What a fault brings, unless the environment says otherwise.
fn trouble(fault: Fault, read: &impl Fn(&str, &str) -> String) -> Result<Trouble, String> {
    let (error_rate, latency_ms, slow_share, log_line) = match fault {
        Fault::Errors => ("0.05", "0", "1", ""),
        Fault::Slow => ("0", "400", "0.2", ""),
        Fault::Noisy => (
            "0",
            "0",
            "1",
            "ERROR the connection to the pricing service is lost",
        ),
        Fault::None | Fault::Wrong | Fault::Production | Fault::Crash => ("0", "0", "1", ""),
    };
    let log_line = read("LOG_LINE", log_line);
    Ok(Trouble {
        error_rate: share("ERROR_RATE", &read("ERROR_RATE", error_rate))?,
        path: read("TROUBLE_PATH", "/tasks"),
        latency: Duration::from_millis(number("LATENCY_MS", &read("LATENCY_MS", latency_ms))?),
        slow_share: share("SLOW_SHARE", &read("SLOW_SHARE", slow_share))?,
        log_line: Some(log_line).filter(|line| !line.is_empty()),
        log_every: number("LOG_EVERY", &read("LOG_EVERY", "10"))?,
    })
}

fn share(name: &str, value: &str) -> Result<f64, String> {
    number(name, value)
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| format!("{name}: {value:?} is no share between 0 and 1"))
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value
        .parse()
        .map_err(|_| format!("{name}: {value:?} is not a number it can be"))
}

fn fault(value: &str) -> Result<Fault, String> {
    match value {
        "none" => Ok(Fault::None),
        "wrong" => Ok(Fault::Wrong),
        "production" => Ok(Fault::Production),
        "crash" => Ok(Fault::Crash),
        "errors" => Ok(Fault::Errors),
        "slow" => Ok(Fault::Slow),
        "noisy" => Ok(Fault::Noisy),
        other => Err(format!(
            "APP_FAULT: {other:?} is none of none, wrong, production, crash, errors, slow, noisy"
        )),
    }
}

#[cfg(test)]
impl Settings {
    /// As in production, with one fault.
    pub(crate) fn with(fault: Fault) -> Self {
        let settings =
            Self::from_environment(|name| (name == "APP_VERSION").then(|| "1.1.0".to_owned()))
                .expect("defaults are valid");
        let trouble = trouble(fault, &|_, default| default.to_owned()).expect("defaults are valid");
        Self {
            fault,
            trouble,
            ..settings
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_set_is_a_good_version_on_8080() {
        let settings = Settings::from_environment(|_| None).expect("valid");
        assert_eq!(
            (settings.port, settings.fault, settings.production_port),
            (8080, Fault::None, 443)
        );
    }

    #[test]
    fn a_fault_brings_its_trouble_unless_the_environment_says_otherwise() {
        assert_eq!(
            (
                Settings::with(Fault::Errors).trouble.error_rate,
                Settings::with(Fault::None).trouble.error_rate
            ),
            (0.05, 0.0)
        );
        assert_eq!(
            Settings::with(Fault::Slow).trouble.latency,
            Duration::from_millis(400)
        );
        assert!(
            Settings::with(Fault::Noisy)
                .trouble
                .log_line
                .is_some_and(|line| line.starts_with("ERROR"))
        );
        let read = |name: &str| {
            [("APP_FAULT", "errors"), ("ERROR_RATE", "0.5")]
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        assert!(
            Settings::from_environment(read)
                .expect("valid")
                .trouble
                .error_rate
                > 0.4
        );
        assert!(
            Settings::from_environment(|name| (name == "ERROR_RATE").then(|| "1.5".to_owned()))
                .is_err()
        );
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let set =
            |variable: &'static str| move |name: &str| (name == variable).then(|| "x".to_owned());
        for variable in [
            "PORT",
            "APP_FAULT",
            "APP_WARM_UP_MS",
            "APP_PRODUCTION_PORT",
            "ERROR_RATE",
            "LATENCY_MS",
            "SLOW_SHARE",
            "LOG_EVERY",
        ] {
            assert!(
                Settings::from_environment(set(variable))
                    .is_err_and(|problem| problem.starts_with(variable)),
                "{variable}"
            );
        }
    }
}
