//! PURE: the digest of a reviewed plan: a short hash for each of its parts, so that a part that
//! differs later can be named without the plan itself.

use crate::event::PLAN_VERSION;
use crate::registry::Digest;

/// How many hexadecimal digits of each part's SHA-256 are kept.
const HEX: usize = 32;

/// The parts, in their order.
pub const PARTS: [&str; 5] = [
    "the image",
    "the task definition",
    "what the service is told",
    "the rollout",
    "the checks",
];

/// The digest of these parts.
pub fn of(parts: &[String; PARTS.len()]) -> String {
    let hash = |part: &String| Digest::compute(part.as_bytes()).hex()[..HEX].to_owned();
    std::iter::once(version_word())
        .chain(parts.iter().map(hash))
        .collect::<Vec<_>>()
        .join("-")
}

/// The parts in which the plan differs from the reviewed one, by comparing their digests.
pub fn differing(reviewed: &str, now: &str) -> Vec<&'static str> {
    PARTS
        .iter()
        .zip(reviewed.split('-').skip(1))
        .zip(now.split('-').skip(1))
        .filter(|((_, reviewed), now)| reviewed != now)
        .map(|((part, _), _)| *part)
        .collect()
}

/// Whether a text has the form of this version's plan digests.
pub fn is_digest(text: &str) -> bool {
    let is_hash =
        |part: &str| part.len() == HEX && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut parts = text.split('-');
    let is_current = parts.next() == Some(version_word().as_str());
    let parts: Vec<&str> = parts.collect();
    is_current && parts.len() == PARTS.len() && parts.into_iter().all(is_hash)
}

fn version_word() -> String {
    format!("p{PLAN_VERSION}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reviewed() -> String {
        let parts = ["a", "b", "c", "d", "e"].map(|letter| letter.repeat(HEX));
        format!("p1-{}", parts.join("-"))
    }

    #[test]
    fn a_digest_names_the_parts_that_differ() {
        let reviewed = reviewed();
        assert_eq!(differing(&reviewed, &reviewed), Vec::<&str>::new());
        let now = reviewed.replacen('b', "0", 1).replacen('e', "0", 1);
        assert_eq!(
            differing(&reviewed, &now),
            ["the task definition", "the checks"]
        );
    }

    #[test]
    fn every_part_has_a_hash_of_its_own() {
        let parts = [1, 2, 3, 4, 5].map(|part| part.to_string());
        let digest = of(&parts);
        assert!(is_digest(&digest), "{digest}");
        for (index, name) in PARTS.iter().enumerate() {
            let mut changed = parts.clone();
            changed[index].push('x');
            assert_eq!(differing(&digest, &of(&changed)), [*name]);
        }
    }

    #[test]
    fn what_is_no_digest_is_told_from_one() {
        let reviewed = reviewed();
        assert!(is_digest(&reviewed));
        let others = [
            String::new(),
            "p1".to_owned(),
            reviewed.replace("p1", "p2"),
            reviewed.replace('e', "x"),
            reviewed[..reviewed.len() - 1].to_owned(),
            format!("{reviewed}-{}", "f".repeat(HEX)),
        ];
        for text in others {
            assert!(!is_digest(&text), "{text}");
        }
    }
}
