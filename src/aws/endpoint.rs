//! PURE: the URLs of services that are called without a generated crate.
//!
//! They follow the endpoint rules of the services' models (`endpoint-rule-set-1.json` in botocore).

use super::ecr_host::{domain, partition};

/// Which of a service's endpoints is called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct EndpointVariant {
    /// The one with cryptography that FIPS 140 validates.
    pub(super) is_fips: bool,
    /// The one that has an IPv6 address too.
    pub(super) is_dual_stack: bool,
}

/// The URL of a service's endpoint in a region; `host` is what its host begins with.
pub(super) fn service_url(host: &str, region: &str, variant: EndpointVariant) -> String {
    let fips = if variant.is_fips && !is_always_fips(host, region, variant) {
        "-fips"
    } else {
        ""
    };
    let domain = if variant.is_dual_stack && !has_one_domain(host, region, variant) {
        dual_stack_domain(region)
    } else {
        domain(region)
    };
    format!("https://{host}{fips}.{region}.{domain}")
}

/// In GovCloud the plain endpoints of these services are the validated ones.
fn is_always_fips(host: &str, region: &str, variant: EndpointVariant) -> bool {
    let hosts = ["elasticloadbalancing", "logs", "application-autoscaling"];
    partition(region) == "aws-us-gov"
        && (host == "monitoring" || hosts.contains(&host) && !variant.is_dual_stack)
}

/// The plain endpoints of Secrets Manager have an IPv6 address.
fn has_one_domain(host: &str, region: &str, variant: EndpointVariant) -> bool {
    let partition = partition(region);
    host == "secretsmanager"
        && (["aws", "aws-us-gov"].contains(&partition) || partition == "aws-cn" && !variant.is_fips)
}

/// The domain of endpoints that have an IPv6 address too.
pub(super) fn dual_stack_domain(region: &str) -> &'static str {
    let domains = [
        ("cn-", "api.amazonwebservices.com.cn"),
        ("eusc-", "api.amazonwebservices.eu"),
        ("us-iso-", "api.aws.ic.gov"),
        ("us-isob-", "api.aws.scloud"),
        ("eu-isoe-", "api.cloud-aws.adc-e.uk"),
        ("us-isof-", "api.aws.hci.ic.gov"),
    ];
    domains
        .iter()
        .find(|(begin, _)| region.starts_with(begin))
        .map_or("api.aws", |(_, domain)| domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variant_of_an_endpoint_is_the_one_of_the_service_s_rules() {
        let [plain, fips, dual, both] =
            [(false, false), (true, false), (false, true), (true, true)].map(
                |(is_fips, is_dual_stack)| EndpointVariant {
                    is_fips,
                    is_dual_stack,
                },
            );
        let table = [
            (
                "logs",
                "eu-central-1",
                plain,
                "logs.eu-central-1.amazonaws.com",
            ),
            (
                "logs",
                "us-east-1",
                fips,
                "logs-fips.us-east-1.amazonaws.com",
            ),
            ("logs", "us-east-1", dual, "logs.us-east-1.api.aws"),
            ("logs", "us-east-1", both, "logs-fips.us-east-1.api.aws"),
            (
                "logs",
                "us-gov-west-1",
                fips,
                "logs.us-gov-west-1.amazonaws.com",
            ),
            (
                "logs",
                "us-gov-west-1",
                both,
                "logs-fips.us-gov-west-1.api.aws",
            ),
            (
                "monitoring",
                "us-gov-east-1",
                both,
                "monitoring.us-gov-east-1.api.aws",
            ),
            (
                "monitoring",
                "cn-north-1",
                plain,
                "monitoring.cn-north-1.amazonaws.com.cn",
            ),
            (
                "monitoring",
                "cn-north-1",
                dual,
                "monitoring.cn-north-1.api.amazonwebservices.com.cn",
            ),
            (
                "monitoring",
                "eusc-de-east-1",
                plain,
                "monitoring.eusc-de-east-1.amazonaws.eu",
            ),
            (
                "secretsmanager",
                "us-east-1",
                dual,
                "secretsmanager.us-east-1.amazonaws.com",
            ),
            (
                "secretsmanager",
                "us-gov-west-1",
                both,
                "secretsmanager-fips.us-gov-west-1.amazonaws.com",
            ),
            (
                "secretsmanager",
                "cn-north-1",
                dual,
                "secretsmanager.cn-north-1.amazonaws.com.cn",
            ),
            (
                "secretsmanager",
                "cn-north-1",
                both,
                "secretsmanager-fips.cn-north-1.api.amazonwebservices.com.cn",
            ),
        ];
        for (host, region, variant, expected) in table {
            assert_eq!(
                service_url(host, region, variant),
                format!("https://{expected}")
            );
        }
    }
}
