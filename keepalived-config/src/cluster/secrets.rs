//! Whether the nodes believe each other.

use super::{Findings, Member};
use crate::diagnostic::Severity::{Error, Warning};
use crate::model::{Authentication, HmacAuth, HmacKey, HmacMode, KeySource, VrrpInstance};

const BOTH_MASTER: &str = "each refuses the adverts of the other; both become master";

/// Never says what the secrets are.
pub(super) fn authentication(pair: &[Member<'_>; 2], findings: &mut Findings<'_>) {
    let [a, b] = pair.map(|member| member.instance);
    let name = &a.name.value;
    match (&a.authentication, &b.authentication) {
        (Authentication::Hmac(one), Authentication::Hmac(other)) => {
            signatures(pair, [one, other], findings);
        }
        (Authentication::Hmac(only), Authentication::None)
        | (Authentication::None, Authentication::Hmac(only))
            if only.mode == HmacMode::ReceiveOnly =>
        {
            findings.add(
                Warning,
                "authentication-differs",
                pair,
                [
                    format!("`{name}` has `auth_hmac` on one of two nodes, which does not sign"),
                    "they hear each other, and believe everybody else too".to_owned(),
                    "go on with the roll-out: `auth_hmac` on all nodes, then `permissive`, then \
                    `enforce`"
                        .to_owned(),
                ],
            );
        }
        (one, other) if one == other => {}
        (one, other) => {
            let kind = |authentication: &Authentication| std::mem::discriminant(authentication);
            let (code, message) = if kind(one) == kind(other) {
                (
                    "secret-differs",
                    format!(
                        "`{name}` has another password or key on {}",
                        findings.node(&pair[1])
                    ),
                )
            } else {
                (
                    "authentication-differs",
                    format!(
                        "`{name}` is authenticated in another way on {}",
                        findings.node(&pair[1])
                    ),
                )
            };
            findings.add(
                Error,
                code,
                pair,
                [
                    message,
                    BOTH_MASTER.to_owned(),
                    "use the same authentication block on all nodes; of a password only the first \
                    eight bytes count"
                        .to_owned(),
                ],
            );
        }
    }
}

/// Two nodes with `auth_hmac`, which are at different stages of a change now and then.
fn signatures(pair: &[Member<'_>; 2], auths: [&HmacAuth; 2], findings: &mut Findings<'_>) {
    let name = &pair[0].instance.name.value;
    let [one, other] = auths;
    let mut refused = false;
    for (sender, receiver) in [(0, 1), (1, 0)] {
        let (from, to) = (auths[sender], auths[receiver]);
        let nodes = [&pair[sender], &pair[receiver]].map(|member| findings.node(member).to_owned());
        let consequence = format!(
            "{} refuses the adverts of {}; both become master",
            nodes[1], nodes[0]
        );
        if from.mode == HmacMode::ReceiveOnly {
            if to.mode == HmacMode::Enforce {
                refused = true;
                findings.add(
                    Error,
                    "hmac-mode-differs",
                    pair,
                    [
                        format!(
                            "`{name}` does not sign its adverts on {} and takes nothing else on {}",
                            nodes[0], nodes[1]
                        ),
                        consequence,
                        "have all nodes at `permissive` before any is at `enforce`".to_owned(),
                    ],
                );
            }
            continue;
        }
        if key(to, from.active).is_none() {
            refused = true;
            findings.add(
                Error,
                "hmac-key-missing",
                pair,
                [
                    format!(
                        "`{name}` signs with key {} on {}, which {} does not have",
                        from.active, nodes[0], nodes[1]
                    ),
                    consequence,
                    "add a new key to all nodes before it is the `active_key` of any".to_owned(),
                ],
            );
        }
    }
    for ours in &one.keys {
        let Some(theirs) = key(other, ours.id.value) else {
            continue;
        };
        if !differ(ours, theirs) {
            continue;
        }
        let id = ours.id.value;
        let used = auths
            .iter()
            .any(|auth| auth.active == id && auth.mode != HmacMode::ReceiveOnly);
        let (severity, consequence) = if used {
            (Error, BOTH_MASTER)
        } else {
            (
                Warning,
                "nothing yet; both become master once one of them signs with it",
            )
        };
        findings.add(
            severity,
            "secret-differs",
            pair,
            [
                format!(
                    "`{name}` has another key {id} on {}",
                    findings.node(&pair[1])
                ),
                consequence.to_owned(),
                "give a key the same number and content on all nodes".to_owned(),
            ],
        );
    }
    if one.mode != other.mode && !refused {
        findings.add(
            Warning,
            "hmac-mode-differs",
            pair,
            [
                format!("`{name}` has mode {}", findings.each(pair, mode)),
                "they hear each other, and those that do not enforce signatures believe everybody \
                else too"
                    .to_owned(),
                "go on with the roll-out: `permissive` on all nodes, then `enforce`".to_owned(),
            ],
        );
    }
    if one.time_window.is_some() != other.time_window.is_some() {
        findings.add(
            Warning,
            "anti-replay-differs",
            pair,
            [
                format!("`{name}` has anti_replay {}", findings.each(pair, replay)),
                "where the clock of the one with `monotonic` is wrong, the other refuses its \
                adverts and both become master"
                    .to_owned(),
                "set the same `anti_replay` on all nodes".to_owned(),
            ],
        );
    }
}

fn key(auth: &HmacAuth, id: u8) -> Option<&HmacKey> {
    auth.keys.iter().find(|key| key.id.value == id)
}

/// Surely: what is in files of their own is not known here.
fn differ(one: &HmacKey, other: &HmacKey) -> bool {
    match (&one.key, &other.key) {
        (KeySource::Here(one), KeySource::Here(other)) => one != other,
        _ => false,
    }
}

fn mode(instance: &VrrpInstance) -> String {
    let Authentication::Hmac(auth) = &instance.authentication else {
        return "none".to_owned();
    };
    let word = match auth.mode {
        HmacMode::ReceiveOnly => "receive-only",
        HmacMode::Permissive => "permissive",
        HmacMode::Enforce => "enforce",
    };
    word.to_owned()
}

fn replay(instance: &VrrpInstance) -> String {
    let time = matches!(
        &instance.authentication,
        Authentication::Hmac(auth) if auth.time_window.is_some()
    );
    if time { "time" } else { "monotonic" }.to_owned()
}
