//! The body of an answer, as AWS sent it.
//!
//! Task definitions and network configurations are sent back to AWS as they were received; the
//! SDK's types would drop every field that is newer than they are.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::Value;

use super::AwsError;

/// Keeps the last answer of the operation it is attached to.
#[derive(Debug, Clone, Default)]
pub(super) struct ResponseRecorder(Arc<Mutex<Option<Vec<u8>>>>);

impl ResponseRecorder {
    pub(super) fn json(&self, action: &'static str) -> Result<Value, AwsError> {
        let bytes = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .unwrap_or_default();
        serde_json::from_slice(&bytes).map_err(|error| {
            AwsError::incomplete_answer(action, &format!("readable JSON: {error}"))
        })
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for ResponseRecorder {
    fn name(&self) -> &'static str {
        "answer"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let bytes = context.response().body().bytes().map(<[u8]>::to_vec);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
        Ok(())
    }
}

/// Replaces the body that the SDK built with the user's JSON, before the request is signed.
pub(super) fn replace_body(
    body: &Value,
) -> impl Fn(&mut HttpRequest) + Send + Sync + 'static + use<> {
    let text = body.to_string();
    move |request| {
        request
            .headers_mut()
            .insert("content-length", text.len().to_string());
        *request.body_mut() = SdkBody::from(text.as_str());
    }
}
