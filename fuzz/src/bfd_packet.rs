//! Any bytes are a BFD packet or an error, and a packet that is written again says the same.

use bfd::{ControlPacket, MAX_LEN, Signature};

/// One payload. BFD-RX-23.
pub fn run(data: &[u8]) {
    let Ok(packet) = ControlPacket::parse(data) else {
        return;
    };
    let control = *packet.control();
    let mut out = [0; MAX_LEN];
    if control.poll && control.final_bit {
        assert!(control.emit(&Signature::None, &mut out).is_err());
        return;
    }
    let length = control
        .emit(&Signature::None, &mut out)
        .expect("what was read can be written");
    let again = ControlPacket::parse(&out[..length]).expect("what was written can be read");
    assert_eq!(*again.control(), control);
}
