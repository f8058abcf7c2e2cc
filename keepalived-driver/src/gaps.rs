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
    unsaid: u64,
}

impl Gaps {
    pub(crate) const fn new() -> Self {
        Self {
            last: None,
            unsaid: 0,
        }
    }

    /// It has happened. Whether to tell, and then how often it has happened since that was last done,
    /// this time not counted. After as much quiet as the gap was long it is news again.
    pub(crate) fn happened(&mut self, now: Instant) -> Option<u64> {
        let gap = match self.last {
            Some((end, _)) if now < end => {
                self.unsaid += 1;
                return None;
            }
            Some((end, gap)) if now.saturating_duration_since(end) < gap => {
                gap.saturating_mul(2).min(LONGEST)
            }
            _ => FIRST,
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
        let mut gaps = Gaps::new();
        let told: Vec<_> = (0..1200)
            .filter_map(|second| Some((second, gaps.happened(at(second))?)))
            .collect();
        let expected = [(0, 0), (10, 9), (30, 19), (70, 39), (150, 79), (310, 159)];
        assert_eq!(told[..6], expected);
        assert_eq!(told[6..], [(610, 299), (910, 299)]);
    }

    #[test]
    fn after_some_quiet_it_is_news_again() {
        let mut gaps = Gaps::new();
        assert_eq!(gaps.happened(at(0)), Some(0));
        assert_eq!(gaps.happened(at(1)), None);
        assert_eq!(gaps.happened(at(11)), Some(1));
        // The gap ends at 31, and so much quiet again at 51.
        assert_eq!(gaps.happened(at(52)), Some(0));
        assert_eq!(gaps.happened(at(61)), None);
        assert_eq!(gaps.happened(at(62)), Some(1));
    }
}
