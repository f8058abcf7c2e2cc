//! Strict mode: what the RFC forbids is reset (features 31.4, KA-O-02).

use std::net::IpAddr;
use std::time::Duration;

use vrrp_proto::Version;

use super::{Behaviour, Draft};
use crate::model::instance::Announce;
use crate::tree::Span;

impl Draft<'_> {
    /// Resets what strict mode forbids, and says so where the instance itself asks for it.
    pub(super) fn strict(
        &mut self,
        version: Version,
        behaviour: &mut Behaviour,
        announce: &mut Announce,
    ) {
        let first = self
            .raw
            .addresses
            .first()
            .map(|vip| (vip.address, vip.span));
        if let Some((IpAddr::V6(address), span)) = first
            && !address.is_unicast_link_local()
        {
            self.warning(
                "strict-address",
                span,
                "in strict mode the first address is link-local",
            )
            .help("put an fe80:: address first");
        }
        if let Some(span) = self.raw.accept
            && version == Version::V2
        {
            self.reset(span, "`accept` with version 2 is against the RFC");
        }
        if behaviour.down_timer_adverts != 3 {
            let span = self.raw.down_timer_adverts.map(|count| count.span);
            self.reset(
                span.unwrap_or(self.name.span),
                "`down_timer_adverts` must be 3",
            );
            behaviour.down_timer_adverts = 3;
        }
        if let Some(span) = self.raw.announce.lower_prio
            && (announce.lower_prio_repeat > 0 || !announce.lower_prio_delay.is_zero())
        {
            self.reset(span, "a lower-priority advert must cause no announcement");
        }
        announce.lower_prio_repeat = 0;
        announce.lower_prio_delay = Duration::ZERO;
        if let Some(setting) = self
            .raw
            .lower_prio_no_advert
            .filter(|setting| !setting.value)
        {
            self.reset(setting.span, "`lower_prio_no_advert` must be on");
        }
        behaviour.lower_prio_no_advert = true;
        if let Some(setting) = self
            .raw
            .higher_prio_send_advert
            .filter(|setting| setting.value)
        {
            self.reset(setting.span, "`higher_prio_send_advert` must be off");
        }
        behaviour.higher_prio_send_advert = false;
        behaviour.owner_ignore_adverts = true;
    }

    fn reset(&mut self, span: Span, message: &str) {
        self.warning("corrected", span, format!("strict mode: {message}"))
            .help("the line does nothing; remove it or strict mode");
    }
}
