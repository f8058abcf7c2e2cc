//! What tracked objects do to a virtual router: pure arithmetic on present facts.
//!
//! A tracker reports how its object is now ([`TrackStatus`]); each router that uses it says how
//! much that counts ([`Influence`]); [`Effects`] adds up. Nothing here remembers anything, so the
//! order in which the facts came cannot matter.

/// How a tracked object is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TrackStatus {
    /// Nobody has looked yet.
    #[default]
    Unknown,
    /// In order.
    Up,
    /// Not in order.
    Down,
    /// A number that speaks for itself (`track_file`).
    Value(i64),
}

/// How much a tracked object counts for one router.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Influence {
    /// Zero: the router must not run while the object is not in order, or while its number is not
    /// zero. Otherwise it moves the priority: positive, it is added while in order; negative, it
    /// is taken while not in order; a number is multiplied by it. -254..=254.
    pub weight: i16,
    /// Negates the amount; with weight zero, the router must not run while the object is in
    /// order.
    pub reverse: bool,
}

/// A number times its weight at or below this is a fault (KA-W-06).
const FAULT_AT: i64 = -254;
/// A number times its weight adds at most this.
const MOST: i64 = 253;

impl Influence {
    /// An influence of this weight, not reversed.
    #[must_use]
    pub const fn new(weight: i16) -> Self {
        Self {
            weight,
            reverse: false,
        }
    }

    /// Sets [`reverse`](Self::reverse). TRK-08.
    #[must_use]
    pub const fn with_reverse(mut self, reverse: bool) -> Self {
        self.reverse = reverse;
        self
    }

    /// What an object like this does to the router. KA-W-01 to KA-W-03 and KA-W-06, as measured
    /// with keepalived 2.2.7: `weight 20 reverse` takes 20 while the object is in order, `weight
    /// -20 reverse` adds 20 while it is not. KA-W-02.
    #[must_use]
    pub fn effect(self, status: TrackStatus) -> Effect {
        match status {
            TrackStatus::Unknown if self.weight == 0 => Effect::Waiting,
            TrackStatus::Unknown => Effect::NONE,
            TrackStatus::Up => self.verdict(true),
            TrackStatus::Down => self.verdict(false),
            TrackStatus::Value(value) => self.number(value),
        }
    }

    fn verdict(self, good: bool) -> Effect {
        if self.weight == 0 {
            return if good == self.reverse {
                Effect::Fault
            } else {
                Effect::NONE
            };
        }
        // Whether it counts now depends on the sign as written; only the amount is negated.
        if (self.weight > 0) == good {
            Effect::Adjust(self.amount())
        } else {
            Effect::NONE
        }
    }

    fn number(self, value: i64) -> Effect {
        if self.weight == 0 {
            return self.verdict(value == 0);
        }
        let product = value.saturating_mul(i64::from(self.amount()));
        if product <= FAULT_AT {
            return Effect::Fault;
        }
        Effect::Adjust(i16::try_from(product.min(MOST)).unwrap_or(0))
    }

    const fn amount(self) -> i16 {
        if self.reverse {
            self.weight.saturating_neg()
        } else {
            self.weight
        }
    }
}

/// What one tracked object does to one router at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Added to the base priority.
    Adjust(i16),
    /// The router must not run.
    Fault,
    /// Nobody knows yet: a router that does not run must not begin to (TRK-10).
    Waiting,
}

impl Effect {
    /// No effect.
    pub const NONE: Self = Self::Adjust(0);
}

/// The sum for [`Event::Adjust`](crate::Event::Adjust), whatever the order (KA-W-04). More than
/// the priority's range is kept, so that what is taken away later is taken from the true sum.
#[must_use]
pub fn total_adjustment(adjustments: impl IntoIterator<Item = i16>) -> i16 {
    let sum = adjustments
        .into_iter()
        .fold(0_i64, |sum, next| sum.saturating_add(i64::from(next)));
    let bound = sum.clamp(i64::from(i16::MIN), i64::from(i16::MAX));
    i16::try_from(bound).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// KA-W-01, KA-W-02, KA-W-03, TRK-08.
    #[test]
    fn an_object_faults_or_weighs_by_the_sign_of_its_weight() {
        for (weight, reverse, good, expected) in [
            (0, false, true, Effect::NONE),
            (0, false, false, Effect::Fault),
            (0, true, true, Effect::Fault),
            (0, true, false, Effect::NONE),
            (20, false, true, Effect::Adjust(20)),
            (20, false, false, Effect::NONE),
            (-20, false, true, Effect::NONE),
            (-20, false, false, Effect::Adjust(-20)),
            (20, true, true, Effect::Adjust(-20)),
            (20, true, false, Effect::NONE),
            (-20, true, true, Effect::NONE),
            (-20, true, false, Effect::Adjust(20)),
        ] {
            let status = if good {
                TrackStatus::Up
            } else {
                TrackStatus::Down
            };
            assert_eq!(
                Influence::new(weight).with_reverse(reverse).effect(status),
                expected,
                "weight {weight} reverse {reverse} good {good}"
            );
        }
    }

    /// KA-W-06, TRK-04, as measured with keepalived 2.2.7.
    #[test]
    fn a_number_counts_by_its_product_with_the_weight() {
        for (weight, reverse, value, expected) in [
            (1, false, 5, Effect::Adjust(5)),
            (3, true, 4, Effect::Adjust(-12)),
            (-2, false, 5, Effect::Adjust(-10)),
            (-2, false, -300, Effect::Adjust(253)),
            (1, false, 400, Effect::Adjust(253)),
            (1, false, -253, Effect::Adjust(-253)),
            (1, false, -254, Effect::Fault),
            (3, true, 100, Effect::Fault),
            (254, false, i64::MIN, Effect::Fault),
            (254, false, i64::MAX, Effect::Adjust(253)),
            (-254, false, i64::MIN, Effect::Adjust(253)),
            (0, false, 0, Effect::NONE),
            (0, false, 1, Effect::Fault),
            (0, false, -1, Effect::Fault),
            (0, true, 0, Effect::Fault),
            (0, true, 7, Effect::NONE),
        ] {
            assert_eq!(
                Influence::new(weight)
                    .with_reverse(reverse)
                    .effect(TrackStatus::Value(value)),
                expected,
                "weight {weight} reverse {reverse} value {value}"
            );
        }
    }

    /// TRK-10: measured with keepalived 2.2.7, a weight counts nothing before the first result.
    #[test]
    fn without_a_result_only_an_object_without_weight_makes_wait() {
        for weight in [-20, 20] {
            let effect = Influence::new(weight).effect(TrackStatus::Unknown);
            assert_eq!(effect, Effect::NONE);
        }
        for reverse in [false, true] {
            let influence = Influence::new(0).with_reverse(reverse);
            assert_eq!(influence.effect(TrackStatus::Unknown), Effect::Waiting);
        }
    }

    /// KA-W-04: 1,000 objects are no reason to wrap around, and the last one to go is not lost in
    /// a bound.
    #[test]
    fn the_sum_neither_wraps_nor_depends_on_the_order() {
        assert_eq!(total_adjustment([253; 1000]), i16::MAX);
        assert_eq!(total_adjustment([-253; 1000]), i16::MIN);
        let mut mixed = [253_i16; 400].to_vec();
        mixed.extend([-253; 399]);
        assert_eq!(total_adjustment(mixed.iter().copied()), 253);
        mixed.reverse();
        assert_eq!(total_adjustment(mixed), 253);
    }
}
