use std::vec::Vec;

use super::*;

/// The textbook form: 16 bits at a time, big endian, carry added back at once.
fn slow(octets: &[u8]) -> u16 {
    octets.chunks(2).fold(0_u16, |sum, pair| {
        let word = u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]);
        let (sum, carry) = sum.overflowing_add(word);
        sum + u16::from(carry)
    })
}

/// RFC 1071 1 and 2.
#[test]
fn the_fast_sum_equals_the_textbook_sum_at_every_length() {
    let octets: Vec<u8> = (0..4200_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    for len in (0..200).chain(4000..4200) {
        let octets = &octets[..len];
        assert_eq!(
            Sum::of(octets).field(),
            (!slow(octets)).to_be_bytes(),
            "length {len}"
        );
    }
}

/// RFC 1071 2: the worst case for the carries.
#[test]
fn a_sum_of_all_ones_folds_without_losing_a_carry() {
    for len in 0..300 {
        let octets = std::vec![0xff; len];
        assert_eq!(
            Sum::of(&octets).field(),
            (!slow(&octets)).to_be_bytes(),
            "length {len}"
        );
    }
}

/// VRRP-V3-CK-06, RFC 1071 1: there are two zeros, and either may be sent.
#[test]
fn both_zeros_verify() {
    let message = [0x31, 0x33, 0xce, 0xcc, 0x00, 0x00];
    assert_eq!(Sum::of(&message).field(), [0, 0]);
    for field in [[0x00, 0x00], [0xff, 0xff]] {
        assert!(Sum::of(&message).and(Sum::of(&field)).verifies());
    }
    assert!(!Sum::of(&message).and(Sum::of(&[0x00, 0x01])).verifies());
}

/// VRRP-V3-CK-03: the numbers of a worked packet, 192.0.2.1 to 224.0.0.18, 12 octets.
#[test]
fn the_ipv4_pseudo_header_sums_to_the_worked_value() {
    let sum = Sum::of_pseudo_header([192, 0, 2, 1].into(), [224, 0, 0, 18].into(), 12);
    // c000 + 0201 + e000 + 0012 + 0070 + 000c = 1a28f, folded a290.
    assert_eq!(sum.field(), (!0xa290_u16).to_be_bytes());
}

/// RFC 1071 2: few sums have a carry left after three folds; this one has.
#[test]
fn a_sum_that_carries_four_times_keeps_the_last_carry() {
    assert_eq!(Sum(0xffff_ffff_0001_0000).fold(), 1);
}
