//! What to do about ECS's error messages on services whose traffic is not set up for its
//! deployments.

/// Parts of ECS's error messages, with the remedy.
const REMEDIES: &[(&str, &str)] = &[
    (
        "should have exactly one target group serving traffic",
        "more than one target group has weight in the production rule: give the target group that the service runs on all of the weight (aws elbv2 modify-rule --rule-arn RULE --actions …), and deploy again",
    ),
    (
        "forwarding traffic to unexpected target group",
        "let the production rule forward to the service's own target group (aws elbv2 modify-rule --rule-arn RULE --actions …), and deploy again",
    ),
    (
        "Both targetGroup and alternateTargetGroup must be associated",
        "let the production rule forward to both target groups, with weights 1 and 0, or give the service a testListenerRule that leads to the other one",
    ),
    (
        "testListenerRule is required when productionListenerRule is not associated with both",
        "let the production rule forward to both target groups, with weights 1 and 0, or give the service a testListenerRule",
    ),
    (
        "advancedConfiguration field is required for all loadBalancers",
        "give every load balancer of the service an advancedConfiguration (alternateTargetGroupArn, productionListenerRule, roleArn), or use strategy: rolling",
    ),
];

/// What to do about an error message of ECS; none where that is not known.
pub fn remedy(sentence: &str) -> Option<&'static str> {
    let sentence = sentence.to_lowercase();
    REMEDIES
        .iter()
        .find(|(piece, _)| sentence.contains(&piece.to_lowercase()))
        .map(|(_, remedy)| *remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ecs_s_own_sentences_have_a_remedy() {
        for (sentence, word) in [
            (
                "Production listener rule arn:x should have exactly one target group serving traffic but found 2",
                "all of the weight",
            ),
            (
                "Production listener rule is forwarding traffic to unexpected target group arn:y",
                "own target group",
            ),
            (
                "Both targetGroup and alternateTargetGroup must be associated with the productionListenerRule or testListenerRule",
                "weights 1 and 0",
            ),
            (
                "testListenerRule is required when productionListenerRule is not associated with both target groups",
                "testListenerRule",
            ),
            (
                "advancedConfiguration field is required for all loadBalancers when using a non-ROLLING deployment strategy",
                "advancedConfiguration",
            ),
        ] {
            assert!(
                remedy(sentence).is_some_and(|remedy| remedy.contains(word)),
                "{sentence}"
            );
        }
        assert_eq!(remedy("tasks failed to start"), None);
    }
}
