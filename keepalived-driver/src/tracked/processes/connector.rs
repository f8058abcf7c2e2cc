//! The kernel's process connector: one datagram for each process that starts, changes its program or
//! name, or ends. Pure: bytes to events, and the request that switches it on.
//!
//! Messages are those of `linux/cn_proc.h` inside a `cn_msg` inside a netlink message, in the byte
//! order of the host.

/// The netlink protocol.
pub(super) const NETLINK_CONNECTOR: isize = 11;
/// The multicast group of process events, and the connector's number for them.
pub(super) const GROUP: u32 = 1;
const CN_IDX_PROC: u32 = 1;
const CN_VAL_PROC: u32 = 1;
const LISTEN: u32 = 1;
const NLMSG_DONE: u16 = 3;

const NETLINK_HEADER: usize = 16;
const CONNECTOR_HEADER: usize = 20;
/// What, CPU and time stamp.
const EVENT_HEADER: usize = 16;

const EVENT_NONE: u32 = 0;
const EVENT_FORK: u32 = 1;
const EVENT_EXEC: u32 = 2;
const EVENT_COMM: u32 = 0x200;
const EVENT_EXIT: u32 = 0x8000_0000;

/// Something that happened to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProcessEvent {
    /// The kernel's answer to our request: an error number, or 0.
    Answer(u32),
    /// A process was made, a copy of its parent.
    Forked(u32),
    /// It runs another program, or has another name.
    Changed(u32),
    /// It has ended.
    Ended(u32),
}

/// The request to be told.
pub(super) fn listen(own_pid: u32) -> Vec<u8> {
    let length = NETLINK_HEADER + CONNECTOR_HEADER + 4;
    let mut message = Vec::with_capacity(length);
    message.extend(u32::try_from(length).unwrap_or(0).to_ne_bytes());
    message.extend(NLMSG_DONE.to_ne_bytes());
    message.extend(0_u16.to_ne_bytes());
    message.extend(0_u32.to_ne_bytes());
    message.extend(own_pid.to_ne_bytes());
    message.extend(CN_IDX_PROC.to_ne_bytes());
    message.extend(CN_VAL_PROC.to_ne_bytes());
    message.extend(0_u32.to_ne_bytes());
    message.extend(0_u32.to_ne_bytes());
    message.extend(4_u16.to_ne_bytes());
    message.extend(0_u16.to_ne_bytes());
    message.extend(LISTEN.to_ne_bytes());
    message
}

/// Every event in a datagram. What is not understood is left out. Threads are no processes: theirs
/// are left out too.
pub(super) fn events(datagram: &[u8]) -> Vec<ProcessEvent> {
    let mut events = Vec::new();
    let mut rest = datagram;
    while let Some(length) = word(rest, 0).and_then(|length| usize::try_from(length).ok()) {
        let Some(message) = rest.get(..length).filter(|_| length >= NETLINK_HEADER) else {
            break;
        };
        events.extend(event(message));
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    events
}

fn event(message: &[u8]) -> Option<ProcessEvent> {
    let connector = message.get(NETLINK_HEADER..)?;
    if (word(connector, 0)?, word(connector, 4)?) != (CN_IDX_PROC, CN_VAL_PROC) {
        return None;
    }
    let event = connector.get(CONNECTOR_HEADER..)?;
    let data = |position: usize| word(event, EVENT_HEADER + 4 * position);
    match word(event, 0)? {
        EVENT_NONE => Some(ProcessEvent::Answer(data(0)?)),
        EVENT_FORK => {
            let (pid, leader) = (data(2)?, data(3)?);
            (pid == leader).then_some(ProcessEvent::Forked(pid))
        }
        EVENT_EXEC | EVENT_COMM => {
            let (pid, leader) = (data(0)?, data(1)?);
            (pid == leader).then_some(ProcessEvent::Changed(pid))
        }
        EVENT_EXIT => {
            let (pid, leader) = (data(0)?, data(1)?);
            (pid == leader).then_some(ProcessEvent::Ended(pid))
        }
        _ => None,
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at + 4)?;
    Some(u32::from_ne_bytes(word.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(what: u32, data: &[u32]) -> Vec<u8> {
        let mut body = Vec::new();
        for word in [CN_IDX_PROC, CN_VAL_PROC, 7, 0] {
            body.extend(word.to_ne_bytes());
        }
        body.extend(40_u16.to_ne_bytes());
        body.extend(0_u16.to_ne_bytes());
        for word in [what, 0, 1, 2] {
            body.extend(word.to_ne_bytes());
        }
        for word in data {
            body.extend(word.to_ne_bytes());
        }
        let length = u32::try_from(NETLINK_HEADER + body.len()).unwrap();
        let mut message = length.to_ne_bytes().to_vec();
        message.extend([3, 0, 0, 0]);
        message.extend([0; 8]);
        message.extend(body);
        message
    }

    /// TRK-06.
    #[test]
    fn starts_changes_and_ends_of_processes_are_told_and_those_of_threads_are_not() {
        let mut datagram = message(EVENT_FORK, &[10, 10, 20, 20]);
        datagram.extend(message(EVENT_FORK, &[10, 10, 21, 20]));
        datagram.extend(message(EVENT_EXEC, &[20, 20]));
        datagram.extend(message(EVENT_COMM, &[20, 20, 0, 0, 0, 0]));
        datagram.extend(message(EVENT_COMM, &[21, 20, 0, 0, 0, 0]));
        datagram.extend(message(EVENT_EXIT, &[21, 20, 0, 0]));
        datagram.extend(message(EVENT_EXIT, &[20, 20, 0, 0]));
        datagram.extend(message(EVENT_NONE, &[1]));
        datagram.extend(message(0x40, &[1, 2, 3]));
        assert_eq!(
            events(&datagram),
            [
                ProcessEvent::Forked(20),
                ProcessEvent::Changed(20),
                ProcessEvent::Changed(20),
                ProcessEvent::Ended(20),
                ProcessEvent::Answer(1),
            ]
        );
    }

    /// Whatever arrives, it is read to its end and no further.
    #[test]
    fn a_datagram_that_is_cut_anywhere_is_read_as_far_as_it_goes() {
        let whole = message(EVENT_EXEC, &[20, 20]);
        for length in 0..whole.len() {
            assert_eq!(events(&whole[..length]), []);
        }
        assert_eq!(events(&[0; 64]), []);
        assert_eq!(events(&[0xff; 64]), []);
    }
}
