//! PURE: the names of AWS's regions, and suggestions for wrong ones.
//!
//! AWS adds regions: a name of the right form that is not listed here may exist.

use crate::nearest::find_nearest;

/// All regions that AWS documents, in every partition.
const REGIONS: [&str; 46] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-gov-east-1",
    "us-gov-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eusc-de-east-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "us-isof-east-1",
    "us-isof-south-1",
    "eu-isoe-west-1",
];

/// Whether AWS documents a region of this name.
pub(crate) fn is_documented(region: &str) -> bool {
    REGIONS.contains(&region)
}

/// Whether a region could have this name: words and a number, such as `eu-central-1`.
pub(crate) fn is_possible(region: &str) -> bool {
    let parts: Vec<&str> = region.split('-').collect();
    let Some((number, words)) = parts.split_last() else {
        return false;
    };
    let is_word =
        |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    words.len() >= 2
        && words.iter().all(is_word)
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// The remedy for a name that is not a region.
pub(crate) fn remedy(region: &str) -> String {
    match find_nearest(region, REGIONS) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "use the name of a region, such as eu-central-1 or us-east-1".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_region_is_possible_and_slips_lead_to_one() {
        assert!(REGIONS.iter().all(|region| is_possible(region)));
        let table = [
            ("eu-centrall-1", true, "did you mean `eu-central-1`?"),
            ("eu-central-9", true, "did you mean `eu-central-1`?"),
            ("eu-central-1a", false, "did you mean `eu-central-1`?"),
            ("EU_CENTRAL_1", false, "did you mean `eu-central-1`?"),
            ("eu-central", false, "did you mean `eu-central-1`?"),
            (
                "Frankfurt",
                false,
                "use the name of a region, such as eu-central-1 or us-east-1",
            ),
            (
                "",
                false,
                "use the name of a region, such as eu-central-1 or us-east-1",
            ),
        ];
        for (region, possible, expected) in table {
            assert_eq!(
                (
                    is_documented(region),
                    is_possible(region),
                    remedy(region).as_str()
                ),
                (false, possible, expected),
                "{region}"
            );
        }
    }
}
