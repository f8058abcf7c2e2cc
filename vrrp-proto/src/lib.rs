#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::panic
    )
)]

#[cfg(test)]
extern crate std;

mod advert;
mod auth;
mod checksum;
mod emit;
mod error;
mod ip;
mod policy;
mod types;

pub use advert::{Addresses, Advert, peek_vrid};
#[cfg(feature = "auth")]
pub use auth::ah::{AH_HEADER_LEN, AhPacket};
#[cfg(feature = "auth")]
pub use auth::trailer::{HmacKey, KeyLength, MalformedTrailer, Sequence, TRAILER_SCHEME, Trailer};
pub use auth::{AH_PROTOCOL, Auth, TRAILER_LEN, pad_password};
pub use checksum::Checksum;
pub use emit::{AddressList, AdvertRepr, Format};
pub use error::{EmitError, ParseError};
pub use ip::{IpMeta, split_ipv4, split_ipv6};
pub use policy::{ChecksumPolicy, HopLimit, ParsePolicy};
pub use types::{
    AdvertInterval, Family, GROUP_V4, GROUP_V6, HOP_LIMIT, PROTOCOL, Priority, TRAFFIC_CLASS,
    Version, Vrid,
};
