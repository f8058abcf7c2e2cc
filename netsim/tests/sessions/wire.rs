//! What RFC 5880 says about octets and intervals, written down a second time. Nothing here comes from
//! `bfd`: a mistake shared by both sides would be invisible. Times are whole nanoseconds in `i64`.

/// The facts of a control packet, RFC 5880 4.1.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub up: bool,
    pub poll: bool,
    pub last: bool,
    pub mult: i64,
    pub my: u32,
    pub your: u32,
    pub desired_min_tx: i64,
    pub required_min_rx: i64,
}

impl Facts {
    pub fn read(octets: &[u8]) -> Option<Self> {
        let word = |at: usize| {
            let octets = octets.get(at..at + 4)?;
            Some(u32::from_be_bytes(octets.try_into().ok()?))
        };
        let flags = *octets.get(1)?;
        Some(Self {
            up: flags >> 6 == 3,
            poll: flags & 0x20 != 0,
            last: flags & 0x10 != 0,
            mult: i64::from(*octets.get(2)?),
            my: word(4)?,
            your: word(8)?,
            desired_min_tx: i64::from(word(12)?) * 1000,
            required_min_rx: i64::from(word(16)?) * 1000,
        })
    }

    /// All but the bits of a poll sequence.
    pub fn content(self) -> Self {
        Self {
            poll: false,
            last: false,
            ..self
        }
    }

    /// 6.8.4: how long whoever says `self` may be silent to one who says `own`.
    pub fn detection(&self, own: &Self) -> i64 {
        self.mult * own.required_min_rx.max(self.desired_min_tx)
    }

    /// 6.8.7: how often whoever says `self` sends to one who says `other`, before jitter.
    pub fn interval(&self, other: &Self) -> i64 {
        self.desired_min_tx.max(other.required_min_rx)
    }
}
