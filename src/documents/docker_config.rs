//! Docker's `config.json`: the credentials that `docker login` saved for a registry.
//!
//! Only credentials in the file itself can be used: credential helpers that it names are programs
//! on the host, and we run in a container.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::Value;

use crate::secret::Secret;

/// The file's entry for a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// A user name and a password or token.
    Password {
        /// The user name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// The credentials are in this helper program on the host.
    Helper(String),
    /// An identity token, which this version does not support.
    IdentityToken,
    /// The file has no entry.
    None,
}

/// The names under which `docker login` saves Docker Hub.
const HUB: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/// The entry for the registry at a host.
///
/// # Errors
///
/// Why the text is not such a file.
pub fn find_login(text: &str, host: &str) -> Result<Login, String> {
    let config: Value =
        serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
    let entry = members(&config["auths"])
        .find(|(key, _)| is_key_of_host(key, host))
        .map(|(_, entry)| entry);
    if let Some(own) = entry.and_then(login_in_entry) {
        return Ok(own);
    }
    let helper = members(&config["credHelpers"])
        .find(|(key, _)| is_key_of_host(key, host))
        .and_then(|(_, helper)| helper.as_str());
    // `docker login` with a credential store leaves an empty entry: only then does the store have
    // credentials for the registry.
    let store = config["credsStore"].as_str().filter(|_| entry.is_some());
    Ok(helper.or(store).map_or(Login::None, |program| {
        Login::Helper(format!("docker-credential-{program}"))
    }))
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// Keys are hosts, or the addresses that old versions wrote: `https://index.docker.io/v1/`.
fn is_key_of_host(key: &str, host: &str) -> bool {
    let key = key
        .split_once("://")
        .map_or(key, |(_, rest)| rest)
        .trim_end_matches('/');
    let key = key
        .strip_suffix("/v1")
        .or_else(|| key.strip_suffix("/v2"))
        .unwrap_or(key);
    key.eq_ignore_ascii_case(host) || (HUB.contains(&key) && HUB.contains(&host))
}

fn login_in_entry(entry: &Value) -> Option<Login> {
    let text = |name: &str| entry[name].as_str().filter(|text| !text.is_empty());
    if text("identitytoken").is_some() {
        return Some(Login::IdentityToken);
    }
    let (user, password) = match (text("username"), text("password")) {
        (Some(user), Some(password)) => (user.to_owned(), password.to_owned()),
        _ => decode_auth(text("auth")?)?,
    };
    Some(Login::Password {
        user,
        password: Secret::new(password),
    })
}

fn decode_auth(auth: &str) -> Option<(String, String)> {
    let bytes = STANDARD
        .decode(auth.trim())
        .or_else(|_| STANDARD_NO_PAD.decode(auth.trim()))
        .ok()?;
    let text = String::from_utf8(bytes).ok()?;
    // Docker pads with zeros.
    text.split_once(':')
        .map(|(user, password)| (user.to_owned(), password.trim_end_matches('\0').to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn find_in(config: &Value, host: &str) -> Login {
        find_login(&config.to_string(), host).unwrap()
    }

    fn octocat() -> Login {
        Login::Password {
            user: "octocat".into(),
            password: Secret::new("ghp:x"),
        }
    }

    #[test]
    fn an_entry_is_found_by_every_way_to_write_its_key() {
        let auth = STANDARD.encode("octocat:ghp:x");
        for key in [
            "ghcr.io",
            "https://ghcr.io",
            "https://ghcr.io/v2/",
            "GHCR.io",
        ] {
            assert_eq!(
                find_in(&json!({ "auths": { key: { "auth": auth } } }), "ghcr.io"),
                octocat(),
                "{key}"
            );
        }
        for (key, host) in [
            ("https://index.docker.io/v1/", "registry-1.docker.io"),
            ("docker.io", "registry-1.docker.io"),
        ] {
            assert_eq!(
                find_in(&json!({ "auths": { key: { "auth": auth } } }), host),
                octocat(),
                "{key}"
            );
        }
        for key in [
            "ghcr.io.example.org",
            "ghcr.io/org",
            "https://evil/ghcr.io",
            "localhost",
        ] {
            assert_eq!(
                find_in(&json!({ "auths": { key: { "auth": auth } } }), "ghcr.io"),
                Login::None,
                "{key}"
            );
        }
    }

    #[test]
    fn credentials_are_written_in_two_ways() {
        let plain =
            json!({ "auths": { "ghcr.io": { "username": "octocat", "password": "ghp:x" } } });
        assert_eq!(find_in(&plain, "ghcr.io"), octocat());
        let padded =
            json!({ "auths": { "ghcr.io": { "auth": STANDARD.encode("octocat:ghp:x\0\0") } } });
        assert_eq!(find_in(&padded, "ghcr.io"), octocat());
        for broken in ["", "!!", &STANDARD.encode("nocolon")] {
            assert_eq!(
                find_in(
                    &json!({ "auths": { "ghcr.io": { "auth": broken } } }),
                    "ghcr.io"
                ),
                Login::None,
                "{broken}"
            );
        }
        assert_eq!(
            find_in(
                &json!({ "auths": { "ghcr.io": { "identitytoken": "x" } } }),
                "ghcr.io"
            ),
            Login::IdentityToken
        );
    }

    #[test]
    fn a_program_of_the_host_is_named() {
        let stored = json!({ "auths": { "ghcr.io": {} }, "credsStore": "desktop" });
        assert_eq!(
            find_in(&stored, "ghcr.io"),
            Login::Helper("docker-credential-desktop".into())
        );
        assert_eq!(find_in(&stored, "quay.io"), Login::None);
        let helped = json!({ "credHelpers": { "eu.gcr.io": "gcloud" } });
        assert_eq!(
            find_in(&helped, "eu.gcr.io"),
            Login::Helper("docker-credential-gcloud".into())
        );
    }

    #[test]
    fn what_is_no_file_of_docker_s_is_said() {
        assert!(
            find_login("{", "ghcr.io")
                .unwrap_err()
                .starts_with("it is not JSON")
        );
        for odd in ["[]", "{}", r#"{"auths":[]}"#, r#"{"auths":{"ghcr.io":3}}"#] {
            assert_eq!(find_login(odd, "ghcr.io"), Ok(Login::None), "{odd}");
        }
    }
}
