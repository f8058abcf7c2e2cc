//! Which authentication is run: what Keepalived ignores is ignored (AUTH-03), and what cannot be
//! done holds the instance rather than leave it open to anybody.

use std::time::Duration;

use vrrp_proto::{AdvertInterval, Version};

use super::Draft;
use crate::model::authentication::{Authentication, HmacAuth, HmacMode};
use crate::model::instance::HoldReason;
use crate::model::read::AuthType;
use crate::model::spanned::Spanned;

impl Draft<'_> {
    pub(super) fn authentication(
        &mut self,
        version: Version,
        interval: AdvertInterval,
    ) -> Authentication {
        if self.raw.auth_hmac.is_some() {
            if let Some(kind) = self.raw.auth_type {
                self.warning(
                    "auth-both",
                    kind.span,
                    "`authentication` is ignored with `auth_hmac`",
                )
                .help("remove the `authentication` block");
            }
            return self.hmac(interval);
        }
        self.legacy(version)
    }

    /// VRRPv2 authentication, AUTH-01 to AUTH-03.
    fn legacy(&mut self, version: Version) -> Authentication {
        let (kind, pass) = (self.raw.auth_type, self.raw.auth_pass);
        let Some(kind) = kind else {
            if let Some(pass) = pass {
                self.warning(
                    "auth-incomplete",
                    pass.span,
                    "`auth_pass` needs `auth_type PASS`",
                )
                .help("the instance runs without authentication");
            }
            return Authentication::None;
        };
        if self.strict {
            self.warning(
                "auth-strict",
                kind.span,
                "strict mode has no authentication",
            )
            .help("remove the `authentication` block or strict mode; the block is ignored");
            return Authentication::None;
        }
        if kind.value == AuthType::Unknown {
            self.hold(HoldReason::Authentication, kind.span);
            self.error(
                "bad-auth-type",
                kind.span,
                "`auth_type` takes `PASS` or `AH`",
            )
            .help(
                "use `auth_type PASS`; until then the instance stays in FAULT rather than run \
                 without authentication",
            );
            return Authentication::None;
        }
        if version == Version::V3 {
            self.warning(
                "auth-version-3",
                kind.span,
                "version 3 has no authentication",
            )
            .help("remove the `authentication` block; it is ignored");
            return Authentication::None;
        }
        let Some(pass) = pass else {
            self.warning(
                "ignored-auth",
                kind.span,
                "`auth_type` without `auth_pass` is ignored",
            )
            .help("add `auth_pass`; the instance runs without authentication");
            return Authentication::None;
        };
        match kind.value {
            AuthType::Ah => Authentication::Ah(pass.value),
            AuthType::Pass | AuthType::Unknown => Authentication::Password(pass.value),
        }
    }

    /// KA-AX-02: without a key that signs the instance is held, in every mode. KA-AX-10.
    fn hmac(&mut self, interval: AdvertInterval) -> Authentication {
        let Some(raw) = self.raw.auth_hmac.take() else {
            return Authentication::None;
        };
        let active = raw.active.map(|id| id.value);
        if !raw.keys.iter().any(|key| Some(key.id.value) == active) {
            let (span, message) = match raw.active {
                None => (raw.span, "`auth_hmac` has no `active_key`".to_owned()),
                Some(Spanned { value, span }) => (
                    span,
                    format!("`active_key {value}` names no key that can be used"),
                ),
            };
            self.hold(HoldReason::Authentication, span);
            self.error("auth-key", span, message).help(
                "give `active_key` the number of a `key`; until then the instance stays in FAULT \
                 rather than run without authentication",
            );
            return Authentication::None;
        }
        let mut mode = raw.mode.map_or(HmacMode::Enforce, |mode| mode.value);
        if self.strict
            && mode != HmacMode::Enforce
            && let Some(Spanned { span, .. }) = raw.mode
        {
            self.warning("corrected", span, "strict mode: signatures are demanded")
                .help("`mode enforce` is used");
            mode = HmacMode::Enforce;
        }
        let window = raw.time_window.unwrap_or_else(|| default_window(interval));
        Authentication::Hmac(HmacAuth {
            keys: raw.keys,
            active: active.unwrap_or(0),
            time_window: (!raw.monotonic).then_some(window),
            mode,
        })
    }
}

/// Three adverts in whole seconds, 5 s to 300 s.
fn default_window(interval: AdvertInterval) -> Duration {
    let three = interval.to_duration().saturating_mul(3).as_secs();
    Duration::from_secs(three.clamp(5, 300))
}
