//! An AWS error, before it takes a protocol's shape.

use super::Api;

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceError {
    /// `ServiceNotFoundException`.
    pub(crate) code: String,
    pub(crate) message: String,
    /// The HTTP status.
    pub(crate) status: u16,
    /// Who wrote it: errors of AWS's gateway (authentication, throttling) have `Message` with a
    /// capital M.
    pub(crate) source: ErrorSource,
}

/// Who refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorSource {
    /// The service itself.
    Service,
    /// The gateway before the services, which checks identity, policies and limits.
    Gateway,
}

impl ServiceError {
    /// A service's own refusal, with status 400.
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            status: 400,
            source: ErrorSource::Service,
        }
    }

    /// `ClientException`, the commonest of ECS.
    pub(crate) fn client_exception(message: impl Into<String>) -> Self {
        Self::new("ClientException", message)
    }

    /// `InvalidParameterException`.
    pub(crate) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    fn gateway(code: &str, message: &str, status: u16) -> Self {
        Self {
            code: code.to_owned(),
            message: message.to_owned(),
            status,
            source: ErrorSource::Gateway,
        }
    }

    /// The caller may not.
    pub(crate) fn denied(api: Api, message: &str) -> Self {
        if api == Api::Scheduler {
            Self::gateway("AccessDeniedException", message, 403)
        } else if uses_json(api) {
            Self::gateway("AccessDeniedException", message, 400)
        } else {
            Self::gateway("AccessDenied", message, 403)
        }
    }

    /// The caller's session is over.
    pub(crate) fn expired(api: Api) -> Self {
        let message = "The security token included in the request is expired";
        if uses_json(api) {
            Self::gateway("ExpiredTokenException", message, 400)
        } else {
            Self::gateway("ExpiredToken", message, 403)
        }
    }

    /// The request carries no signature.
    pub(crate) fn unsigned(api: Api) -> Self {
        let message = "Missing Authentication Token";
        let code = if uses_json(api) {
            "MissingAuthenticationTokenException"
        } else {
            "MissingAuthenticationToken"
        };
        Self::gateway(code, message, if uses_json(api) { 400 } else { 403 })
    }

    /// Too many calls. Elastic Load Balancing's guide writes `ThrottlingException`; what it sends
    /// is `Throttling`.
    pub(crate) fn throttled(api: Api) -> Self {
        let code = if matches!(api, Api::Elb | Api::Sts | Api::Iam | Api::Rds) {
            "Throttling"
        } else {
            "ThrottlingException"
        };
        let status = if api == Api::Signals { 429 } else { 400 };
        Self::gateway(code, "Rate exceeded", status)
    }

    /// The service's own fault.
    pub(crate) fn internal(api: Api) -> Self {
        let code = match api {
            Api::Ecs | Api::Ecr => "ServerException",
            Api::Scaling => "InternalServiceException",
            Api::Events => "InternalException",
            Api::Scheduler => "InternalServerException",
            Api::Secrets => "InternalServiceError",
            Api::Iam => "ServiceFailure",
            Api::Ssm => "InternalServerError",
            Api::Quotas => "ServiceException",
            Api::Backup => "ServiceUnavailableException",
            Api::CodeDeploy
            | Api::Logs
            | Api::CloudWatch
            | Api::Elb
            | Api::Sts
            | Api::S3
            | Api::Rds
            | Api::Signals => "InternalFailure",
        };
        Self {
            status: 500,
            ..Self::new(code, "Service Unavailable. Please try again later.")
        }
    }

    /// There is no such operation.
    pub(crate) fn unknown_operation() -> Self {
        Self::gateway(
            "UnknownOperationException",
            "The requested operation is not supported by the stage.",
            400,
        )
    }
}

const fn uses_json(api: Api) -> bool {
    matches!(
        api,
        Api::Ecs
            | Api::CodeDeploy
            | Api::Ecr
            | Api::Logs
            | Api::Scaling
            | Api::Secrets
            | Api::Ssm
            | Api::Quotas
            | Api::Signals
            | Api::Backup
            | Api::Events
            | Api::Scheduler
    )
}
