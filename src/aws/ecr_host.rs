//! PURE: the host names of ECR's registries: whose account, which region.
//!
//! A token is only ever shown to such a host, so a name that merely looks like one must not pass.

/// The host of an account's registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcrHost {
    /// The host as it is written.
    pub text: String,
    /// The account id.
    pub account: String,
    /// The region.
    pub region: String,
}

/// What follows `ACCOUNT.dkr.ecr.REGION.` or `ACCOUNT.dkr-ecr.REGION.`, in every partition that AWS
/// has (ECR user guide, "Private registries" and "Dual-stack endpoints";
/// amazon-ecr-credential-helper knows the same ones).
const SUFFIXES: [&str; 9] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "on.aws",
    "on.amazonwebservices.com.cn",
    "on.amazonwebservices.eu",
    "c2s.ic.gov",
    "sc2s.sgov.gov",
    "cloud.adc-e.uk",
];
const SERVICES: [&str; 4] = ["dkr.ecr.", "dkr.ecr-fips.", "dkr-ecr.", "dkr-ecr-fips."];

impl EcrHost {
    /// Reads the account and the region of a host; none for a host that is not ECR's.
    pub fn parse(host: &str) -> Option<Self> {
        let (account, rest) = host.split_once('.')?;
        let rest = SERVICES
            .iter()
            .find_map(|service| rest.strip_prefix(service))?;
        let (region, suffix) = rest.split_once('.')?;
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let is_region = !region.is_empty()
            && region
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (is_account && is_region && SUFFIXES.contains(&suffix)).then(|| Self {
            text: host.to_owned(),
            account: account.to_owned(),
            region: region.to_owned(),
        })
    }

    /// Whether both names are of the same registry: each has several, for FIPS and for IPv6.
    pub fn is_same_registry(&self, other: &Self) -> bool {
        self.account == other.account && self.region == other.region
    }
}

/// The partition in the ARNs of a region.
pub fn partition(region: &str) -> &'static str {
    let partitions = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("eusc-", "aws-eusc"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
    ];
    partitions
        .iter()
        .find(|(begin, _)| region.starts_with(begin))
        .map_or("aws", |(_, partition)| partition)
}

/// The domain of a region's endpoints.
pub fn domain(region: &str) -> &'static str {
    let domains = [
        ("cn-", "amazonaws.com.cn"),
        ("eusc-", "amazonaws.eu"),
        ("us-iso-", "c2s.ic.gov"),
        ("us-isob-", "sc2s.sgov.gov"),
        ("eu-isoe-", "cloud.adc-e.uk"),
        ("us-isof-", "csp.hci.ic.gov"),
    ];
    domains
        .iter()
        .find(|(begin, _)| region.starts_with(begin))
        .map_or("amazonaws.com", |(_, domain)| domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account_and_region(host: &str) -> Option<(String, String)> {
        EcrHost::parse(host).map(|host| (host.account, host.region))
    }

    #[test]
    fn every_name_of_a_registry_tells_account_and_region() {
        let table = [
            (
                "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
                "eu-central-1",
            ),
            (
                "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
                "us-gov-west-1",
            ),
            (
                "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
                "cn-north-1",
            ),
            ("123456789012.dkr-ecr.us-east-2.on.aws", "us-east-2"),
            ("123456789012.dkr-ecr-fips.us-east-2.on.aws", "us-east-2"),
            (
                "123456789012.dkr-ecr.cn-northwest-1.on.amazonwebservices.com.cn",
                "cn-northwest-1",
            ),
            (
                "123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu",
                "eusc-de-east-1",
            ),
        ];
        for (host, region) in table {
            assert_eq!(
                account_and_region(host),
                Some(("123456789012".to_owned(), region.to_owned())),
                "{host}"
            );
        }
    }

    #[test]
    fn no_other_host_is_shown_a_token() {
        for host in [
            "123456789012.dkr.ecr.eu-central-1.amazonaws.com.example.org",
            "123456789012.dkr.ecr.eu-central-1.evil.com",
            "123456789012.dkr.ecr.amazonaws.com",
            "evil.dkr.ecr.eu-central-1.amazonaws.com",
            "123456789012.dkr.ecr.eu/central.amazonaws.com",
            "123456789012.dkr.ecr.eu-central-1.amazonaws.com:444",
            "public.ecr.aws",
            "ghcr.io",
            "127.0.0.1:5000",
            "",
        ] {
            assert_eq!(account_and_region(host), None, "{host}");
        }
    }

    #[test]
    fn a_registry_has_several_names() {
        let host = |text: &str| EcrHost::parse(text).unwrap();
        let classic = host("123456789012.dkr.ecr.us-east-2.amazonaws.com");
        assert!(classic.is_same_registry(&host("123456789012.dkr-ecr.us-east-2.on.aws")));
        assert!(!classic.is_same_registry(&host("123456789012.dkr.ecr.us-east-1.amazonaws.com")));
        assert!(!classic.is_same_registry(&host("210987654321.dkr.ecr.us-east-2.amazonaws.com")));
    }

    #[test]
    fn regions_have_a_partition() {
        let table = [
            ("eu-central-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-isob-east-1", "aws-iso-b"),
        ];
        for (region, expected) in table {
            assert_eq!(partition(region), expected);
        }
    }
}
