//! What can be asked of the kernel.

use netlink_packet_core::{Emitable, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader};
use netlink_packet_generic::GenlFamily;

use super::attributes::ServiceAttribute;
use super::convert;
use super::family::FamilyId;
use super::message::{Attribute, Command, Message};
use crate::daemon::{SyncDaemon, SyncRole, Timeouts};
use crate::error::DecodeError;
use crate::service::{Service, ServiceKey};
use crate::table::Op;

/// A request. Each is one message: the family knows no batches, but a datagram can hold many.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A change of the table; answered by an acknowledgement.
    Change(Op),
    /// Changes only the flags in `mask` of a service, and whatever else differs.
    SetServiceFlags {
        /// The service.
        service: Service,
        /// Which bits of its flags are meant.
        mask: u32,
    },
    /// One service; answered by it, or by "no such service".
    GetService(ServiceKey),
    /// All services.
    DumpServices,
    /// All destinations of a service; none for a service that does not exist.
    DumpDestinations(ServiceKey),
    /// Starts a sync daemon.
    StartDaemon(SyncDaemon),
    /// Stops the sync daemon of this role.
    StopDaemon(SyncRole),
    /// The sync daemons that run.
    DumpDaemons,
    /// Changes timeouts of connections.
    SetTimeouts(Timeouts),
    /// The timeouts of connections.
    GetTimeouts,
    /// Version and size of the connection table.
    GetInfo,
    /// Sets the counters of a service, or all counters, to zero.
    Zero(Option<ServiceKey>),
    /// Removes every service, also those of others (IPVS-OPS-02).
    Flush,
}

impl Op {
    /// The command that it is sent as; errors are read with it.
    #[must_use]
    pub const fn command(&self) -> Command {
        match self {
            Self::NewService(_) => Command::NEW_SERVICE,
            Self::SetService(_) => Command::SET_SERVICE,
            Self::DelService(_) => Command::DEL_SERVICE,
            Self::NewDest(..) => Command::NEW_DEST,
            Self::SetDest(..) => Command::SET_DEST,
            Self::DelDest(..) => Command::DEL_DEST,
        }
    }
}

impl Request {
    /// The command that it sends; errors are read with it.
    #[must_use]
    pub const fn command(&self) -> Command {
        match self {
            Self::Change(op) => op.command(),
            Self::SetServiceFlags { .. } => Command::SET_SERVICE,
            Self::GetService(_) | Self::DumpServices => Command::GET_SERVICE,
            Self::DumpDestinations(_) => Command::GET_DEST,
            Self::StartDaemon(_) => Command::NEW_DAEMON,
            Self::StopDaemon(_) => Command::DEL_DAEMON,
            Self::DumpDaemons => Command::GET_DAEMON,
            Self::SetTimeouts(_) => Command::SET_CONFIG,
            Self::GetTimeouts => Command::GET_CONFIG,
            Self::GetInfo => Command::GET_INFO,
            Self::Zero(_) => Command::ZERO,
            Self::Flush => Command::FLUSH,
        }
    }

    /// Whether it is answered by a list that ends with a message of its own.
    #[must_use]
    pub const fn is_dump(&self) -> bool {
        matches!(
            self,
            Self::DumpServices | Self::DumpDestinations(_) | Self::DumpDaemons
        )
    }

    /// Whether the kernel answers in every case. When a sync daemon is stopped before its thread has
    /// run for the first time, the thread's end is "interrupted", and netlink acknowledges nothing
    /// that ends so: the daemon is gone, and no answer comes. Send a request that is always answered
    /// after it, and take the answer to that for both.
    #[must_use]
    pub const fn is_always_answered(&self) -> bool {
        !matches!(self, Self::StopDaemon(_))
    }

    /// As attributes.
    #[must_use]
    pub fn message(&self) -> Message {
        let message = Message::new(self.command());
        let service = |attributes: Vec<ServiceAttribute>| Attribute::Service(attributes);
        let ids = |key: &ServiceKey| service(convert::service_ids(key));
        match self {
            Self::Change(Op::NewService(all) | Op::SetService(all)) => {
                message.with(service(convert::service_full(all, u32::MAX)))
            }
            Self::SetServiceFlags { service: all, mask } => {
                message.with(service(convert::service_full(all, *mask)))
            }
            Self::Change(Op::DelService(key)) => message.with(ids(key)),
            Self::Change(Op::NewDest(key, destination) | Op::SetDest(key, destination)) => {
                let nest = convert::destination_full(destination);
                message.with(ids(key)).with(Attribute::Destination(nest))
            }
            Self::Change(Op::DelDest(key, destination)) => {
                let nest = convert::destination_ids(destination);
                message.with(ids(key)).with(Attribute::Destination(nest))
            }
            Self::GetService(key) | Self::DumpDestinations(key) | Self::Zero(Some(key)) => {
                message.with(ids(key))
            }
            Self::StartDaemon(daemon) => {
                message.with(Attribute::Daemon(convert::daemon_full(daemon)))
            }
            Self::StopDaemon(role) => {
                message.with(Attribute::Daemon(convert::daemon_ids(*role, "", 0)))
            }
            Self::SetTimeouts(timeouts) => {
                let Timeouts { tcp, tcp_fin, udp } = timeouts;
                let attributes = [
                    tcp.map(Attribute::TimeoutTcp),
                    tcp_fin.map(Attribute::TimeoutTcpFin),
                    udp.map(Attribute::TimeoutUdp),
                ];
                attributes
                    .into_iter()
                    .flatten()
                    .fold(message, Message::with)
            }
            Self::DumpServices
            | Self::DumpDaemons
            | Self::GetTimeouts
            | Self::GetInfo
            | Self::Zero(None)
            | Self::Flush => message,
        }
    }

    /// Reads a request, as a kernel would: for tests with a kernel that is none.
    ///
    /// # Errors
    /// What is missing or wrong. A command that is no request is [`DecodeError::Missing`].
    pub fn from_message(message: &Message, dump: bool) -> Result<Self, DecodeError> {
        let service = || message.service().ok_or(DecodeError::Missing("SERVICE"));
        let key = || convert::key_of(service()?);
        let destination = || {
            let nest = message.destination();
            nest.ok_or(DecodeError::Missing("DEST"))
        };
        let full = || {
            let family = key()?.family();
            convert::destination(destination()?, family).map(|status| status.destination)
        };
        let daemon = || message.daemon().ok_or(DecodeError::Missing("DAEMON"));
        Ok(match message.command {
            Command::NEW_SERVICE => {
                let service = convert::service(service()?)?.service;
                Self::Change(Op::NewService(service))
            }
            Command::SET_SERVICE => {
                let attributes = service()?;
                let service = convert::service(attributes)?.service;
                let masks = attributes.iter().find_map(|attribute| match attribute {
                    ServiceAttribute::Flags { mask, .. } => Some(*mask),
                    _ => None,
                });
                match masks.ok_or(DecodeError::Missing("FLAGS"))? {
                    u32::MAX => Self::Change(Op::SetService(service)),
                    mask => Self::SetServiceFlags { service, mask },
                }
            }
            Command::DEL_SERVICE => Self::Change(Op::DelService(key()?)),
            Command::GET_SERVICE if dump => Self::DumpServices,
            Command::GET_SERVICE => Self::GetService(key()?),
            Command::NEW_DEST => Self::Change(Op::NewDest(key()?, full()?)),
            Command::SET_DEST => Self::Change(Op::SetDest(key()?, full()?)),
            Command::DEL_DEST => {
                let key = key()?;
                let destination = convert::destination_key(destination()?, key.family())?;
                Self::Change(Op::DelDest(key, destination))
            }
            Command::GET_DEST => Self::DumpDestinations(key()?),
            Command::NEW_DAEMON => Self::StartDaemon(convert::daemon(daemon()?)?),
            Command::DEL_DAEMON => {
                let role = daemon()?.iter().find_map(|attribute| match attribute {
                    super::DaemonAttribute::State(1) => Some(SyncRole::Master),
                    super::DaemonAttribute::State(2) => Some(SyncRole::Backup),
                    _ => None,
                });
                Self::StopDaemon(role.ok_or(DecodeError::Missing("STATE"))?)
            }
            Command::GET_DAEMON => Self::DumpDaemons,
            Command::SET_CONFIG => Self::SetTimeouts(timeouts(message)),
            Command::GET_CONFIG => Self::GetTimeouts,
            Command::GET_INFO => Self::GetInfo,
            Command::ZERO => Self::Zero(message.service().map(convert::key_of).transpose()?),
            Command::FLUSH => Self::Flush,
            _ => return Err(DecodeError::Missing("a known command")),
        })
    }

    /// Appends the message. Answers carry `seq`; the end is aligned for the next one.
    pub fn encode(&self, family: FamilyId, seq: u32, out: &mut Vec<u8>) {
        // A dump is not acknowledged, whatever is asked for; two of them ask as ipvsadm does.
        let flags = match self {
            Self::DumpDestinations(_) => NLM_F_DUMP,
            _ if self.is_dump() => NLM_F_DUMP | NLM_F_ACK,
            _ => NLM_F_ACK,
        };
        self.encode_with(flags, family, seq, out);
    }

    /// The same, but only a refusal is answered. The kernel works requests off in their order, so
    /// the answer to a later one ([`Self::encode`]) says that this one was not refused.
    pub fn encode_unacknowledged(&self, family: FamilyId, seq: u32, out: &mut Vec<u8>) {
        self.encode_with(0, family, seq, out);
    }

    fn encode_with(&self, flags: u16, family: FamilyId, seq: u32, out: &mut Vec<u8>) {
        let message = self.message();
        frame(family.0, NLM_F_REQUEST | flags, seq, out, |out| {
            // Command, version, and two octets that mean nothing.
            out.extend_from_slice(&[GenlFamily::command(&message), message.version(), 0, 0]);
            message.append(out);
        });
    }
}

/// The timeouts in a message.
pub(super) fn timeouts(message: &Message) -> Timeouts {
    let mut timeouts = Timeouts::default();
    for attribute in &message.attributes {
        match attribute {
            Attribute::TimeoutTcp(seconds) => timeouts.tcp = Some(*seconds),
            Attribute::TimeoutTcpFin(seconds) => timeouts.tcp_fin = Some(*seconds),
            Attribute::TimeoutUdp(seconds) => timeouts.udp = Some(*seconds),
            _ => {}
        }
    }
    timeouts
}

/// A netlink message whose body `body` appends; a multiple of four long.
pub(super) fn frame(
    kind: u16,
    flags: u16,
    seq: u32,
    out: &mut Vec<u8>,
    body: impl FnOnce(&mut Vec<u8>),
) {
    let mut header = NetlinkHeader::default();
    header.message_type = kind;
    header.flags = flags;
    header.sequence_number = seq;
    let start = out.len();
    let behind = start.saturating_add(header.buffer_len());
    out.resize(behind, 0);
    body(out);
    let length = out.len().saturating_sub(start);
    header.length = u32::try_from(length).unwrap_or(u32::MAX);
    if let Some(room) = out.get_mut(start..behind) {
        header.emit(room);
    }
}
