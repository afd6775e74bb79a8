//! Golden values of the `AppSpec`, from the official action's own unit test and from a port of its
//! rules.

use serde_json::json;

use super::*;
use crate::documents::network::{AssignPublicIp, Network};
use crate::documents::parse::parse;

fn parse_app_spec(text: &str) -> Value {
    parse(text, "appspec.yaml", "codedeploy-appspec").unwrap()
}

#[test]
fn the_hash_is_that_of_the_official_unit_test() {
    let text = "Resources:\n- TargetService:\n    Type: AWS::ECS::Service\n    Properties:\n      TaskDefinition: helloworld\n      LoadBalancerInfo:\n        ContainerName: web\n        ContainerPort: 80\n";
    let content = fill_revision(
        &parse_app_spec(text),
        &"task:def:arn".into(),
        "codedeploy-appspec",
    )
    .unwrap();
    assert_eq!(
        content.text,
        r#"{"Resources":[{"TargetService":{"Type":"AWS::ECS::Service","Properties":{"TaskDefinition":"task:def:arn","LoadBalancerInfo":{"ContainerName":"web","ContainerPort":80}}}}]}"#
    );
    assert_eq!(
        content.sha256,
        "0911d1e99f48b492e238d1284d8ddb805382d33e1d1fc74ffadf37d8b7e6d096"
    );
}

#[test]
fn every_resource_is_filled_in_any_case_and_the_rest_passes_through() {
    let table = [
        (
            "version: 0.0\nresources:\n- A: {properties: {taskdefinition: x, Foo: 1}}\n- B: {PROPERTIES: {TASKDEFINITION: null}}\n  C: {Properties: {TaskDefinition: {}}}\nhooks:\n- BeforeInstall: fn",
            r#"{"version":0,"resources":[{"A":{"properties":{"taskdefinition":"ARN","Foo":1}}},{"B":{"PROPERTIES":{"TASKDEFINITION":"ARN"}},"C":{"Properties":{"TaskDefinition":"ARN"}}}],"hooks":[{"BeforeInstall":"fn"}]}"#,
        ),
        (
            r#"{"version": 0.0, "Resources": [{"a/b~c": {"Properties": {"TaskDefinition": "é\u0001\n", "Empty": null, "List": []}}}]}"#,
            r#"{"version":0,"Resources":[{"a/b~c":{"Properties":{"TaskDefinition":"ARN","Empty":null,"List":[]}}}]}"#,
        ),
    ];
    for (text, expected) in table {
        assert_eq!(
            fill_revision(&parse_app_spec(text), &"ARN".into(), "codedeploy-appspec")
                .unwrap()
                .text,
            expected
        );
    }
}

#[test]
fn every_resource_needs_a_container_and_a_port_for_traffic() {
    let table = [
        (
            include_str!("../testdata/appspec-without-load-balancer.yaml"),
            Some("the resource `TargetService` has no LoadBalancerInfo with"),
        ),
        (
            "Resources: [{A: {Properties: {TaskDefinition: x, LoadBalancerInfo: {ContainerName: web}}}}]",
            Some("`A` has no ContainerPort"),
        ),
        (
            "Resources: [{A: {Properties: {TaskDefinition: x, LoadBalancerInfo: {ContainerPort: 80}}}}]",
            Some("`A` has no LoadBalancerInfo"),
        ),
        (
            "resources: [{A: {properties: {taskdefinition: x, loadbalancerinfo: {containername: a, containerport: '80'}}}}]",
            None,
        ),
    ];
    for (text, expected) in table {
        let found = check(&parse_app_spec(text), "codedeploy-appspec");
        let message = found.first().map(|problem| problem.message.as_str());
        assert_eq!(
            (message.is_some(), found.len()),
            (expected.is_some(), usize::from(expected.is_some())),
            "{text}"
        );
        assert!(
            message.is_none_or(|message| message.contains(expected.unwrap())),
            "{message:?}"
        );
    }
}

#[test]
fn what_is_missing_is_said_in_the_official_words() {
    let table = [
        (
            "version: 0.0",
            "AppSpec file must include property 'resources'",
        ),
        (
            "Resources:",
            "AppSpec file must include property 'resources' as a list, `Resources` is none",
        ),
        (
            "Resources: []",
            "AppSpec file has no resource in `Resources`",
        ),
        (
            "Resources: [{A: }]",
            "AppSpec file must include property 'properties'",
        ),
        (
            "Resources: [{A: {Type: x}}]",
            "AppSpec file must include property 'properties'",
        ),
        (
            "Resources: [{A: {Properties: {}}}]",
            "AppSpec file must include property 'taskDefinition'",
        ),
    ];
    for (text, message) in table {
        let found = check(&parse_app_spec(text), "codedeploy-appspec");
        assert_eq!(
            found
                .iter()
                .map(|problem| problem.message.as_str())
                .collect::<Vec<_>>(),
            [message]
        );
        assert_eq!(
            fill_revision(&parse_app_spec(text), &"ARN".into(), "codedeploy-appspec"),
            Err(found)
        );
    }
}

#[test]
fn container_and_port_must_be_those_of_the_task_definition() {
    let definition = json!({ "containerDefinitions": [{ "name": "web", "portMappings": [{ "containerPort": 80 }] }, { "name": "bare" }] });
    let table = [
        ("{ContainerName: web, ContainerPort: 80}", None),
        ("{containername: web, containerport: '80'}", None),
        ("{ContainerName: web}", None),
        (
            "{ContainerName: api, ContainerPort: 80}",
            Some((
                "ContainerName `api` is not in the task definition",
                "The task definition has the containers web, bare",
            )),
        ),
        (
            "{ContainerName: web, ContainerPort: 81}",
            Some((
                "ContainerPort 81 is not in the portMappings of container `web`",
                "The container has the ports 80",
            )),
        ),
        (
            "{ContainerName: bare, ContainerPort: 80}",
            Some((
                "ContainerPort 80 is not in the portMappings of container `bare`",
                "Add a port mapping with containerPort 80 to the container",
            )),
        ),
    ];
    for (information, expected) in table {
        let app_spec = parse_app_spec(&format!(
            "Resources: [{{T: {{Properties: {{TaskDefinition: x, LoadBalancerInfo: {information}}}}}}}]"
        ));
        let found = check_against(&app_spec, TaskDefinition(&definition), "codedeploy-appspec");
        assert_eq!(
            found
                .first()
                .map(|problem| (problem.message.as_str(), problem.remedy.as_str())),
            expected,
            "{information}"
        );
    }
}

#[test]
fn without_a_file_it_is_made_from_the_service() {
    let parts = ServiceParts {
        container_name: "web",
        container_port: 80,
        platform_version: None,
        capacity_providers: &[],
        network: None,
    };
    let built = build(&"ARN".into(), &parts);
    assert_eq!(
        built.to_string(),
        r#"{"version":0,"Resources":[{"TargetService":{"Type":"AWS::ECS::Service","Properties":{"TaskDefinition":"ARN","LoadBalancerInfo":{"ContainerName":"web","ContainerPort":80}}}}]}"#
    );
    assert_eq!(check(&built, "codedeploy-appspec"), []);
    assert_eq!(
        fill_revision(&built, &"ARN".into(), "codedeploy-appspec").unwrap(),
        Content::from_app_spec(&built)
    );
}

#[test]
fn what_the_service_says_of_its_tasks_goes_into_the_built_one() {
    let network = Network {
        subnets: vec!["subnet-1".into()],
        security_groups: vec!["sg-1".into()],
        assign_public_ip: AssignPublicIp::Enabled,
    };
    let providers = [CapacityProvider {
        name: "FARGATE_SPOT".into(),
        base: 1,
        weight: 2,
    }];
    let parts = ServiceParts {
        container_name: "web",
        container_port: 80,
        platform_version: Some("1.4.0"),
        capacity_providers: &providers,
        network: Some(&network),
    };
    let built = build(&"ARN".into(), &parts);
    let expected = json!({
        "TaskDefinition": "ARN", "LoadBalancerInfo": { "ContainerName": "web", "ContainerPort": 80 }, "PlatformVersion": "1.4.0",
        "NetworkConfiguration": { "AwsvpcConfiguration": { "Subnets": ["subnet-1"], "SecurityGroups": ["sg-1"], "AssignPublicIp": "ENABLED" } },
        "CapacityProviderStrategy": [{ "CapacityProvider": "FARGATE_SPOT", "Base": 1, "Weight": 2 }],
    });
    assert_eq!(
        built["Resources"][0]["TargetService"]["Properties"],
        expected
    );
}
