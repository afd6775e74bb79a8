//! Systems Manager: whether parameters exist, whose values are never kept, and whether a Change
//! Calendar is open.

use serde_json::{Value, json};

use super::signed::{SignedCall, SignedProtocol, SignedService, text};
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

const GET_CALENDAR_STATE: &str = "ssm:GetCalendarState";

/// What a calendar says of now.
#[derive(Debug, Clone, PartialEq)]
pub struct CalendarState {
    /// `OPEN` or `CLOSED`.
    pub state: String,
    /// When the state changes next: RFC 3339, as AWS writes it; none where no event is ahead.
    pub next_transition: Option<String>,
}

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
        let owned = |value: &Value| text(value).unwrap_or_default().to_owned();
        Ok(found
            .map(|parameter| ParameterMetadata {
                name: owned(&parameter["Name"]),
                arn: owned(&parameter["ARN"]),
                changed_at: parameter["LastModifiedDate"].as_f64(),
            })
            .collect())
    }

    /// The state of a Change Calendar now, by its name or ARN.
    ///
    /// # Errors
    ///
    /// There is no such calendar, or it could not be read.
    pub async fn get_calendar_state(&self, calendar: &str) -> Result<CalendarState, AwsError> {
        let call = SignedCall::new(SSM, GET_CALENDAR_STATE, self.partition.region());
        let input = json!({ "CalendarNames": [calendar] });
        let answer = self.read_signed(call, &input).await?;
        let state = text(&answer["State"])
            .ok_or_else(|| AwsError::incomplete_answer(GET_CALENDAR_STATE, "the state"))?;
        Ok(CalendarState {
            state: state.to_owned(),
            next_transition: text(&answer["NextTransitionTime"]).map(str::to_owned),
        })
    }
}
