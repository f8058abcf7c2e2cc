//! Whether a configuration makes sense.

use core::net::IpAddr;
use core::time::Duration;

use vrrp_proto::{Family, Version};

use crate::config::{InstanceConfig, Peer, Preempt, Role, Transport, V2Auth, WireFormat};
use crate::error::ConfigError;

/// KA-B-07.
const PREEMPT_DELAY_MAX: Duration = Duration::from_secs(1000);

/// KA-O-01.
const DOWN_ADVERTS_MAX: u8 = 100;

impl InstanceConfig {
    /// Checks what the types cannot express.
    ///
    /// VRRP-TMR-05, VRRP-TMR-06, VRRP-GEN-03, VRRP-V2-TX-07, VRRP-V3-TX-05, VRRP-EXT-05,
    /// VRRP-EXT-13, KA-B-07, KA-O-01.
    ///
    /// # Errors
    ///
    /// The first problem found.
    pub fn check(&self) -> Result<(), ConfigError> {
        let version = self.version();
        if version == Version::V2 && self.family == Family::Ipv6 {
            return Err(ConfigError::Version2OverIpv6);
        }
        if !self.interval.fits(version) {
            return Err(ConfigError::Interval {
                version,
                interval: self.interval,
            });
        }
        if self.down_adverts.get() > DOWN_ADVERTS_MAX {
            return Err(ConfigError::DownAdverts(self.down_adverts.get()));
        }
        if let Role::Backup {
            preempt: Preempt::After(delay),
            ..
        } = self.role
            && delay > PREEMPT_DELAY_MAX
        {
            return Err(ConfigError::PreemptDelay(delay));
        }
        if let Some(hmac) = &self.hmac {
            hmac.check()?;
            if matches!(
                self.format,
                WireFormat::V2 {
                    auth: V2Auth::Password(_) | V2Auth::Ah(_)
                }
            ) {
                return Err(ConfigError::TwoAuthentications);
            }
        }
        self.check_addresses()?;
        self.check_transport()
    }

    fn check_addresses(&self) -> Result<(), ConfigError> {
        if self.addresses.is_empty() && !self.allow_no_addresses {
            return Err(ConfigError::NoAddresses);
        }
        if self.addresses.len() > usize::from(u8::MAX) {
            return Err(ConfigError::TooManyAddresses(self.addresses.len()));
        }
        for (place, address) in self.addresses.iter().enumerate() {
            if Family::of(*address) != self.family {
                return Err(ConfigError::AddressFamily(*address));
            }
            if !is_host(*address) {
                return Err(ConfigError::AddressKind(*address));
            }
            if self.addresses.iter().take(place).any(|one| one == address) {
                return Err(ConfigError::DuplicateAddress(*address));
            }
        }
        Ok(())
    }

    fn check_transport(&self) -> Result<(), ConfigError> {
        match &self.transport {
            Transport::Multicast { group } => {
                if Family::of(*group) != self.family || !group.is_multicast() {
                    return Err(ConfigError::Group(*group));
                }
            }
            Transport::Unicast { peers, .. } => {
                for (place, peer) in peers.iter().enumerate() {
                    self.check_peer(peer)?;
                    let mut earlier = peers.iter().take(place);
                    if earlier.any(|one| one.address == peer.address) {
                        return Err(ConfigError::DuplicatePeer(peer.address));
                    }
                }
            }
        }
        Ok(())
    }

    fn check_peer(&self, peer: &Peer) -> Result<(), ConfigError> {
        if Family::of(peer.address) != self.family || !is_host(peer.address) {
            return Err(ConfigError::Peer(peer.address));
        }
        if peer
            .hop_limit
            .as_ref()
            .is_some_and(core::ops::RangeInclusive::is_empty)
        {
            return Err(ConfigError::HopLimitRange(peer.address));
        }
        Ok(())
    }
}

/// Whether this can be the address of one host.
fn is_host(address: IpAddr) -> bool {
    let broadcast = match address {
        IpAddr::V4(address) => address.is_broadcast(),
        IpAddr::V6(_) => false,
    };
    !address.is_unspecified() && !address.is_multicast() && !broadcast
}
