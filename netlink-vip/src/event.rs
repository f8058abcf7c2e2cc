//! What the [`Reconciler`](crate::Reconciler) reports.

use std::net::IpAddr;

use crate::desired::OwnerId;
use crate::name::InterfaceName;
use crate::object::Object;

/// Something that happened in the kernel, or that came of a request.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KernelEvent {
    /// The first dump is complete: links and addresses are known. Requests go out from now on.
    Ready,
    /// A later dump, after an overrun, is complete and differences are being repaired.
    Resynced,
    /// An interface exists now, or took this name.
    LinkAppeared {
        /// Its index.
        index: u32,
        /// Its name.
        name: InterfaceName,
        /// Switched on and with carrier.
        up: bool,
    },
    /// State, MAC, MTU, flags or controller of an interface changed.
    LinkChanged {
        /// Its index.
        index: u32,
        /// Its name.
        name: InterfaceName,
        /// Switched on and with carrier.
        up: bool,
    },
    /// An interface is no more, or has given up this name.
    LinkGone {
        /// Its index.
        index: u32,
        /// Its name.
        name: InterfaceName,
    },
    /// An address that is not ours appeared or changed its flags (for example: is no longer
    /// tentative). A reason to look for the source address again.
    AddressAppeared {
        /// The interface.
        index: u32,
        /// The address.
        address: IpAddr,
        /// Its prefix length.
        prefix_len: u8,
    },
    /// An address that is not ours is gone.
    AddressGone {
        /// The interface.
        index: u32,
        /// The address.
        address: IpAddr,
        /// Its prefix length.
        prefix_len: u8,
    },
    /// All the owner wants is in the kernel and usable. Once per [`set`](crate::Reconciler::set)
    /// that changed something, and again after the owner was incomplete for another reason than
    /// a repair.
    Installed {
        /// The owner.
        owner: OwnerId,
    },
    /// The owner wants nothing any more and all of it is gone.
    Removed {
        /// The owner.
        owner: OwnerId,
    },
    /// A request failed. It is repeated with growing delay; this comes with the first failure and
    /// when the reason changes.
    Failed {
        /// The owner.
        owner: OwnerId,
        /// What it is about.
        object: Object,
        /// Positive error number; `ENODEV` also while the device does not exist.
        errno: i32,
        /// What the kernel says about it, if it does.
        message: Option<String>,
    },
    /// Somebody else had removed the object; it is back.
    Repaired {
        /// The owner.
        owner: OwnerId,
        /// The object.
        object: Object,
        /// How often by now, since the last minute without such a loss.
        times: u32,
    },
    /// The object could not be kept or could not be added, many times in a row. Attempts go on
    /// slowly; the owner had better leave the Active state.
    GaveUp {
        /// The owner.
        owner: OwnerId,
        /// The object; one that is not `tracked` is not told.
        object: Object,
    },
    /// The object was already there, put by somebody else. It counts as installed, but will not
    /// be removed when the owner no longer wants it.
    Foreign {
        /// The owner.
        owner: OwnerId,
        /// The object.
        object: Object,
    },
}
