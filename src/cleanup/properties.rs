//! What holds for any world: nothing that anything needs goes.

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::*;

const FAMILY: &str = "api";

fn image_name() -> impl Strategy<Value = ImageName> {
    prop_oneof![
        (0..12_u8).prop_map(|at| ImageName::Digest(digest(at))),
        (0..6_u8).prop_map(|at| ImageName::Tag(format!("tag-{at}"))),
    ]
}

fn digest(at: u8) -> String {
    format!("sha256:{at:064}")
}

fn revisions() -> impl Strategy<Value = Vec<FamilyRevision>> {
    let one = (
        any::<bool>(),
        prop::option::weighted(0.2, Just("somebody".to_owned())),
        prop::collection::vec(image_name(), 0..3),
    );
    prop::collection::vec(one, 0..14).prop_map(|all| {
        let numbered = all.into_iter().zip(1..);
        numbered
            .filter(|((is_active, _, _), _)| *is_active)
            .map(|((_, registered_by, images), number)| FamilyRevision {
                name: format!("{FAMILY}:{number}"),
                number,
                registered_by,
                images,
            })
            .collect()
    })
}

fn revision_uses() -> impl Strategy<Value = Vec<RevisionUse>> {
    let named = prop_oneof![
        8 => (1..16_u32).prop_map(|number| format!("{FAMILY}:{number}")),
        1 => Just(FAMILY.to_owned()),
        1 => Just("other:3".to_owned()),
    ];
    let one = named.prop_map(|revision| RevisionUse {
        revision,
        by: "something".to_owned(),
    });
    prop::collection::vec(one, 0..5)
}

fn images() -> impl Strategy<Value = Vec<StoredImage>> {
    let one = (
        any::<bool>(),
        prop::collection::vec(0..6_u8, 0..2),
        0..1_000_i64,
        prop::collection::vec(0..12_u8, 0..3),
        prop::option::weighted(0.15, 0..12_u8),
    );
    prop::collection::vec(one, 12).prop_map(|all| {
        let mut taken = BTreeSet::new();
        let numbered = all.into_iter().zip(0_u8..);
        numbered
            .filter(|((is_there, ..), _)| *is_there)
            .map(
                |((_, tags, pushed_seconds, parts, subject), at)| StoredImage {
                    digest: digest(at),
                    tags: tags
                        .into_iter()
                        .filter(|tag| taken.insert(*tag))
                        .map(|tag| format!("tag-{tag}"))
                        .collect(),
                    pushed_seconds,
                    bytes: 1,
                    // An index names what was pushed before it.
                    parts: parts
                        .into_iter()
                        .filter(|part| *part < at)
                        .map(digest)
                        .collect(),
                    subject: subject.filter(|subject| *subject != at).map(digest),
                },
            )
            .collect()
    })
}

fn worlds() -> impl Strategy<Value = (CleanupWorld, KeptCounts)> {
    let uses = image_name().prop_map(|image| ImageUse {
        image,
        by: "something".to_owned(),
    });
    let unread = prop::collection::vec(Just("the rules were not read".to_owned()), 0..2);
    (
        revisions(),
        revision_uses(),
        images(),
        prop::collection::vec(uses, 0..4),
        prop_oneof![4 => Just(Vec::new()), 1 => unread],
        (0..6_usize, 0..6_usize),
    )
        .prop_map(
            |(revisions, revision_uses, images, image_uses, unread, (first, second))| {
                let world = CleanupWorld {
                    revisions,
                    revision_uses,
                    images,
                    image_uses,
                    unread,
                };
                let kept = KeptCounts {
                    revisions: first,
                    images: second,
                };
                (world, kept)
            },
        )
}

/// What is left when everything that goes is gone.
fn after(world: &CleanupWorld, decision: &CleanupDecision) -> CleanupWorld {
    let stays = |fate: &Fate| !fate.goes();
    CleanupWorld {
        revisions: decision
            .revisions
            .iter()
            .filter(|(_, fate)| stays(fate))
            .map(|(revision, _)| revision.clone())
            .collect(),
        images: decision
            .images
            .iter()
            .filter(|(_, fate)| stays(fate))
            .map(|(image, _)| image.clone())
            .collect(),
        ..world.clone()
    }
}

/// Every revision that something names is there as before.
fn check_revisions(world: &CleanupWorld, left: &CleanupWorld, kept: KeptCounts) {
    for used in &world.revision_uses {
        let names = |revision: &FamilyRevision| revision.name == used.revision;
        let before = world.revisions.iter().any(names);
        assert_eq!(before, left.revisions.iter().any(names), "{used:?}");
    }
    let newest = |world: &CleanupWorld| {
        let mut numbers: Vec<u32> = world.revisions.iter().map(|one| one.number).collect();
        numbers.sort_unstable_by(|one, other| other.cmp(one));
        numbers.truncate(kept.revisions.max(1));
        numbers
    };
    assert_eq!(newest(world), newest(left));
    for revision in world
        .revisions
        .iter()
        .filter(|one| one.registered_by.is_some())
    {
        assert!(
            left.revisions.contains(revision),
            "{revision:?} is somebody else's"
        );
    }
}

/// Every image that is named, by whomever, is there as before, with all of its parts.
fn check_images(world: &CleanupWorld, left: &CleanupWorld) {
    let named = left.revisions.iter().flat_map(|revision| &revision.images);
    let used = world.image_uses.iter().map(|used| &used.image);
    for name in named.chain(used) {
        let is_there = |world: &CleanupWorld| world.images.iter().any(|image| image.is_named(name));
        assert_eq!(is_there(world), is_there(left), "{name:?}");
    }
    for index in &left.images {
        for part in &index.parts {
            let is_there =
                |world: &CleanupWorld| world.images.iter().any(|one| one.digest == *part);
            assert_eq!(
                is_there(world),
                is_there(left),
                "{part} of {}",
                index.digest
            );
        }
    }
    for index in &world.images {
        let has_part = |one: &StoredImage| index.parts.contains(&one.digest);
        if left.images.iter().any(has_part) {
            assert!(
                left.images.contains(index),
                "a part of {} stays",
                index.digest
            );
        }
    }
    for about in &world.images {
        let subject = about.subject.as_ref();
        if subject.is_some_and(|subject| left.images.iter().any(|one| one.digest == *subject)) {
            assert!(
                left.images.contains(about),
                "{} is about an image that stays",
                about.digest
            );
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: 10_000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn nothing_that_anything_needs_goes((world, kept) in worlds()) {
        let decision = decide(&world, kept);
        prop_assert_eq!(decision.revisions.len(), world.revisions.len());
        prop_assert_eq!(decision.images.len(), world.images.len());
        let left = after(&world, &decision);
        check_revisions(&world, &left, kept);
        check_images(&world, &left);
        if !world.unread.is_empty() {
            prop_assert_eq!(&left.revisions.len(), &world.revisions.len());
            prop_assert_eq!(&left.images.len(), &world.images.len());
        }
    }

    #[test]
    fn whoever_cleans_again_finds_nothing((world, kept) in worlds()) {
        let left = after(&world, &decide(&world, kept));
        let again = decide(&left, kept);
        prop_assert_eq!(again.revisions_to_go().count(), 0);
        prop_assert_eq!(again.images_to_go().count(), 0);
    }

    #[test]
    fn an_index_goes_before_what_it_names((world, kept) in worlds()) {
        let decision = decide(&world, kept);
        let order: Vec<&StoredImage> = decision.images_to_go().collect();
        let first_image = order.iter().position(|image| image.parts.is_empty());
        let last_index = order.iter().rposition(|image| !image.parts.is_empty());
        prop_assert!(first_image.is_none() || last_index < first_image);
    }
}

#[test]
fn what_nothing_needs_goes_and_each_of_the_others_says_why_it_stays() {
    let revision = |number: u32, image: &str| FamilyRevision {
        name: format!("{FAMILY}:{number}"),
        number,
        registered_by: (number == 2).then(|| "role ops".to_owned()),
        images: vec![ImageName::Digest(image.to_owned())],
    };
    let image = |digest: &str, at: i64| StoredImage {
        digest: digest.to_owned(),
        pushed_seconds: at,
        ..StoredImage::default()
    };
    let world = CleanupWorld {
        revisions: vec![
            revision(1, "a"),
            revision(2, "b"),
            revision(3, "c"),
            revision(4, "d"),
        ],
        revision_uses: vec![RevisionUse {
            revision: "api:3".to_owned(),
            by: "the schedule nightly".to_owned(),
        }],
        images: vec![image("a", 1), image("b", 2), image("c", 3), image("d", 4)],
        ..CleanupWorld::default()
    };
    let kept = KeptCounts {
        revisions: 1,
        images: 1,
    };
    let decision = decide(&world, kept);
    let fates: Vec<&Fate> = decision.revisions.iter().map(|(_, fate)| fate).collect();
    let stays = |why: &str| Fate::Stays(why.to_owned());
    assert_eq!(
        fates,
        [
            &Fate::Goes,
            &stays("it was registered by role ops"),
            &stays("the schedule nightly uses it"),
            &stays("it is the newest"),
        ]
    );
    let gone: Vec<&str> = decision
        .images_to_go()
        .map(|image| image.digest.as_str())
        .collect();
    assert_eq!(gone, ["a"]);
}

#[test]
fn only_revisions_of_whoever_deploys_may_go() {
    let by = |number: u32, who: &str| FamilyRevision {
        name: format!("{FAMILY}:{number}"),
        number,
        registered_by: Some(who.to_owned()),
        images: Vec::new(),
    };
    let all = ["role deploy", "role ops", UNKNOWN_PRINCIPAL, "role cleanup"];
    let world = CleanupWorld {
        revisions: (1..)
            .zip(all)
            .map(|(number, who)| by(number, who))
            .collect(),
        ..CleanupWorld::default()
    };
    let others = |serving: &str, caller: Option<&str>| {
        let mut claimed = world.clone();
        claimed.claim_revisions(serving, caller);
        let left = claimed.revisions.into_iter();
        left.filter_map(|revision| revision.registered_by)
            .collect::<Vec<String>>()
    };
    assert_eq!(
        others("api:1", Some("role cleanup")),
        ["role ops", UNKNOWN_PRINCIPAL]
    );
    assert_eq!(others("api:3", None), all, "nobody known is nobody");
}
