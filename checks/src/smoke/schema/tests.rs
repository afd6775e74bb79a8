//! The schema and the reader know the same keys.

use super::*;
use crate::smoke::parse::keys;

#[test]
fn the_schema_and_the_reader_know_the_same_keys() {
    let schema = schema();
    let table = [
        ("/properties", keys::SUITE_KEYS),
        ("/$defs/SecretKey/properties", keys::SECRET_KEYS),
        ("/$defs/Defaults/properties", keys::DEFAULTS_KEYS),
        ("/$defs/Retry/properties", keys::RETRY_KEYS),
        ("/$defs/Tls/properties", keys::TLS_KEYS),
        ("/$defs/OwnTestHeader/properties", keys::TEST_HEADER_KEYS),
        ("/$defs/Test/properties", keys::TEST_KEYS),
        ("/$defs/Flow/properties", keys::FLOW_KEYS),
        ("/$defs/CapturePart/properties", keys::CAPTURE_KEYS),
        ("/$defs/WarmUp/properties", keys::WARM_UP_KEYS),
        ("/$defs/Load/properties", keys::LOAD_KEYS),
        ("/$defs/Auth/properties", keys::AUTH_KEYS),
        ("/$defs/Basic/properties", keys::BASIC_KEYS),
        ("/$defs/ApiKey/properties", keys::API_KEY_KEYS),
        ("/$defs/Cors/properties", keys::CORS_KEYS),
        (
            "/$defs/HttpsRedirectFrom/properties",
            keys::HTTPS_REDIRECT_KEYS,
        ),
        ("/$defs/Expect/properties", keys::EXPECT_KEYS),
        ("/$defs/VersionPlace/properties", keys::VERSION_KEYS),
        ("/$defs/JsonConditions/properties", keys::JSON_KEYS),
        ("/$defs/DurationBounds/properties", keys::BOUND_KEYS),
        ("/$defs/CountBounds/properties", keys::BOUND_KEYS),
        ("/$defs/TextConditions/properties", keys::TEXT_KEYS),
        (
            "/$defs/ChangedSecurityHeaders/properties",
            keys::SECURITY_KEYS,
        ),
        (
            "/$defs/TransportSecurity/properties",
            keys::TRANSPORT_SECURITY_KEYS,
        ),
        ("/$defs/ContentPolicy/properties", keys::POLICY_KEYS),
        ("/$defs/Redirect/properties", keys::REDIRECT_KEYS),
        ("/$defs/Cookie/properties", keys::COOKIE_KEYS),
        ("/$defs/Body/properties", keys::BODY_KEYS),
        ("/$defs/Certificate/properties", keys::CERTIFICATE_KEYS),
        ("/$defs/Tester/properties", keys::TESTER_KEYS),
    ];
    for (pointer, keys) in table {
        let known: Vec<&String> = schema
            .pointer(pointer)
            .unwrap()
            .as_object()
            .unwrap()
            .keys()
            .collect();
        assert_eq!(known, keys, "{pointer}");
    }
}
