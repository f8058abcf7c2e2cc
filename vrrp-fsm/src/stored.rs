//! The forms in which instants and tables of counters are stored: `#[serde(with = "crate::stored")]`.
//!
//! Neither the type of instants nor long arrays can be stored by themselves.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Instant;
use crate::action::Reason;
use crate::error::Rejected;

/// What has another form when it is stored.
pub(crate) trait Stored: Sized {
    type Form: Serialize + DeserializeOwned;

    fn form(&self) -> Self::Form;

    /// `None` if nothing has that form.
    fn restore(form: Self::Form) -> Option<Self>;
}

pub(crate) fn serialize<T: Stored, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    value.form().serialize(serializer)
}

pub(crate) fn deserialize<'de, T: Stored, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    T::restore(T::Form::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("wrong length"))
}

/// Nanoseconds.
impl Stored for Instant {
    type Form = i64;

    fn form(&self) -> i64 {
        self.as_nanos()
    }

    fn restore(form: i64) -> Option<Self> {
        Some(Self::from_nanos(form))
    }
}

impl<T: Stored> Stored for Option<T> {
    type Form = Option<T::Form>;

    fn form(&self) -> Self::Form {
        self.as_ref().map(T::form)
    }

    fn restore(form: Self::Form) -> Option<Self> {
        form.map_or(Some(None), |form| T::restore(form).map(Some))
    }
}

impl<A: Stored, B: Stored> Stored for (A, B) {
    type Form = (A::Form, B::Form);

    fn form(&self) -> Self::Form {
        (self.0.form(), self.1.form())
    }

    fn restore((a, b): Self::Form) -> Option<Self> {
        Some((A::restore(a)?, B::restore(b)?))
    }
}

impl<T: Stored, const N: usize> Stored for Box<[T; N]> {
    type Form = Vec<T::Form>;

    fn form(&self) -> Self::Form {
        self.iter().map(T::form).collect()
    }

    fn restore(form: Self::Form) -> Option<Self> {
        let restored: Option<Vec<T>> = form.into_iter().map(T::restore).collect();
        Self::try_from(restored?).ok()
    }
}

macro_rules! as_they_are {
    ($($type:ty),*) => {$(
        impl Stored for $type {
            type Form = Self;

            fn form(&self) -> Self {
                *self
            }

            fn restore(form: Self) -> Option<Self> {
                Some(form)
            }
        }
    )*};
}

as_they_are!(u64, Duration, Reason, Rejected);
