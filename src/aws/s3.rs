//! S3: whether an object exists.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::signed::{SignedCall, SignedProtocol, SignedService};
use super::{Aws, AwsError};

const S3: SignedService = SignedService {
    signing_name: "s3",
    host: "s3",
    id: "S3",
    protocol: SignedProtocol::Head,
};
/// The action by which an object is looked for.
pub const GET_OBJECT: &str = "s3:GetObject";
/// Characters of keys that stay as they are in paths.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

impl Aws {
    /// Whether an object exists, by bucket and key. AWS says that it is denied where the caller may
    /// not list the bucket either.
    ///
    /// # Errors
    ///
    /// It could not be read.
    pub async fn has_object(&self, bucket: &str, key: &str) -> Result<bool, AwsError> {
        let path = format!("/{bucket}/{}", utf8_percent_encode(key, PATH));
        let call = SignedCall {
            service: S3,
            action: GET_OBJECT,
            region: self.partition.region(),
            host: None,
            path: &path,
            operation: "",
        };
        match self.read_signed(call, &Value::Null).await {
            Ok(_) => Ok(true),
            Err(error) if error.has_code("NotFound") => Ok(false),
            Err(error) => Err(error),
        }
    }
}
