//! Systems Manager's Parameter Store: whether parameters exist. Their values are never kept.

use serde_json::{Value, json};

use super::signed::{SignedCall, SignedProtocol, SignedService};
use super::{Aws, AwsError};

const SSM: SignedService = SignedService {
    signing_name: "ssm",
    host: "ssm",
    id: "SSM",
    protocol: SignedProtocol::Json("AmazonSSM"),
};
/// The action by which parameters are looked for.
pub const GET_PARAMETERS: &str = "ssm:GetParameters";
/// How many names GetParameters takes.
pub const MAX_PARAMETERS: usize = 10;

/// A parameter that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterMetadata {
    /// Its name, or its ARN where it was asked for by that.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// When it was changed last, in seconds since 1970.
    pub changed_at: Option<f64>,
}

impl Aws {
    /// Those of at most [`MAX_PARAMETERS`] parameters that exist, by name or ARN. Nothing is
    /// decrypted, and values are dropped unread.
    ///
    /// # Errors
    ///
    /// They could not be read.
    pub async fn find_parameters(
        &self,
        region: &str,
        names: &[String],
    ) -> Result<Vec<ParameterMetadata>, AwsError> {
        let call = SignedCall {
            service: SSM,
            action: GET_PARAMETERS,
            region,
            host: None,
            path: "/",
            operation: "GetParameters",
        };
        let input = json!({ "Names": names, "WithDecryption": false });
        let answer = self.read_signed(call, &input).await?;
        let found = answer["Parameters"].as_array().into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(found
            .map(|parameter| ParameterMetadata {
                name: text(&parameter["Name"]),
                arn: text(&parameter["ARN"]),
                changed_at: parameter["LastModifiedDate"].as_f64(),
            })
            .collect())
    }
}
