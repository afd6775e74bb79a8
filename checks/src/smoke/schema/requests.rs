//! The parts of the schema about how a request is made and whom it comes from.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::{OneOrMore, Text};

/// Secrets of AWS Secrets Manager, by the name that `${secret.NAME}` has.
#[derive(JsonSchema)]
pub(super) struct Secrets(
    #[schemars(extend("propertyNames" = { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" }))]
    BTreeMap<String, Secret>,
);

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Secret {
    /// The name or ARN of the secret.
    Id(String),
    Key(SecretKey),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct SecretKey {
    /// The name or ARN of the secret.
    secret: String,
    /// The key to take of a secret that is a JSON object.
    key: Option<String>,
}

/// HTTP's version; by default what the server offers.
#[derive(JsonSchema)]
pub(super) struct Http(#[schemars(schema_with = "versions")] String);

fn versions(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "enum": [1.1, 2, "1.1", "2"] })
}

/// Whom the connection is made with; certificates are always verified.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Tls {
    /// The name that is asked for and verified, while the connection goes to the host of the side's
    /// URL.
    server_name: Option<String>,
    /// The certificate of an authority that is trusted besides the public ones: PEM, or the path of
    /// a file with it.
    ca: Option<String>,
}

/// The header that leads a request to green; `true` for that of Service Connect.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum TestHeader {
    Usual(bool),
    Own(OwnTestHeader),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct OwnTestHeader {
    /// `x-amzn-ecs-blue-green-test` when absent.
    name: Option<String>,
    /// `1` when absent.
    value: Option<Text>,
}

/// Who we are to the tested service; never sent to another origin.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case", extend("minProperties" = 1, "maxProperties" = 1))]
pub(super) struct Auth {
    /// The token of `Authorization: Bearer`.
    bearer: Option<Text>,
    /// User and password of `Authorization: Basic`.
    basic: Option<Basic>,
    /// A key in a header.
    api_key: Option<ApiKey>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Basic {
    user: Text,
    password: Text,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct ApiKey {
    header: String,
    value: Text,
}

/// The preflight that a browser sends before this request.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Cors {
    /// The origin of the page, such as `https://app.example.com`.
    origin: String,
    /// The method that is asked for; the test's own when absent.
    #[schemars(regex(pattern = "^[A-Z]+$"))]
    method: Option<String>,
    /// The headers that are asked for.
    headers: Option<OneOrMore<String>>,
    /// Whether the page sends cookies.
    credentials: Option<bool>,
}

/// `true`: http at port 80 must lead to the same path over https.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum HttpsRedirect {
    Usual(bool),
    Port(HttpsRedirectFrom),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct HttpsRedirectFrom {
    /// The port at which http is spoken.
    #[schemars(range(min = 1))]
    port: Option<u16>,
}
