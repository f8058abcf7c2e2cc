//! Authentication as the file has it: keys, passwords, and what holds an instance.

use std::time::Duration;

use keepalived_config::model::{
    Authentication, BadKey, HmacMode, HoldReason, KeyBytes, KeySource, Password, VrrpInstance,
};
use keepalived_config::{MemorySource, Options, Parsed, parse};

fn read(text: &str) -> Parsed {
    let mut source = MemorySource::new().with_file("keepalived.conf", text);
    parse(&mut source, "keepalived.conf", &Options::default())
}

/// One IPv4 instance with these lines, whatever is said about it.
fn instance(lines: &str) -> VrrpInstance {
    let parsed = read(&format!(
        "vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\n{lines}\n\
         virtual_ipaddress {{\n192.0.2.10/24\n}}\n}}\n"
    ));
    let [instance] = parsed
        .config
        .instances
        .try_into()
        .expect("there is one instance");
    instance
}

/// A log gets the rendered complaints, so they must not show a password.
#[test]
fn complaints_about_a_password_do_not_show_it() {
    for lines in [
        "authentication {\nauth_type PASS\nauth_pass correcthorse\n}",
        "authentication {\nauth_pass hunter2\n}",
        "authentication {\nauth_type PASS\nauth_pass hunter2 correct\n}",
    ] {
        let text = format!(
            "vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\n{lines}\n\
             virtual_ipaddress {{\n192.0.2.10\n}}\n}}\n"
        );
        let parsed = read(&text);
        assert!(!parsed.diagnostics.is_empty());
        let shown = keepalived_config::diagnostic::render_all(&parsed.diagnostics, &parsed.sources);
        assert!(
            !shown.contains("hunter2") && !shown.contains("correct"),
            "{shown}"
        );
    }
}

/// AUTH-02, AUTH-03, AUTH-10: what cannot be authenticated does not run.
#[test]
fn authentication_that_cannot_be_done_holds_the_instance() {
    let hold = |lines: &str| instance(lines).hold.map(|hold| hold.reason);
    let ah = "authentication {\nauth_type AH\nauth_pass abc\n}";
    for unusable in [
        "active_key 1",
        "key 1 0123456789abcdef0123456789abcdef",
        "key 1 0123456789abcdef0123456789abcdef\nactive_key 2",
        "key 1 0123456789abcdef\nactive_key 1",
        "key 1 hex:0123456789abcdef0123456789abcdef\nactive_key 1\nmode receive-only",
    ] {
        let block = format!("auth_hmac {{\n{unusable}\n}}");
        assert_eq!(hold(&block), Some(HoldReason::Authentication), "{unusable}");
    }
    let unknown = "authentication {\nauth_type MD5\nauth_pass abc\n}";
    assert_eq!(hold(unknown), Some(HoldReason::Authentication));
    // Keepalived ignores these, so both ends of a migrating pair agree.
    assert_eq!(hold("authentication {\nauth_type PASS\n}"), None);
    assert_eq!(hold(&format!("version 3\n{ah}")), None);
}

/// AUTH-02.
#[test]
fn an_authentication_header_has_the_password_as_its_key() {
    let ah = instance("authentication {\nauth_type AH\nauth_pass s3cret12\n}");
    assert!(ah.hold.is_none());
    assert_eq!(
        ah.authentication,
        Authentication::Ah(Password::new("s3cret12"))
    );
}

/// AUTH-10 to AUTH-14; KA-AX-02, KA-AX-05, KA-AX-08.
#[test]
fn signed_adverts_are_read_with_their_keys_and_defaults() {
    let read = |lines: &str| match instance(lines).authentication {
        Authentication::Hmac(hmac) => hmac,
        other => panic!("{other:?}"),
    };
    let plain = read(
        "auth_hmac {\nkey 9 \"a key with blanks, and then some\"\nkey 2 file:/run/key\n\
         key 3 hex:000102030405060708090A0b0c0d0e0f101112131415161718191a1b1c1d1e1f\nactive_key 3\n}",
    );
    assert_eq!(plain.active, 3);
    assert_eq!(plain.mode, HmacMode::Enforce);
    assert_eq!(plain.time_window, Some(Duration::from_secs(5)));
    let ids: Vec<u8> = plain.keys.iter().map(|key| key.id.value).collect();
    assert_eq!(ids, [9, 2, 3]);
    assert_eq!(plain.keys[1].key, KeySource::File("/run/key".into()));
    match &plain.keys[2].key {
        KeySource::Here(bytes) => assert!(bytes.bytes().iter().copied().eq(0..32)),
        KeySource::File(path) => panic!("{path:?}"),
    }
    let key = "key 1 0123456789abcdef0123456789abcdef\nactive_key 1\n";
    let slow = read(&format!(
        "version 3\nadvert_int 10\nauth_hmac {{\n{key}mode permissive\n}}"
    ));
    assert_eq!(slow.time_window, Some(Duration::from_secs(30)));
    assert_eq!(slow.mode, HmacMode::Permissive);
    let own = read(&format!(
        "auth_hmac {{\n{key}time_window 7\nmode receive-only\n}}"
    ));
    assert_eq!(own.time_window, Some(Duration::from_secs(7)));
    assert_eq!(own.mode, HmacMode::ReceiveOnly);
    let monotonic = read(&format!("auth_hmac {{\n{key}anti_replay monotonic\n}}"));
    assert_eq!(monotonic.time_window, None);
    let strict = read(&format!(
        "strict_mode\nauth_hmac {{\n{key}mode receive-only\n}}"
    ));
    assert_eq!(strict.mode, HmacMode::Enforce);
    let both = read(&format!(
        "authentication {{\nauth_type PASS\nauth_pass abc\n}}\nauth_hmac {{\n{key}}}"
    ));
    assert_eq!(both.keys.len(), 1);
}

/// KA-AX-02: a key in a file of its own may have a line end behind it.
#[test]
fn a_key_file_holds_the_key_as_it_would_be_written() {
    let text = b"0123456789abcdef0123456789abcdef";
    let with_end = [text.as_slice(), b"\n"].concat();
    assert_eq!(KeyBytes::from_file(&with_end).unwrap().bytes(), text);
    assert_eq!(KeyBytes::from_file(text).unwrap().bytes(), text);
    let hex = b"hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
    assert!(
        KeyBytes::from_file(hex)
            .unwrap()
            .bytes()
            .iter()
            .copied()
            .eq(0..32)
    );
    assert_eq!(KeyBytes::from_file(b"\n"), Err(BadKey::Length(0)));
    assert_eq!(KeyBytes::from_file(&[7; 65]), Err(BadKey::Length(65)));
    assert_eq!(KeyBytes::from_file(b"hex:0"), Err(BadKey::Hexadecimal));
}

/// A log gets the rendered complaints, so they must not show a key.
#[test]
fn complaints_about_a_key_do_not_show_it() {
    for lines in [
        "key 1 secretsecret\nactive_key 1",
        "key 1 hex:secretsecret\nactive_key 1",
        "key 0 secretsecretsecretsecretsecretsecret",
        "key secretsecretsecretsecretsecretsecret",
        "key 1 secretsecretsecretsecretsecretsecret secret\nkey 1 secretsecretsecretsecretsecretsecret",
    ] {
        let text = format!(
            "vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\nauth_hmac {{\n{lines}\n}}\n\
             virtual_ipaddress {{\n192.0.2.10\n}}\n}}\n"
        );
        let parsed = read(&text);
        assert!(!parsed.diagnostics.is_empty());
        let shown = keepalived_config::diagnostic::render_all(&parsed.diagnostics, &parsed.sources);
        assert!(!shown.contains("secret"), "{shown}");
        assert!(!format!("{:?}", parsed.config.instances).contains("secretsecretsecret"));
    }
}
