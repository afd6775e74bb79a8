//! What the environment says: which version this is, what is wrong with it, and where it stands.

use std::time::Duration;

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
}

impl Settings {
    /// Reads each variable once; an empty one counts as not set.
    pub(crate) fn from_environment(read: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let read = |name: &str, default: &str| read(name).filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned());
        Ok(Self {
            port: number("PORT", &read("PORT", "8080"))?,
            version: read("APP_VERSION", "0.0.0"),
            fault: fault(&read("APP_FAULT", "none"))?,
            warm_up: Duration::from_millis(number("APP_WARM_UP_MS", &read("APP_WARM_UP_MS", "300"))?),
            public_url: read("APP_PUBLIC_URL", "https://app.example.com").trim_end_matches('/').to_owned(),
            token: read("SMOKE_TOKEN", "sample-token"),
            production_port: number("APP_PRODUCTION_PORT", &read("APP_PRODUCTION_PORT", "443"))?,
        })
    }
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{name}: {value:?} is not a number it can be"))
}

fn fault(value: &str) -> Result<Fault, String> {
    match value {
        "none" => Ok(Fault::None),
        "wrong" => Ok(Fault::Wrong),
        "production" => Ok(Fault::Production),
        "crash" => Ok(Fault::Crash),
        other => Err(format!("APP_FAULT: {other:?} is none of none, wrong, production, crash")),
    }
}

#[cfg(test)]
impl Settings {
    /// As in production, with one fault.
    pub(crate) fn with(fault: Fault) -> Self {
        let settings = Self::from_environment(|name| (name == "APP_VERSION").then(|| "1.1.0".to_owned())).expect("defaults are valid");
        Self { fault, ..settings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_set_is_a_good_version_on_8080() {
        let settings = Settings::from_environment(|_| None).expect("valid");
        assert_eq!((settings.port, settings.fault, settings.production_port), (8080, Fault::None, 443));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let set = |variable: &'static str| move |name: &str| (name == variable).then(|| "x".to_owned());
        for variable in ["PORT", "APP_FAULT", "APP_WARM_UP_MS", "APP_PRODUCTION_PORT"] {
            assert!(Settings::from_environment(set(variable)).is_err_and(|problem| problem.starts_with(variable)), "{variable}");
        }
    }
}
