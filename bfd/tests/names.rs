//! What is counted under which name, and what a client makes of a change: tables of what a status page and a
//! monitor rely on.

use std::collections::BTreeSet;

use bfd::{
    AuthError, AuthKind, Diagnostic, Discriminator, Instant, ParseError, Reason, Rejected, State,
    Transition,
};

/// BFD-RX-01 to BFD-RX-12, BFD-AU-02: one counter for each rule.
#[test]
fn every_reason_is_counted_under_its_own_name() {
    let one = Discriminator::new(1).unwrap();
    let parse = [
        ParseError::Truncated { got: 1 },
        ParseError::Version { found: 2 },
        ParseError::LengthTooShort { length: 23 },
        ParseError::LengthExceedsPayload {
            length: 30,
            got: 24,
        },
        ParseError::DetectMultZero,
        ParseError::Multipoint,
        ParseError::MyDiscriminatorZero,
        ParseError::YourDiscriminatorZero { state: State::Up },
    ];
    let auth = [
        AuthError::Unexpected,
        AuthError::Missing,
        AuthError::Type {
            found: 9,
            expected: AuthKind::Simple,
        },
        AuthError::Length { found: 1 },
        AuthError::UnknownKey { id: 1 },
        AuthError::KeyNotValid { id: 1 },
        AuthError::Sequence { found: 1, last: 2 },
        AuthError::Password,
        AuthError::Digest,
    ];
    let rest = [
        (Rejected::NoSession, "no_session"),
        (
            Rejected::UnknownDiscriminator { your: one },
            "unknown_discriminator",
        ),
        (Rejected::Port { found: 1 }, "port"),
        (Rejected::Ttl { found: 1, least: 2 }, "ttl"),
        (Rejected::AdminDown, "admin_down"),
        (Rejected::Demand { found: true }, "demand"),
        (Rejected::Responder { found: one }, "responder"),
        (Rejected::Echo, "echo"),
    ];
    for (at, error) in parse.iter().enumerate() {
        assert_eq!(error.index(), at, "{error:?}");
        assert_eq!(error.name(), ParseError::NAMES[at]);
    }
    for (at, error) in auth.iter().enumerate() {
        assert_eq!(error.index(), at, "{error:?}");
    }
    let all: Vec<(Rejected, &str)> = parse
        .map(Rejected::Parse)
        .into_iter()
        .zip(ParseError::NAMES)
        .chain(auth.map(Rejected::Auth).into_iter().zip(AuthError::NAMES))
        .chain(rest)
        .collect();
    assert_eq!(all.len(), Rejected::COUNT);
    for (at, (reason, name)) in all.iter().enumerate() {
        assert_eq!(reason.index(), at, "{reason:?}");
        assert_eq!(reason.name(), *name, "{reason:?}");
    }
    let names: Vec<&str> = all.iter().map(|(_, name)| *name).collect();
    assert_eq!(Rejected::names().collect::<Vec<_>>(), names);
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}

/// RFC 5880 4.1: what status pages call a kind of authentication and the reason of a change.
#[test]
fn kinds_and_reasons_have_names_of_their_own() {
    let kinds = [
        AuthKind::Simple,
        AuthKind::KeyedMd5,
        AuthKind::MeticulousMd5,
        AuthKind::KeyedSha1,
        AuthKind::MeticulousSha1,
    ];
    assert_eq!(
        kinds.map(AuthKind::name),
        [
            "simple",
            "keyed_md5",
            "meticulous_md5",
            "keyed_sha1",
            "meticulous_sha1"
        ]
    );
    let reasons = [
        (Reason::Received(State::AdminDown), "received_admin_down"),
        (Reason::Received(State::Down), "received_down"),
        (Reason::Received(State::Init), "received_init"),
        (Reason::Received(State::Up), "received_up"),
        (Reason::DetectionTime, "detection_time_expired"),
        (Reason::PollUnanswered, "poll_unanswered"),
        (Reason::EchoFailed, "echo_failed"),
        (Reason::AdminDown, "admin_down"),
        (Reason::AdminUp, "admin_up"),
        (Reason::ForwardingReset, "forwarding_reset"),
    ];
    for (reason, name) in reasons {
        assert_eq!(reason.name(), name);
    }
}

/// RFC 5880 4.1: the words of the RFC for the numbers on the wire.
#[test]
fn states_and_diagnostics_have_the_words_of_the_rfc() {
    let states = [State::AdminDown, State::Down, State::Init, State::Up];
    assert_eq!(
        states.map(State::name),
        ["admin_down", "down", "init", "up"]
    );
    let names = [
        "none",
        "control_detection_time_expired",
        "echo_function_failed",
        "neighbor_signaled_session_down",
        "forwarding_plane_reset",
        "path_down",
        "concatenated_path_down",
        "administratively_down",
        "reverse_concatenated_path_down",
        "misconnectivity_defect",
    ];
    for number in 0..=31 {
        let name = Diagnostic::from_bits(number).name();
        let expected = names.get(usize::from(number)).unwrap_or(&"reserved");
        assert_eq!(name, *expected, "{number}");
    }
}

fn change(from: State, to: State, reason: Reason, diagnostic: Diagnostic) -> Transition {
    Transition {
        at: Instant::from_nanos(0),
        from,
        to,
        diagnostic,
        reason,
    }
}

/// BFD-CL-02, BFD-CL-05: to come up or to cease to be up is news, and nothing else.
#[test]
fn only_what_becomes_up_or_ceases_to_be_is_news() {
    let states = [State::AdminDown, State::Down, State::Init, State::Up];
    for from in states {
        for to in states {
            let expected = match (from == State::Up, to == State::Up) {
                (false, true) => Some(true),
                (true, false) => Some(false),
                _ => None,
            };
            let change = change(from, to, Reason::DetectionTime, Diagnostic::NONE);
            assert_eq!(change.usable(), expected, "{from:?} {to:?}");
            assert_eq!(change.is_failure(), expected == Some(false));
        }
    }
}

/// BFD-CL-01: an operator who closes a session says nothing of the path, unless that is what he says.
#[test]
fn what_an_operator_closes_has_not_failed() {
    for reason in [Reason::AdminDown, Reason::Received(State::AdminDown)] {
        for (diagnostic, failed) in [
            (Diagnostic::ADMIN_DOWN, false),
            (Diagnostic::NEIGHBOR_DOWN, false),
            (Diagnostic::PATH_DOWN, true),
        ] {
            let change = change(State::Up, State::Down, reason, diagnostic);
            assert_eq!(change.is_failure(), failed, "{reason:?} {diagnostic:?}");
        }
    }
}
