//! Service Quotas: how much of a service an account may use.

use serde_json::json;

use super::signed::{SignedCall, SignedProtocol, SignedService};
use super::{Aws, AwsError};

const QUOTAS: SignedService = SignedService {
    signing_name: "servicequotas",
    host: "servicequotas",
    id: "Service Quotas",
    protocol: SignedProtocol::Json("ServiceQuotasV20190624"),
};
/// The action by which a quota is read.
pub const GET_QUOTA: &str = "servicequotas:GetServiceQuota";
/// The quota "Fargate On-Demand vCPU resource count".
const FARGATE_VCPUS: &str = "L-3032A538";

impl Aws {
    /// How many vCPUs all On-Demand tasks on Fargate may have together, in the account and region.
    ///
    /// # Errors
    ///
    /// It could not be read.
    pub async fn fargate_vcpu_quota(&self) -> Result<f64, AwsError> {
        let call = SignedCall {
            service: QUOTAS,
            action: GET_QUOTA,
            region: self.partition.region(),
            host: None,
            path: "/",
            operation: "GetServiceQuota",
        };
        let input = json!({ "ServiceCode": "fargate", "QuotaCode": FARGATE_VCPUS });
        let answer = self.read_signed(call, &input).await?;
        answer["Quota"]["Value"]
            .as_f64()
            .ok_or_else(|| AwsError::incomplete_answer(GET_QUOTA, "the quota's value"))
    }
}
