//! What happens again and again is told less and less often.

use std::time::Duration;

use sans_io_time::Instant;

/// Between the first two times that it is told.
const FIRST: Duration = Duration::from_secs(10);
/// At most.
const LONGEST: Duration = Duration::from_secs(300);

/// When something was told, and when it may be told again.
#[derive(Debug)]
pub(crate) struct Gaps {
    /// The end of the gap, and its length.
    last: Option<(Instant, Duration)>,
    /// So many are told within the first gap.
    freely: u32,
    /// How many of them are left.
    left: u32,
    unsaid: u64,
}

impl Gaps {
    /// So many times in a row are news each, before there are gaps.
    pub(crate) const fn after(freely: u32) -> Self {
        Self {
            last: None,
            freely,
            left: 0,
            unsaid: 0,
        }
    }

    /// It has happened. Whether to tell, and then how often it has happened since that was last done,
    /// this time not counted. After as much quiet as the gap was long it is news again.
    pub(crate) fn happened(&mut self, now: Instant) -> Option<u64> {
        let gap = match self.last {
            Some((end, _)) if now < end => {
                if let Some(left) = self.left.checked_sub(1) {
                    self.left = left;
                    return Some(0);
                }
                self.unsaid += 1;
                return None;
            }
            Some((end, gap)) if now.saturating_duration_since(end) < gap => {
                gap.saturating_mul(2).min(LONGEST)
            }
            _ => {
                self.left = self.freely.saturating_sub(1);
                FIRST
            }
        };
        let end = now.checked_add(gap).unwrap_or(now);
        self.last = Some((end, gap));
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        let start = Instant::from_nanos(0);
        start.checked_add(Duration::from_secs(seconds)).unwrap()
    }

    #[test]
    fn somebody_who_goes_on_is_told_of_in_growing_gaps() {
        let mut gaps = Gaps::after(1);
        let told: Vec<_> = (0..1200)
            .filter_map(|second| Some((second, gaps.happened(at(second))?)))
            .collect();
        let expected = [(0, 0), (10, 9), (30, 19), (70, 39), (150, 79), (310, 159)];
        assert_eq!(told[..6], expected);
        assert_eq!(told[6..], [(610, 299), (910, 299)]);
    }

    #[test]
    fn the_first_ones_are_news_each() {
        let mut gaps = Gaps::after(3);
        let told: Vec<_> = [0, 1, 2, 3, 4, 10, 11]
            .into_iter()
            .filter_map(|second| Some((second, gaps.happened(at(second))?)))
            .collect();
        assert_eq!(told, [(0, 0), (1, 0), (2, 0), (10, 2)]);
    }

    #[test]
    fn after_some_quiet_it_is_news_again() {
        let mut gaps = Gaps::after(1);
        assert_eq!(gaps.happened(at(0)), Some(0));
        assert_eq!(gaps.happened(at(1)), None);
        assert_eq!(gaps.happened(at(11)), Some(1));
        // The gap ends at 31, and so much quiet again at 51.
        assert_eq!(gaps.happened(at(52)), Some(0));
        assert_eq!(gaps.happened(at(61)), None);
        assert_eq!(gaps.happened(at(62)), Some(1));
    }
}
