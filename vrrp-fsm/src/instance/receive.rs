//! The way of a packet: parse, admit, transition.

use vrrp_proto::{AhPacket, IpMeta, Priority, Version};

use crate::Instant;
use crate::action::State;
use crate::admit::{Admitted, Local};
use crate::config::Role;
use crate::error::Rejected;
use crate::notice::Notice;

use super::{Instance, add_one};

impl Instance {
    /// Takes a received VRRP message and what the IP header said.
    ///
    /// FSM-V2-I-03, FSM-V3-I-03, FSM-V2-M-10: in Initialize a good advert is
    /// [`NotRunning`](Rejected::NotRunning), and a bad one is still told apart, so that it can be
    /// seen what is wrong before the router ever runs.
    ///
    /// # Errors
    ///
    /// Why the packet changed nothing but the counters.
    pub fn handle_packet(
        &mut self,
        now: Instant,
        ip: &IpMeta,
        message: &[u8],
    ) -> Result<(), Rejected> {
        self.receive(now, ip, message, None)
    }

    /// Takes a received packet with an IP authentication header. VRRP-V2-AUTH-05, VRRP-V2-AUTH-06.
    ///
    /// # Errors
    ///
    /// As for [`handle_packet`](Self::handle_packet).
    pub fn handle_ah_packet(
        &mut self,
        now: Instant,
        packet: &AhPacket<'_>,
    ) -> Result<(), Rejected> {
        self.receive(now, packet.meta(), packet.message(), Some(packet))
    }

    fn receive(
        &mut self,
        now: Instant,
        ip: &IpMeta,
        message: &[u8],
        header: Option<&AhPacket<'_>>,
    ) -> Result<(), Rejected> {
        let admitted = self.admit(now, ip, message, header).inspect_err(|reason| {
            self.rejected(now, ip, message, *reason);
        })?;
        self.remark(now, &admitted);
        let heard = admitted.heard;
        add_one(&mut self.stats.adverts_received);
        if heard.priority == Priority::RELEASE {
            add_one(&mut self.stats.priority_zero_received);
        }
        match self.state {
            State::Initialize => {}
            State::Backup => self.advert_in_backup(now, heard),
            State::Active => self.advert_in_active(now, heard),
        }
        Ok(())
    }

    /// What is good moves the marks against replays, also while the router is not running: what it
    /// hears then must not count for new later.
    fn admit(
        &mut self,
        now: Instant,
        ip: &IpMeta,
        message: &[u8],
        header: Option<&AhPacket<'_>>,
    ) -> Result<Admitted, Rejected> {
        let local = Local {
            config: &self.config,
            list: &self.list,
            primary: self.primary,
            known: self.accepted.map(|heard| heard.source),
            wall: self.wall_time(now),
            signatures: &self.signatures,
            ah_sequence: self.ah_sequence,
            ah_accepted: self.ah_accepted,
        };
        let admitted = local.admit(ip, message, header)?;
        if let Some(header) = header {
            self.ah_sequence = header.sequence();
            self.ah_accepted = header.sequence();
        }
        if let Some(verified) = &admitted.signature {
            self.signatures.remember(verified);
        }
        if self.state == State::Initialize {
            return Err(Rejected::NotRunning);
        }
        Ok(admitted)
    }

    /// Counts a rejected packet, always, and reports it, now and then. VRRP-GEN-05, VRRP-GEN-06.
    fn rejected(&mut self, now: Instant, ip: &IpMeta, message: &[u8], reason: Rejected) {
        self.stats.rejections.add(&reason);
        self.stats.last_reject = Some((now, reason));
        let own_priority = Some(&self.priority.get()) == message.get(2);
        match reason {
            // Expected, and nothing to worry about.
            Rejected::NotRunning | Rejected::OwnerIgnores => {}
            // KA-M-06, FSM-V2-M-07, FSM-V3-A-08.
            Rejected::OwnAdvert if own_priority => self.notice(
                now,
                Notice::SameAddressAndPriority {
                    source: ip.source,
                    priority: self.priority,
                },
            ),
            _ => {
                if reason == Rejected::Addresses {
                    add_one(&mut self.stats.address_list_errors);
                }
                let total = self.stats.rejected(&reason);
                self.notice(now, Notice::Rejected { reason, total });
            }
        }
    }

    /// Reports what is odd about an admitted advert. VRRP-V2-RX-08, VRRP-V2-RX-12, VRRP-V3-RX-07,
    /// VRRP-V3-RX-10, VRRP-V3-RX-11, VRRP-V3-RX-13, VRRP-V3-RX-16, VRRP-GEN-11.
    fn remark(&mut self, now: Instant, admitted: &Admitted) {
        let source = admitted.heard.source;
        if let Some(seconds) = admitted
            .signature
            .and_then(|signature| signature.clock_differs)
        {
            self.notice(now, Notice::ClockDiffers { source, seconds });
        }
        if admitted.other_addresses {
            add_one(&mut self.stats.address_list_errors);
            self.notice(now, Notice::AddressListMismatch { source });
        }
        if admitted.other_interval && self.config.version() == Version::V3 {
            add_one(&mut self.stats.interval_differences);
            let theirs = admitted.heard.interval;
            self.notice(now, Notice::IntervalMismatch { source, theirs });
        }
        if admitted.first_not_link_local {
            self.notice(now, Notice::FirstAddressNotLinkLocal { source });
        }
        if admitted.source_not_link_local {
            self.notice(now, Notice::SourceNotLinkLocal { source });
        }
        if self.config.role == Role::Owner && admitted.heard.priority == Priority::OWNER {
            self.notice(now, Notice::SecondOwner { source });
        }
    }
}
