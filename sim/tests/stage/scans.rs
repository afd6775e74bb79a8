//! The registry's scans go by their repository's script.

use ecs_bluegreen_sim::{
    Controller, GroupOptions, ScanFinding, ScanKind, ScanOptions, ScanReading, StageOptions, Toggle,
};
use serde_json::{Value, json};

use crate::harness::Play;

const DESCRIBE: &str = "ecr.DescribeImageScanFindings";
const START: &str = "ecr.StartImageScan";

async fn stage(scans: ScanOptions) -> Play {
    let options = StageOptions {
        scans: [("app".to_owned(), scans)].into(),
        ..StageOptions::default()
    };
    Play::with(Controller::CodeDeploy(GroupOptions::default()), options).await
}

fn image() -> Value {
    json!({ "repositoryName": "app", "imageId": { "imageTag": "1.0.0" } })
}

fn findings() -> Vec<ScanFinding> {
    (0..3)
        .map(|number| {
            ScanFinding::new(
                "HIGH",
                &format!("CVE-2024-000{number}"),
                ("openssl", "3.0.11-1"),
            )
            .with_fix("3.0.14-1")
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_on_push_goes_look_by_look_and_its_last_one_has_pages() {
    let looks = vec![
        ScanReading::status("NOT_FOUND"),
        ScanReading::status("IN_PROGRESS"),
        ScanReading::completed(findings()),
    ];
    let play = stage(ScanOptions {
        on_push: Toggle::On,
        looks,
        page: 2,
        ..ScanOptions::default()
    })
    .await;
    assert_eq!(
        play.refused(DESCRIBE, image()).await,
        "ScanNotFoundException"
    );
    assert_eq!(
        play.ask(DESCRIBE, image()).await["imageScanStatus"]["status"],
        "IN_PROGRESS"
    );
    let first = play.ask(DESCRIBE, image()).await;
    assert_eq!(
        first["imageScanFindings"]["findingSeverityCounts"],
        json!({ "HIGH": 3 })
    );
    assert_eq!(
        first["imageScanFindings"]["findings"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    let mut more = image();
    more["nextToken"] = first["nextToken"].clone();
    let second = play.ask(DESCRIBE, more).await;
    assert_eq!(
        second["imageScanFindings"]["findings"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert!(second["nextToken"].is_null(), "{second}");
    assert_eq!(play.refused(START, image()).await, "LimitExceededException");
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scan_on_push_a_basic_scan_is_started_once_and_inspector_s_never() {
    let play = stage(ScanOptions::default()).await;
    assert_eq!(
        play.refused(DESCRIBE, image()).await,
        "ScanNotFoundException"
    );
    assert_eq!(
        play.ask(START, image()).await["imageScanStatus"]["status"],
        "IN_PROGRESS"
    );
    assert_eq!(
        play.ask(DESCRIBE, image()).await["imageScanStatus"]["status"],
        "COMPLETE"
    );
    assert_eq!(play.refused(START, image()).await, "LimitExceededException");
    play.stage.shutdown().await;
    let looks = vec![ScanReading {
        status: "ACTIVE".to_owned(),
        ..ScanReading::completed(findings())
    }];
    let play = stage(ScanOptions {
        kind: ScanKind::Enhanced,
        on_push: Toggle::On,
        looks,
        ..ScanOptions::default()
    })
    .await;
    assert_eq!(play.refused(START, image()).await, "ValidationException");
    let answer = play.ask(DESCRIBE, image()).await;
    let package = &answer["imageScanFindings"]["enhancedFindings"][0]["packageVulnerabilityDetails"]
        ["vulnerablePackages"][0];
    assert_eq!(package["fixedInVersion"], "3.0.14-1");
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_has_no_scan() {
    let play = stage(ScanOptions::default()).await;
    let missing = json!({ "repositoryName": "app", "imageId": { "imageTag": "9.9.9" } });
    assert_eq!(
        play.refused(DESCRIBE, missing).await,
        "ImageNotFoundException"
    );
    let nowhere = json!({ "repositoryName": "nope", "imageId": { "imageTag": "1.0.0" } });
    assert_eq!(
        play.refused(START, nowhere).await,
        "RepositoryNotFoundException"
    );
    play.stage.shutdown().await;
}
