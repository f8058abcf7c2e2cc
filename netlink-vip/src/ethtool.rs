//! Whether the driver of an interface sees a link, asked through the generic netlink family `ethtool`.
//!
//! The kernel's news of links ([`Link::up`](crate::Link::up)) are what drivers tell it. A driver that tells
//! nothing may still answer when it is asked; some read the registers of the transceiver (MII) for that.

use crate::name::InterfaceName;

/// `GENL_ID_CTRL`, `CTRL_CMD_GETFAMILY` and its attributes.
const CONTROL: u16 = 16;
const GET_FAMILY: u8 = 3;
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;
/// `ETHTOOL_MSG_LINKSTATE_GET` and its attributes.
const GET_LINK_STATE: u8 = 6;
const HEADER: u16 = 1;
const HEADER_NAME: u16 = 2;
const LINK: u16 = 2;

const NESTED: u16 = 1 << 15;
const TYPE: u16 = (1 << 14) - 1;
const REQUEST: u16 = 1;
const ERROR: u16 = 2;
const MESSAGE_HEADER: usize = 16;
const GENERIC_HEADER: usize = 4;
/// `EPROTO`: what came is no answer.
const PROTOCOL: i32 = 71;

/// Asks for the number of the family.
#[must_use]
pub fn family_request() -> Vec<u8> {
    request(CONTROL, GET_FAMILY, &attribute(FAMILY_NAME, b"ethtool\0"))
}

/// Asks for the link of this interface; `family` is the answer to [`family_request`].
#[must_use]
pub fn link_request(family: u16, interface: InterfaceName) -> Vec<u8> {
    let mut name = interface.as_str().as_bytes().to_vec();
    name.push(0);
    let header = attribute(HEADER_NAME, &name);
    request(family, GET_LINK_STATE, &attribute(HEADER | NESTED, &header))
}

/// The number of the family.
///
/// # Errors
/// The kernel's error number, or that of a broken answer.
pub fn family(datagram: &[u8]) -> Result<u16, i32> {
    let value = find(datagram, FAMILY_ID)?.ok_or(PROTOCOL)?;
    let octets = value.try_into().map_err(|_| PROTOCOL)?;
    Ok(u16::from_ne_bytes(octets))
}

/// Whether there is a link; `None`: the driver says nothing.
///
/// # Errors
/// The kernel's error number, or that of a broken answer. `EOPNOTSUPP` (95): the driver cannot be asked.
pub fn link(datagram: &[u8]) -> Result<Option<bool>, i32> {
    let value = find(datagram, LINK)?;
    Ok(value.and_then(|value| value.first()).map(|up| *up != 0))
}

fn request(kind: u16, command: u8, attributes: &[u8]) -> Vec<u8> {
    let length = MESSAGE_HEADER + GENERIC_HEADER + attributes.len();
    let mut out = Vec::with_capacity(length);
    out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_ne_bytes());
    out.extend(kind.to_ne_bytes());
    out.extend(REQUEST.to_ne_bytes());
    // Number of the request, and of the sender: there is one at a time, and the kernel knows us.
    out.extend([0; 8]);
    out.extend([command, 1, 0, 0]);
    out.extend(attributes);
    out
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
    let mut out = Vec::new();
    out.extend(length.to_ne_bytes());
    out.extend(kind.to_ne_bytes());
    out.extend(value);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

/// The value of an attribute of the first message.
fn find(datagram: &[u8], wanted: u16) -> Result<Option<&[u8]>, i32> {
    let (header, body) = datagram.split_at_checked(MESSAGE_HEADER).ok_or(PROTOCOL)?;
    let length = usize::try_from(u32_at(header, 0)?).map_err(|_| PROTOCOL)?;
    let length = length.checked_sub(MESSAGE_HEADER).ok_or(PROTOCOL)?;
    let body = body.get(..length).ok_or(PROTOCOL)?;
    if u16_at(header, 4)? == ERROR {
        let errno = u32_at(body, 0)?;
        return Err(i32::from_ne_bytes(errno.to_ne_bytes()).saturating_neg());
    }
    let mut rest = body.get(GENERIC_HEADER..).ok_or(PROTOCOL)?;
    while rest.len() >= 4 {
        let length = usize::from(u16_at(rest, 0)?);
        let value = rest.get(4..length).ok_or(PROTOCOL)?;
        if u16_at(rest, 2)? & TYPE == wanted {
            return Ok(Some(value));
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(None)
}

fn u16_at(octets: &[u8], at: usize) -> Result<u16, i32> {
    let two = octets.get(at..).and_then(|rest| rest.first_chunk());
    two.copied().map(u16::from_ne_bytes).ok_or(PROTOCOL)
}

fn u32_at(octets: &[u8], at: usize) -> Result<u32, i32> {
    let four = octets.get(at..).and_then(|rest| rest.first_chunk());
    four.copied().map(u32::from_ne_bytes).ok_or(PROTOCOL)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `strace -xx -e trace=sendto,recvfrom` of the daemon on Linux 6.18, with the message headers (length,
    /// type, flags, number, port) put together from what `strace` makes of them. On eth0, a veth, there is
    /// no link; dummy0 does not exist.
    #[test]
    #[cfg(target_endian = "little")]
    fn requests_and_answers_are_those_of_the_kernel() {
        let header = |length: u8, kind: u8, flags: u16, port: u32| {
            let mut header = vec![length, 0, 0, 0, kind, 0];
            header.extend(flags.to_le_bytes());
            header.extend([0; 4]);
            header.extend(port.to_le_bytes());
            header
        };
        let asked = b"\x03\x01\x00\x00\x0c\x00\x02\x00\x65\x74\x68\x74\x6f\x6f\x6c\x00";
        assert_eq!(
            family_request(),
            [&header(32, 16, 1, 0)[..], asked].concat()
        );
        let answered = b"\x01\x02\x00\x00\x0c\x00\x02\x00\x65\x74\x68\x74\x6f\x6f\x6c\x00\
            \x06\x00\x01\x00\x15\x00\x00\x00\x08\x00\x03\x00\x01\x00\x00\x00";
        let answer = [&header(48, 16, 0, 25485)[..], answered].concat();
        assert_eq!(family(&answer), Ok(21));

        let asked =
            b"\x06\x01\x00\x00\x10\x00\x01\x80\x09\x00\x02\x00\x65\x74\x68\x30\x00\x00\x00\x00";
        let request = link_request(21, InterfaceName::new("eth0").unwrap());
        assert_eq!(request, [&header(36, 21, 1, 0)[..], asked].concat());
        let down =
            b"\x06\x01\x00\x00\x18\x00\x01\x80\x08\x00\x01\x00\x03\x00\x00\x00\x09\x00\x02\x00\
            \x65\x74\x68\x30\x00\x00\x00\x00\x05\x00\x02\x00\x00\x00\x00\x00";
        let answer = [&header(52, 21, 0, 25485)[..], down].concat();
        assert_eq!(link(&answer), Ok(Some(false)));
        let up =
            b"\x06\x01\x00\x00\x14\x00\x01\x80\x08\x00\x01\x00\x01\x00\x00\x00\x07\x00\x02\x00\
            \x6c\x6f\x00\x00\x05\x00\x02\x00\x01\x00\x00\x00";
        let answer = [&header(48, 21, 0, 25485)[..], up].concat();
        assert_eq!(link(&answer), Ok(Some(true)));
        let silent = [&header(36, 21, 0, 25485)[..], &up[..16], &[0; 4]].concat();
        assert_eq!(link(&silent), Err(PROTOCOL));
        assert_eq!(link(&answer[..16]), Err(PROTOCOL));

        const ENODEV: i32 = 19;
        let error = (-ENODEV).to_le_bytes();
        let refused = [
            &header(36, 2, 0x100, 25485)[..],
            &error,
            &header(36, 21, 1, 0),
        ]
        .concat();
        assert_eq!(link(&refused), Err(ENODEV));
    }

    #[test]
    fn what_is_cut_short_is_no_answer() {
        let whole = {
            let mut whole = family_request();
            whole[4] = 99;
            whole
        };
        for length in 0..whole.len() {
            assert_eq!(family(&whole[..length]), Err(PROTOCOL), "{length}");
        }
        // Another attribute than the one that is looked for.
        assert_eq!(family(&whole), Err(PROTOCOL));
    }
}
