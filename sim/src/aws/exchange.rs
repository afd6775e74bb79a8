//! Handles one AWS request: decodes it, applies a planned fault or checks permissions and limits,
//! answers, encodes the answer, and writes both into the ledger.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use serde_json::Value;
use thiserror::Error;

use super::wire::{self, Call};
use super::{Answer, ServiceError, access, dispatch, model};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::faults::FaultKind;
use crate::ledger::Exchange;
use crate::limits::Admission;

/// The connection ends without an answer.
#[derive(Debug, Error)]
#[error("The connection is dropped")]
pub(crate) struct ConnectionDropped;

/// What becomes of the answer.
enum Delivery {
    Send(Answer),
    Garbage,
    Drop,
    Hang,
}

/// Answers one HTTP request to AWS.
pub(crate) async fn answer_request(
    cloud: &Arc<Cloud>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, ConnectionDropped> {
    let at_ms = now_ms();
    let (parts, body) = request.into_parts();
    let raw = body
        .collect()
        .await
        .map_err(|_| ConnectionDropped)?
        .to_bytes();
    let Some(call) = Call::parse(&parts, &raw) else {
        return Ok(wire::unknown_request());
    };
    let delivery = deliver(cloud, &call).await;
    let (response, raw_answer) = match &delivery {
        Delivery::Send(answer) => call.respond(answer),
        Delivery::Garbage => (wire::garbage(), Vec::new()),
        Delivery::Drop | Delivery::Hang => (None, Vec::new()),
    };
    let (answer, code) = match &delivery {
        Delivery::Send(Ok(answer)) => (answer.clone(), None),
        Delivery::Send(Err(refusal)) => (
            Value::String(refusal.message.clone()),
            Some(refusal.code.as_str()),
        ),
        Delivery::Garbage | Delivery::Drop | Delivery::Hang => (Value::Null, None),
    };
    cloud.ledger.record(&Exchange {
        service: call.api.name(),
        protocol: call.protocol.name(),
        operation: &call.operation,
        request: &call.input,
        raw_request: &raw,
        user_agent: call.user_agent.as_deref(),
        answer: &answer,
        raw_answer: &raw_answer,
        // What is no answer of AWS's is not judged as one.
        status: response
            .as_ref()
            .filter(|_| !matches!(delivery, Delivery::Garbage))
            .map_or(0, |response| response.status().as_u16()),
        code,
        at_ms,
    });
    match (delivery, response) {
        (Delivery::Send(_) | Delivery::Garbage, Some(response)) => Ok(response),
        (Delivery::Hang, _) => std::future::pending().await,
        (Delivery::Send(_) | Delivery::Garbage, None) | (Delivery::Drop, _) => {
            Err(ConnectionDropped)
        }
    }
}

async fn deliver(cloud: &Arc<Cloud>, call: &Call) -> Delivery {
    match cloud.faults.next_fault(call.api.name(), &call.operation) {
        None => Delivery::Send(answer(cloud, call).await),
        Some(fault) => apply_fault(cloud, call, fault).await,
    }
}

async fn apply_fault(cloud: &Arc<Cloud>, call: &Call, fault: FaultKind) -> Delivery {
    let error = |refusal| Delivery::Send(Err(refusal));
    match fault {
        FaultKind::Throttled => error(ServiceError::throttled(call.api)),
        FaultKind::InternalError => error(ServiceError::internal(call.api)),
        FaultKind::ExpiredCredentials => error(ServiceError::expired(call.api)),
        FaultKind::Denied => error(access::access_denied(cloud, call)),
        FaultKind::Refused { code, message } => error(ServiceError::new(&code, message)),
        FaultKind::Garbage => Delivery::Garbage,
        FaultKind::Drops => Delivery::Drop,
        FaultKind::Hangs => Delivery::Hang,
        FaultKind::LandsThenDrops => {
            let _ = answer(cloud, call).await;
            Delivery::Drop
        }
        FaultKind::LandsThenHangs => {
            let _ = answer(cloud, call).await;
            Delivery::Hang
        }
        FaultKind::Slow(milliseconds) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            Delivery::Send(answer(cloud, call).await)
        }
        FaultKind::StaleRead => match cloud.faults.recall(&call.read_key()) {
            Some(stale) => Delivery::Send(Ok(stale)),
            None => Delivery::Send(answer(cloud, call).await),
        },
    }
}

async fn answer(cloud: &Arc<Cloud>, call: &Call) -> Answer {
    if call.access_key.is_none() && call.operation != "AssumeRoleWithWebIdentity" {
        return Err(ServiceError::unsigned(call.api));
    }
    if cloud.sessions.has_ended(call.access_key.as_deref()) {
        return Err(ServiceError::expired(call.api));
    }
    match cloud
        .buckets
        .take_token(&format!("{}:{}", call.api.name(), call.operation), now_ms())
    {
        Admission::Allowed => {}
        Admission::Throttled => return Err(ServiceError::throttled(call.api)),
    }
    access::check(cloud, call)?;
    model::check(call.api, &call.operation, &call.input)?;
    let Some(answer) = dispatch(cloud, call).await else {
        cloud
            .ledger
            .record_unknown(call.api.name(), &call.operation);
        return Err(ServiceError::unknown_operation());
    };
    if let Ok(answer) = &answer {
        cloud.faults.remember(call.read_key(), answer);
    }
    answer
}
