//! What the loop keeps for one instance beside its state machine.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use netlink_vip::{Burst, Object, OwnerId};
use vrrp_fsm::{Authenticate, Fault, Instance, InterfaceId, Reason, State, Transmit, Transport};
use vrrp_proto::{EmitError, HOP_LIMIT, IpMeta};

use crate::config::InstanceSetup;
use crate::sockets::vrrp::{Datagram, build};

/// One instance at run time.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) setup: Arc<InstanceSetup>,
    pub(super) interface: InterfaceId,
    pub(super) owner: OwnerId,
    /// Where its adverts leave: its own interface, or a device on it.
    pub(super) outward: InterfaceId,
    /// Owner of the address of its device, if that has one of its own.
    pub(super) device_owner: Option<OwnerId>,
    /// Under which its announcements on other interfaces are scheduled.
    pub(super) extra_owner: Option<OwnerId>,
    /// The faults this loop has told the state machine, with the details for people.
    pub(super) faults: Vec<(Fault, String)>,
    /// The sum of tracker weights it has told.
    pub(super) adjustment: i16,
    /// The source address it has told.
    pub(super) source: Option<IpAddr>,
    /// What the kernel refuses, at the last word. The other addresses are held and announced all
    /// the same.
    pub(super) refused: Vec<Object>,
    /// What others removed and was put back, and how often since the last change of the definition.
    pub(super) repairs: Vec<(Object, u64)>,
    /// An announcement that waits until the kernel has the addresses.
    pub(super) announce: Option<Burst>,
    pub(super) last_transition: Option<(SystemTime, Reason)>,
    /// The state in the first report about it, which stands for the transition into that state.
    pub(super) first_state: Option<State>,
    encoded: Encoded,
}

/// Why an advert cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum EncodeError {
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// Never sent without.
    #[error("it cannot be signed without knowing the time of day")]
    Unsigned,
}

/// The datagrams of the current advert, rebuilt only when the advert changes.
#[derive(Debug, Default)]
struct Encoded {
    version: Option<(u32, IpAddr)>,
    datagrams: Vec<Datagram>,
}

impl Running {
    pub(super) fn new(setup: Arc<InstanceSetup>, interface: InterfaceId, owner: OwnerId) -> Self {
        Self {
            setup,
            interface,
            owner,
            outward: interface,
            device_owner: None,
            extra_owner: None,
            // A new state machine begins with this fault set.
            faults: vec![(Fault::NoReceivePath, String::new())],
            adjustment: 0,
            source: None,
            refused: Vec::new(),
            repairs: Vec::new(),
            announce: None,
            last_transition: None,
            first_state: None,
            encoded: Encoded::default(),
        }
    }

    /// The definition changed: nothing encoded is valid any more.
    pub(super) fn replace(&mut self, setup: Arc<InstanceSetup>) {
        self.setup = setup;
        self.repairs.clear();
        self.encoded = Encoded::default();
    }

    /// Somebody else removed it and it was put back.
    pub(super) fn note_repair(&mut self, object: &Object) {
        match self.repairs.iter_mut().find(|(known, _)| known == object) {
            Some((_, times)) => *times = times.saturating_add(1),
            None => self.repairs.push((object.clone(), 1)),
        }
    }

    /// The datagrams that carry the current advert, one per destination.
    pub(super) fn advert(
        &mut self,
        instance: &Instance,
        with: Authenticate,
    ) -> Result<&[Datagram], EncodeError> {
        let Some(source) = instance.primary_address() else {
            return Ok(&[]);
        };
        let version = (instance.advert_version(), source);
        // One that is authenticated is never the same twice. Should it fail, nothing must be left to
        // be sent in its place.
        if with != Authenticate::Nothing || self.encoded.version != Some(version) {
            self.encoded = Encoded::default();
            self.encoded.datagrams = self.encode(instance, Transmit::Advert, source, with)?;
            self.encoded.version = (with == Authenticate::Nothing).then_some(version);
        }
        Ok(&self.encoded.datagrams)
    }

    /// The datagrams that carry the current advert, as last encoded by [`Self::advert`].
    pub(super) fn encoded(&self) -> &[Datagram] {
        &self.encoded.datagrams
    }

    /// The datagrams that say the router is leaving.
    pub(super) fn release(
        &self,
        instance: &Instance,
        with: Authenticate,
    ) -> Result<Vec<Datagram>, EncodeError> {
        match instance.primary_address() {
            Some(source) => self.encode(instance, Transmit::Release, source, with),
            None => Ok(Vec::new()),
        }
    }

    fn encode(
        &self,
        instance: &Instance,
        transmit: Transmit,
        source: IpAddr,
        with: Authenticate,
    ) -> Result<Vec<Datagram>, EncodeError> {
        let advert = instance.advert(transmit);
        let datagram = |destination, hop_limit| {
            let ip = IpMeta {
                source,
                destination,
                hop_limit,
            };
            match with {
                Authenticate::Nothing => Ok(build(&ip, advert.buffer_len(), |out| {
                    advert.emit(&ip, out)
                })?),
                Authenticate::Trailer(trailer) => {
                    let length = advert.buffer_len() + trailer.len();
                    let emit = |out: &mut [u8]| advert.emit_with_trailer(&ip, &trailer, out);
                    Ok(build(&ip, length, emit)?)
                }
                Authenticate::Ah { key, sequence } => {
                    let mut bytes = vec![0; advert.ah_packet_len()];
                    let length = advert.emit_ah(&ip, &key, sequence, &mut bytes)?;
                    bytes.truncate(length);
                    Ok(Datagram { destination, bytes })
                }
                Authenticate::Impossible => Err(EncodeError::Unsigned),
            }
        };
        match &instance.config().transport {
            Transport::Multicast { group } => Ok(vec![datagram(*group, HOP_LIMIT)?]),
            Transport::Unicast { peers, .. } => peers
                .iter()
                .map(|peer| datagram(peer.address, self.setup.unicast_hop_limit))
                .collect(),
        }
    }

    /// When a transition happened, for dumps.
    pub(super) fn note_transition(&mut self, at: SystemTime, reason: Reason) {
        self.last_transition = Some((at, reason));
    }
}
