//! The difference between what is and what is wanted.

use std::collections::BTreeMap;

use crate::desired::{Desired, OwnerId, Vip};
use crate::observed::{Observed, ObservedAddress};

/// One request to the kernel.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Remove this address, which is ours.
    Remove(Box<ObservedAddress>),
    /// Add this address on the interface with this index.
    Add {
        /// The interface.
        index: u32,
        /// The address.
        vip: Vip,
    },
    /// Change lifetimes or flags of an address that is ours and stays.
    Replace {
        /// The interface.
        index: u32,
        /// The address.
        vip: Vip,
    },
}

/// What to do so that the kernel holds what the owners want.
#[must_use]
pub fn plan(_observed: &Observed, _desired: &BTreeMap<OwnerId, Desired>) -> Vec<Change> {
    todo!()
}
