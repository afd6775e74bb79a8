#!/usr/bin/env python3
"""validate.py bites: each wrong exchange is an offence, and the right ones are not. Run: python3 validate_test.py (needs botocore)."""

import base64
import json
import unittest

from validate import Judge


def exchange(service, operation, request, answer, protocol="json", raw_request=None, raw_answer=None, code=None):
    encode = lambda raw: base64.b64encode(raw).decode()
    raw_answer = json.dumps(answer).encode() if raw_answer is None else raw_answer
    raw_request = json.dumps(request).encode() if raw_request is None else raw_request
    return {
        "service": service, "operation": operation, "protocol": protocol, "request": request, "answer": answer, "code": code,
        "status": 400 if code else 200, "raw_request": encode(raw_request), "raw_answer": encode(raw_answer),
    }


def offences(given):
    judge = Judge()
    judge.exchange(given)
    return list(judge.offences)


def get_deployment(info, request=None):
    return exchange("codedeploy", "GetDeployment", request or {"deploymentId": "d-1"}, {"deploymentInfo": info})


def identity(members):
    xml = (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        f"{members}</GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    )
    form = b"Action=GetCallerIdentity&Version=2011-06-15"
    return exchange("sts", "GetCallerIdentity", {}, {}, "query", form, xml.encode())


class Bites(unittest.TestCase):
    def test_what_is_right_is_no_offence(self):
        for right in (get_deployment({"status": "Ready", "createTime": 1.5}), identity("<Account>123456789012</Account>")):
            self.assertEqual(offences(right), [])

    def test_a_value_that_only_the_documentation_lists_is_no_offence(self):
        at = lambda stage: exchange(
            "ecs", "DescribeServiceDeployments", {"serviceDeploymentArns": ["a"]}, {"serviceDeployments": [{"lifecycleStage": stage}]}
        )
        self.assertEqual(offences(at("PRE_PRODUCTION_TRAFFIC_SHIFT")), [])
        self.assertEqual(len(offences(at("SOME_OTHER_STAGE"))), 1)

    def test_what_is_expected_is_forgiven(self):
        judge = Judge(["unknown member stage"])
        judge.exchange(get_deployment({"stage": "Ready"}))
        self.assertEqual((len(judge.offences), len(judge.forgiven)), (0, 1))

    def test_what_is_wrong_is_one(self):
        no_name = {"containerDefinitions": []}
        table = {
            "unknown member": get_deployment({"stage": "Ready"}),
            "not in the enumeration": get_deployment({"status": "Done"}),
            "not a moment": get_deployment({"createTime": 1_700_000_000_000}),
            "is null": get_deployment({"status": None}),
            "not a boolean": get_deployment({"instanceTerminationWaitTimeStarted": "true"}),
            "deploymentId": get_deployment({}, {"deployment": "d-1"}),
            "required member family": exchange("ecs", "RegisterTaskDefinition", no_name, {}),
            "unknown member Name": identity("<Name>x</Name>"),
            "no error of the operation": exchange("ecs", "DescribeServices", {"services": ["a"]}, {}, code="NopeException"),
            "no operation": exchange("ecs", "Nope", {}, {}),
        }
        for expected, wrong in table.items():
            with self.subTest(expected):
                self.assertTrue(any(expected in offence for offence in offences(wrong)), offences(wrong))


if __name__ == "__main__":
    unittest.main()
