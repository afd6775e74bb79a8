"""ministack, a CloudFormation that nobody here wrote, with real rollbacks, on a port of its own."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import boto3

# What it does not know. An empty resource takes the place of each.
UNKNOWN = {
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::Budgets::Budget",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::EC2::EIP",
    "AWS::EC2::NatGateway",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::IAM::OIDCProvider",
    "AWS::IAM::RolePolicy",
    "AWS::Route53::HealthCheck",
    "AWS::SecretsManager::RotationSchedule",
    "AWS::Synthetics::Canary",
    "AWS::WAFv2::WebACLAssociation",
}
PATIENCE = 60


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Emulator:
    """A running ministack and one stack in it."""

    def __init__(self):
        port = str(free_port())
        environment = os.environ | {
            "GATEWAY_PORT": port,
            "EDGE_PORT": port,
            "BIND_HOST": "127.0.0.1",
            "LOG_LEVEL": "ERROR",
            "DOCKER_HOST": "unix:///none",
        }
        program = Path(sys.executable).with_name("ministack")
        self.process = subprocess.Popen([program], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.endpoint = f"http://127.0.0.1:{port}"
        self.wait_for(int(port))
        self.client("s3").create_bucket(Bucket="templates", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})

    def wait_for(self, port):
        for _ in range(PATIENCE * 10):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError("ministack does not listen")

    def client(self, service):
        return boto3.client(
            service, aws_access_key_id="x", aws_secret_access_key="x", region_name="eu-central-1", endpoint_url=self.endpoint
        )

    def upload(self, template):
        """A template of this size has to be in a bucket, as on AWS."""
        self.client("s3").put_object(Bucket="templates", Key="service.json", Body=json.dumps(template).encode())
        return f"{self.endpoint}/templates/service.json"

    def request(self, template, parameters):
        pairs = [{"ParameterKey": name, "ParameterValue": str(value)} for name, value in parameters.items()]
        return {"StackName": "api", "TemplateURL": self.upload(template), "Parameters": pairs, "Capabilities": ["CAPABILITY_NAMED_IAM"]}

    def create(self, template, parameters):
        self.client("cloudformation").create_stack(**self.request(template, parameters))
        return self.status()

    def update(self, template, parameters):
        self.client("cloudformation").update_stack(**self.request(template, parameters))
        return self.status()

    def delete(self):
        stack = self.client("cloudformation").describe_stacks(StackName="api")["Stacks"][0]["StackId"]
        self.client("cloudformation").delete_stack(StackName="api")
        return self.status(stack)

    def status(self, stack="api"):
        for _ in range(PATIENCE * 5):
            status = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
            if not status.endswith("IN_PROGRESS"):
                return status
            time.sleep(0.2)
        raise AssertionError("the stack is still in progress")

    def why(self):
        pages = self.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName="api")
        events = [event for page in pages for event in page["StackEvents"]]
        return [
            (event["LogicalResourceId"], event.get("ResourceStatusReason"))
            for event in events
            if event["ResourceStatus"].endswith("FAILED")
        ]

    def end(self):
        self.process.terminate()
        self.process.wait()
