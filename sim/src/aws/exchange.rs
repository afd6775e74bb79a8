//! One request and its answer: recognised, decoded, refused or met by a fault, answered, encoded,
//! and written into the ledger.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use serde_json::Value;
use thiserror::Error;

use super::wire::{self, Call};
use super::{Answer, Refusal, access, dispatch, model};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::faults::FaultKind;
use crate::ledger::Exchange;
use crate::limits::Passage;

/// The connection ends without an answer.
#[derive(Debug, Error)]
#[error("The connection is dropped")]
pub(crate) struct Severed;

/// What becomes of the answer.
enum Delivery {
    Send(Answer),
    Drop,
    Hang,
}

/// Answers one HTTP request to AWS.
pub(crate) async fn exchange(
    cloud: &Arc<Cloud>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Severed> {
    let at_ms = now_ms();
    let (parts, body) = request.into_parts();
    let raw = body.collect().await.map_err(|_| Severed)?.to_bytes();
    let Some(call) = Call::recognise(&parts, &raw) else {
        return Ok(wire::not_aws());
    };
    let delivery = deliver(cloud, &call).await;
    let (response, raw_answer) = match &delivery {
        Delivery::Send(answer) => call.respond(answer),
        Delivery::Drop | Delivery::Hang => (None, Vec::new()),
    };
    let (answer, code) = match &delivery {
        Delivery::Send(Ok(answer)) => (answer.clone(), None),
        Delivery::Send(Err(refusal)) => (
            Value::String(refusal.message.clone()),
            Some(refusal.code.as_str()),
        ),
        Delivery::Drop | Delivery::Hang => (Value::Null, None),
    };
    cloud.ledger.enter(&Exchange {
        service: call.api.name(),
        protocol: call.protocol.name(),
        operation: &call.operation,
        request: &call.input,
        raw_request: &raw,
        user_agent: call.user_agent.as_deref(),
        answer: &answer,
        raw_answer: &raw_answer,
        status: response
            .as_ref()
            .map_or(0, |response| response.status().as_u16()),
        code,
        at_ms,
    });
    match (delivery, response) {
        (Delivery::Send(_), Some(response)) => Ok(response),
        (Delivery::Hang, _) => std::future::pending().await,
        (Delivery::Send(_), None) | (Delivery::Drop, _) => Err(Severed),
    }
}

async fn deliver(cloud: &Arc<Cloud>, call: &Call) -> Delivery {
    match cloud.faults.meet(call.api.name(), &call.operation) {
        None => Delivery::Send(answer(cloud, call).await),
        Some(fault) => meet(cloud, call, fault).await,
    }
}

async fn meet(cloud: &Arc<Cloud>, call: &Call, fault: FaultKind) -> Delivery {
    let refused = |refusal| Delivery::Send(Err(refusal));
    match fault {
        FaultKind::Throttled => refused(Refusal::throttled(call.api)),
        FaultKind::InternalError => refused(Refusal::internal(call.api)),
        FaultKind::ExpiredCredentials => refused(Refusal::expired(call.api)),
        FaultKind::Denied => refused(access::denied(cloud, call)),
        FaultKind::Refused { code, message } => refused(Refusal::new(&code, message)),
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
        FaultKind::StaleRead => match cloud.faults.recall(&call.question()) {
            Some(stale) => Delivery::Send(Ok(stale)),
            None => Delivery::Send(answer(cloud, call).await),
        },
    }
}

async fn answer(cloud: &Arc<Cloud>, call: &Call) -> Answer {
    if !call.signed && call.operation != "AssumeRoleWithWebIdentity" {
        return Err(Refusal::unsigned(call.api));
    }
    match cloud
        .buckets
        .pass(&format!("{}:{}", call.api.name(), call.operation), now_ms())
    {
        Passage::Free => {}
        Passage::Throttled => return Err(Refusal::throttled(call.api)),
    }
    access::check(cloud, call)?;
    model::check(call.api, &call.operation, &call.input)?;
    let Some(answer) = dispatch(cloud, call).await else {
        cloud.ledger.enter_unknown(call.api.name(), &call.operation);
        return Err(Refusal::unknown_operation());
    };
    if let Ok(answer) = &answer {
        cloud.faults.remember(call.question(), answer);
    }
    answer
}
