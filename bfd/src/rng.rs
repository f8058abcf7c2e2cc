//! Random numbers for jitter, discriminators and first sequence numbers, all from one seed.

/// SplitMix64: small, fast, and good for spreading things. Not for keeping secrets.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn next_u32(&mut self) -> u32 {
        let [a, b, c, d, ..] = self.next_u64().to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }

    /// From `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u32, high: u32) -> u32 {
        let span = u64::from(high.saturating_sub(low)).saturating_add(1);
        let offset = self.next_u64().checked_rem(span).unwrap_or_default();
        u32::try_from(offset).map_or(high, |offset| low.saturating_add(offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers that the reference implementation gives for the seed 0.
    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        let mut rng = Rng::new(0);
        assert_eq!(rng.next_u64(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(rng.next_u64(), 0x6e78_9e6a_a1b9_65f4);
        assert_eq!(rng.next_u32(), 0x06c4_5d18);
    }

    #[test]
    fn both_ends_of_a_range_come_up() {
        let mut rng = Rng::new(1);
        let mut seen: [bool; 6] = [false; 6];
        for _ in 0..200 {
            let number = rng.between(7, 9);
            seen[usize::try_from(number - 5).unwrap()] = true;
        }
        assert_eq!(seen, [false, false, true, true, true, false]);
        assert_eq!(rng.between(5, 5), 5);
    }
}
