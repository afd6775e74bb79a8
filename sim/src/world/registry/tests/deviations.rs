//! Each departure from the specification, by its switch.

use super::*;

fn rules(change: impl FnOnce(&mut RegistryRules)) -> RegistryRules {
    let mut rules = RegistryRules::default();
    change(&mut rules);
    rules
}

#[tokio::test]
async fn of_an_upload_in_pieces_the_first_is_kept_and_nobody_says_so() {
    let registry = Fixture::with_rules(RegistryRules {
        missing_repository: MissingRepository::Created,
        ..RegistryRules::ecr()
    })
    .await;
    let digest = Digest::compute(b"some bytes");
    let (_, session) = registry
        .ask(Method::POST, "/v2/a/blobs/uploads/", "", b"")
        .await;
    let first = registry
        .send("PATCH", &session, &[], b"some")
        .await
        .expect("answered");
    let second = registry
        .send("PATCH", &session, &[("content-range", "4-9")], b" bytes")
        .await
        .expect("answered");
    assert_eq!(
        (
            first.status,
            first.header("range"),
            second.status,
            second.header("range")
        ),
        (201, Some("0-3"), 201, Some("0-9"))
    );
    assert_eq!(
        registry
            .ask(
                Method::PUT,
                &format!("{session}?digest={digest}"),
                OCTETS,
                b""
            )
            .await
            .0,
        400
    );
    let (_, session) = registry
        .ask(Method::POST, "/v2/a/blobs/uploads/", "", b"")
        .await;
    assert_eq!(
        registry
            .send("PATCH", &session, &[], b"some bytes")
            .await
            .expect("answered")
            .status,
        201
    );
    assert_eq!(
        registry
            .ask(
                Method::PUT,
                &format!("{session}?digest={digest}"),
                OCTETS,
                b""
            )
            .await
            .0,
        201,
        "one piece is an upload"
    );
}

#[tokio::test]
async fn what_the_answer_to_a_manifest_names_is_a_switch() {
    for (answer, put_digest, put_location, read_digests) in [
        (ManifestAnswer::Digest, true, false, [true, true]),
        (ManifestAnswer::DigestAndLocation, true, true, [true, true]),
        (ManifestAnswer::Bare, false, false, [true, true]),
        (ManifestAnswer::LateDigest, false, false, [false, true]),
    ] {
        let registry = Fixture::with_rules(rules(|rules| rules.manifest_answer = answer)).await;
        registry.push("a", b"{}").await;
        let manifest =
            json!({ "mediaType": OCI_MANIFEST, "config": { "digest": Digest::compute(b"{}").to_string() }, "layers": [] }).to_string();
        let put = registry
            .send("PUT", "/v2/a/manifests/v1", &[], manifest.as_bytes())
            .await
            .expect("answered");
        assert_eq!(
            (
                put.header("docker-content-digest").is_some(),
                put.header("location").is_some()
            ),
            (put_digest, put_location),
            "{answer:?}"
        );
        for told in read_digests {
            let read = registry
                .send("HEAD", "/v2/a/manifests/v1", &[], b"")
                .await
                .expect("answered");
            assert_eq!(
                read.header("docker-content-digest").is_some(),
                told,
                "{answer:?}"
            );
        }
    }
}

#[tokio::test]
async fn by_tag_a_manifest_comes_as_accepted_and_by_digest_as_it_is() {
    let registry = Fixture::with_rules(rules(|rules| rules.by_tag = ByTag::Converted)).await;
    let child = registry.image("a", "", &[b"layer"]).await;
    let descriptor = json!({ "mediaType": OCI_MANIFEST, "digest": Digest::compute(child.as_bytes()).to_string(), "platform": { "os": "linux", "architecture": "amd64" } });
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor] })
        .to_string();
    registry
        .send("PUT", "/v2/a/manifests/v1", &[], index.as_bytes())
        .await
        .expect("answered");
    let get = async |reference: &str, accept: &str| {
        registry
            .send(
                "GET",
                &format!("/v2/a/manifests/{reference}"),
                &[("accept", accept)],
                b"",
            )
            .await
            .expect("answered")
    };
    assert_eq!(get("v1", EVERYTHING).await.body, index.as_bytes());
    assert_eq!(get("v1", OCI_MANIFEST).await.body, child.as_bytes());
    let docker = get("v1", "application/vnd.docker.distribution.manifest.v2+json").await;
    assert_eq!(
        docker.header("content-type"),
        Some("application/vnd.docker.distribution.manifest.v2+json")
    );
    assert_eq!(
        docker.header("docker-content-digest"),
        Some(Digest::compute(&docker.body).to_string().as_str())
    );
    assert_eq!(
        get(&Digest::compute(index.as_bytes()).to_string(), OCI_MANIFEST)
            .await
            .body,
        index.as_bytes()
    );
}

#[tokio::test]
async fn only_blobs_that_a_manifest_of_the_source_names_are_mounted() {
    for (mounts, referenced, loose) in [
        (Mounts::All, 201, 201),
        (Mounts::Referenced, 201, 202),
        (Mounts::Never, 202, 202),
    ] {
        let registry = Fixture::with_rules(rules(|rules| rules.mounts = mounts)).await;
        registry.image("a", "v1", &[b"layer"]).await;
        registry.push("a", b"loose").await;
        for (bytes, expected) in [(b"layer", referenced), (b"loose", loose)] {
            let path = format!(
                "/v2/b/blobs/uploads/?mount={}&from=a",
                Digest::compute(bytes)
            );
            let (status, location) = registry.ask(Method::POST, &path, "", b"").await;
            assert_eq!(status, expected, "{mounts:?}");
            assert!(
                !location.is_empty(),
                "an upload begins where nothing was mounted"
            );
        }
    }
}

#[tokio::test]
async fn an_immutable_tag_cannot_be_written_twice_unless_a_filter_excepts_it() {
    let registry = Fixture::with_rules(rules(|rules| {
        rules.tags = TagMutability::ImmutableExcept(vec!["dev-*".into()]);
    }))
    .await;
    let manifest = registry.image("a", "v1", &[b"one"]).await;
    let again = registry
        .send("PUT", "/v2/a/manifests/v1", &[], manifest.as_bytes())
        .await
        .expect("answered");
    assert_eq!(again.status, 400, "the same image, too");
    assert!(again.text().contains("TAG_INVALID"), "{}", again.text());
    assert!(
        again
            .text()
            .contains("The image tag 'v1' already exists in the 'a' repository and cannot be overwritten because the tag is immutable.")
    );
    for _ in 0..2 {
        assert_eq!(
            registry
                .send("PUT", "/v2/a/manifests/dev-1", &[], manifest.as_bytes())
                .await
                .expect("answered")
                .status,
            201
        );
    }
    registry
        .server
        .set_repository("a", Some(TagMutability::Mutable));
    assert_eq!(
        registry
            .send("PUT", "/v2/a/manifests/v1", &[], manifest.as_bytes())
            .await
            .expect("answered")
            .status,
        201
    );
}

#[tokio::test]
async fn downloads_come_from_another_host_which_wants_no_credentials() {
    let registry =
        Fixture::with_rules(rules(|rules| rules.downloads = Downloads::Redirected)).await;
    let path = format!("/v2/a/blobs/{}", registry.push("a", b"some bytes").await);
    let answer = registry
        .send("GET", &path, &[], b"")
        .await
        .expect("answered");
    let location = answer.header("location").expect("an address").to_owned();
    assert_eq!(answer.status, 307);
    assert!(
        location.contains(&registry.server.storage_address().to_string()),
        "{location}"
    );
    assert_eq!(
        registry
            .send("GET", &location, &[], b"")
            .await
            .expect("answered")
            .body,
        b"some bytes"
    );
    let part = registry
        .send("GET", &location, &[("range", "bytes=5-")], b"")
        .await
        .expect("answered");
    assert_eq!(
        (
            part.status,
            part.text().as_str(),
            part.header("content-range")
        ),
        (206, "bytes", Some("bytes 5-9/10"))
    );
    let refused = registry
        .send("GET", &location, &[("authorization", "Basic QVdT")], b"")
        .await
        .expect("answered");
    assert!(refused.status == 400 && refused.text().contains("Only one auth mechanism allowed"));
    let unsigned = location.split('?').next().expect("a path");
    assert_eq!(
        registry
            .send("GET", unsigned, &[], b"")
            .await
            .expect("answered")
            .status,
        403
    );
    let at_storage: Vec<_> = registry
        .server
        .requests()
        .into_iter()
        .filter(|request| request.host == RegistryHost::Storage)
        .collect();
    assert_eq!(
        at_storage
            .iter()
            .filter(|request| request.authorization.is_some())
            .count(),
        1
    );
    assert_eq!(at_storage[0].sent, 10);
}

#[tokio::test]
async fn a_missing_repository_is_told_at_once_or_felt_during_the_upload() {
    let registry = Fixture::with_rules(rules(|rules| {
        rules.missing_repository = MissingRepository::NameUnknown;
    }))
    .await;
    let refused = registry
        .send("POST", "/v2/a/blobs/uploads/", &[], b"")
        .await
        .expect("answered");
    assert_eq!(refused.status, 404);
    assert!(
        refused.text().contains("NAME_UNKNOWN") && refused.text().contains("'a' does not exist"),
        "{}",
        refused.text()
    );
    registry.server.set_repository("a", None);
    registry.image("a", "v1", &[b"layer"]).await;
    let registry = Fixture::with_rules(rules(|rules| {
        rules.missing_repository = MissingRepository::CutOff;
    }))
    .await;
    let (status, session) = registry
        .ask(Method::POST, "/v2/a/blobs/uploads/", "", b"")
        .await;
    assert_eq!(status, 202);
    let digest = Digest::compute(b"layer");
    registry
        .send("PUT", &format!("{session}?digest={digest}"), &[], b"layer")
        .await
        .expect_err("cut");
}

#[tokio::test]
async fn ten_manifests_a_second_are_taken_and_no_more() {
    let registry = Fixture::with_rules(rules(|rules| rules.manifests_per_second = Some(3))).await;
    let manifest = registry.image("a", "v1", &[b"layer"]).await;
    let mut statuses = Vec::new();
    for number in 0..4 {
        statuses.push(
            registry
                .send(
                    "PUT",
                    &format!("/v2/a/manifests/n{number}"),
                    &[],
                    manifest.as_bytes(),
                )
                .await
                .expect("answered")
                .status,
        );
    }
    assert_eq!(statuses, [201, 201, 429, 429]);
}

#[tokio::test]
async fn an_image_may_have_so_many_layers() {
    let registry = Fixture::with_rules(rules(|rules| rules.layers_at_most = Some(2))).await;
    registry.image("a", "v1", &[b"1", b"2"]).await;
    let layer = json!({ "digest": Digest::compute(b"1").to_string() });
    let manifest =
        json!({ "mediaType": OCI_MANIFEST, "layers": [layer, layer, layer] }).to_string();
    let refused = registry
        .send("PUT", "/v2/a/manifests/v2", &[], manifest.as_bytes())
        .await
        .expect("answered");
    assert!(
        refused.status == 405
            && refused
                .text()
                .contains("Limit on number of layers per image exceeded"),
        "{}",
        refused.text()
    );
}

#[tokio::test]
async fn a_password_expires_after_so_many_requests() {
    let rules = rules(|rules| rules.credentials_last = Some(2));
    let registry = Fixture::with_options(RegistryOptions {
        password: Some("old".into()),
        rules,
        ..RegistryOptions::default()
    })
    .await;
    let ask = async |password: &str| {
        registry
            .send(
                "GET",
                "/v2/",
                &[("authorization", &access::basic_authorization(password))],
                b"",
            )
            .await
            .expect("answered")
    };
    assert_eq!(
        (ask("old").await.status, ask("old").await.status),
        (200, 200)
    );
    let expired = ask("old").await;
    assert!(
        expired.status == 403
            && expired
                .text()
                .contains("Your authorization token has expired"),
        "{}",
        expired.text()
    );
    registry.server.set_password("new");
    assert_eq!(
        (
            ask("old").await.status,
            ask("new").await.status,
            ask("never").await.status
        ),
        (403, 200, 401)
    );
}

#[tokio::test]
async fn a_bearer_token_is_good_for_what_was_asked() {
    let rules = rules(|rules| rules.sign_in = SignIn::Bearer);
    let registry = Fixture::with_options(RegistryOptions {
        password: Some("secret".into()),
        rules,
        ..RegistryOptions::default()
    })
    .await;
    let refused = registry
        .send("POST", "/v2/a/blobs/uploads/", &[], b"")
        .await
        .expect("answered");
    let challenge = format!(
        r#"Bearer realm="http://{}/token",service="registry",scope="repository:a:pull,push""#,
        registry.server.address()
    );
    assert_eq!(
        (refused.status, refused.header("www-authenticate")),
        (401, Some(challenge.as_str()))
    );
    let basic = access::basic_authorization("secret");
    let token = registry
        .send(
            "GET",
            "/token?service=registry&scope=repository:a:pull,push",
            &[("authorization", &basic)],
            b"",
        )
        .await
        .expect("answered");
    let token: serde_json::Value = serde_json::from_slice(&token.body).expect("JSON");
    let bearer = format!("Bearer {}", token["token"].as_str().expect("a token"));
    assert_eq!(
        registry
            .send(
                "POST",
                "/v2/a/blobs/uploads/",
                &[("authorization", &bearer)],
                b""
            )
            .await
            .expect("answered")
            .status,
        202
    );
    assert_eq!(
        registry
            .send("GET", "/v2/b/tags/list", &[("authorization", &bearer)], b"")
            .await
            .expect("answered")
            .status,
        401
    );
    assert_eq!(
        registry
            .send("GET", "/token", &[], b"")
            .await
            .expect("answered")
            .status,
        401
    );
}

#[tokio::test]
async fn an_archived_layer_is_there_and_cannot_be_used() {
    let registry = Fixture::start(None).await;
    let manifest = registry.image("a", "v1", &[b"layer"]).await;
    let digest = Digest::compute(b"layer").to_string();
    registry.server.archive_blob("a", &digest);
    let path = format!("/v2/a/blobs/{digest}");
    assert_eq!(
        registry
            .send("HEAD", &path, &[], b"")
            .await
            .expect("answered")
            .status,
        200
    );
    for (method, path, body) in [
        ("GET", path.as_str(), ""),
        ("PUT", "/v2/a/manifests/v2", manifest.as_str()),
    ] {
        let refused = registry
            .send(method, path, &[], body.as_bytes())
            .await
            .expect("answered");
        assert!(
            refused.status == 400 && refused.text().contains("is archived"),
            "{}",
            refused.text()
        );
    }
    assert!(registry.server.is_archived("a", &digest));
}

#[tokio::test]
async fn a_tag_that_cannot_be_one_is_400_without_a_word() {
    let registry =
        Fixture::with_rules(rules(|rules| rules.invalid_tag = InvalidTag::BadRequest)).await;
    let refused = registry
        .send("HEAD", "/v2/a/manifests/1.0+abc", &[], b"")
        .await
        .expect("answered");
    assert_eq!((refused.status, refused.text().as_str()), (400, ""));
}

#[tokio::test]
async fn an_index_whose_image_lost_a_blob_is_refused_although_the_image_is_there() {
    let registry = Fixture::start(None).await;
    let child = registry.image("a", "", &[b"layer"]).await;
    let digest = Digest::compute(child.as_bytes());
    registry
        .server
        .delete_blob("a", &Digest::compute(b"layer").to_string());
    assert_eq!(
        registry
            .send("HEAD", &format!("/v2/a/manifests/{digest}"), &[], b"")
            .await
            .expect("answered")
            .status,
        200
    );
    let index = json!({ "mediaType": OCI_INDEX, "manifests": [{ "digest": digest.to_string() }] })
        .to_string();
    let refused = registry
        .send("PUT", "/v2/a/manifests/v1", &[], index.as_bytes())
        .await
        .expect("answered");
    assert!(
        refused.status == 400 && refused.text().contains("MANIFEST_BLOB_UNKNOWN"),
        "{}",
        refused.text()
    );
    assert!(
        refused
            .text()
            .contains(&Digest::compute(b"layer").to_string())
    );
}

#[tokio::test]
async fn the_plain_side_has_no_rules_and_no_ledger() {
    let registry = Fixture::with_options(RegistryOptions {
        password: Some("secret".into()),
        rules: RegistryRules::ecr(),
        ..RegistryOptions::default()
    })
    .await;
    registry.server.set_repository("a", None);
    let path = format!(
        "http://{}/v2/a/tags/list",
        registry.server.unrestricted_address()
    );
    assert_eq!(
        registry
            .send("GET", &path, &[], b"")
            .await
            .expect("answered")
            .status,
        200
    );
    assert_eq!(registry.server.requests(), []);
}
