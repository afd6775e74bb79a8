//! Where people who log in are sent, and back to. Pure. The faulty versions are wrong here, each in
//! a way that has happened to somebody.

use std::fmt::Write;

use crate::settings::{Fault, Settings};

const PROVIDER: &str = "https://accounts.google.com/o/oauth2/v2/auth";
const CLIENT: &str = "sample-app.apps.googleusercontent.com";

/// The provider's address. `forwarded_port` is what the load balancer says about the listener the
/// request came through.
pub(crate) fn location(settings: &Settings, forwarded_port: Option<u16>, state: &str) -> String {
    let callback = escaped(&format!(
        "{}/auth/google/callback",
        origin(settings, forwarded_port)
    ));
    format!(
        "{PROVIDER}?client_id={CLIENT}&redirect_uri={callback}&response_type=code&scope=openid%20email&state={state}"
    )
}

fn origin(settings: &Settings, forwarded_port: Option<u16>) -> String {
    match settings.fault {
        // The developer's own address, left in.
        Fault::Wrong => "http://localhost:8080".to_owned(),
        // It takes the load balancer's word for the public port, in production only. The provider
        // compares callbacks letter by letter: even a harmless `:443` is not the address that was
        // registered.
        Fault::Production if forwarded_port == Some(settings.production_port) => {
            format!("{}:{}", settings.public_url, settings.production_port)
        }
        Fault::None
        | Fault::Production
        | Fault::Crash
        | Fault::Errors
        | Fault::Slow
        | Fault::Noisy => settings.public_url.clone(),
    }
}

/// Escaped for a query: everything but RFC 3986's unreserved characters.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "redirect_uri=https%3A%2F%2Fapp.example.com%2Fauth%2Fgoogle%2Fcallback&";

    #[test]
    fn each_version_sends_people_back_to_its_callback() {
        let production =
            "redirect_uri=https%3A%2F%2Fapp.example.com%3A443%2Fauth%2Fgoogle%2Fcallback&";
        let wrong = "redirect_uri=http%3A%2F%2Flocalhost%3A8080%2Fauth%2Fgoogle%2Fcallback&";
        let table = [
            (Fault::None, Some(443), GOOD),
            (Fault::None, None, GOOD),
            (Fault::Wrong, Some(8443), wrong),
            (Fault::Production, Some(8443), GOOD),
            (Fault::Production, None, GOOD),
            (Fault::Production, Some(443), production),
        ];
        for (fault, port, expected) in table {
            let location = location(&Settings::with(fault), port, "s");
            assert!(
                location.starts_with("https://accounts.google.com/o/oauth2/v2/auth?client_id="),
                "{location}"
            );
            assert!(
                location.contains(expected),
                "{fault:?} behind {port:?}: {location}"
            );
        }
    }
}
