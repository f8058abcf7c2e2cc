//! Reading and writing adverts allocates nothing. One test only, so that nothing else runs.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use support::vectors;
use vrrp_proto::{
    AddressList, Advert, AdvertInterval, AdvertRepr, Auth, Checksum, Format, ParsePolicy, Priority,
    Vrid, peek_vrid,
};

/// The system's allocator, counting the calls of each thread.
struct Counting;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

fn calls() -> usize {
    CALLS.with(Cell::get)
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.with(|calls| calls.set(calls.get() + 1));
        // SAFETY: the caller keeps the contract of this same method.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        CALLS.with(|calls| calls.set(calls.get() + 1));
        // SAFETY: the caller keeps the contract of this same method.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// VRRP-GEN-08: nothing is allocated, let alone in proportion to a claimed count.
#[test]
fn reading_and_writing_every_vector_allocates_nothing() {
    let vectors = vectors();
    let policy = ParsePolicy::default();
    let v4 = [[192, 0, 2, 100].into(); 255];
    let v6 = [[0xfe80, 0, 0, 0, 0, 0, 0, 0x51].into(); 255];
    let mut out = [0; 5000];
    let (mut accepted, mut addresses, mut written) = (0, 0, 0);

    let before = calls();
    for vector in &vectors {
        let Ok((ip, message)) = black_box(vector.split()) else {
            continue;
        };
        black_box(peek_vrid(message));
        let Ok(advert) = black_box(Advert::parse(message, &ip, &policy)) else {
            continue;
        };
        accepted += 1;
        addresses += advert
            .addresses()
            .map(|one| usize::from(!one.is_loopback()))
            .sum::<usize>();
        let (format, list) = if ip.source.is_ipv4() {
            (Format::V2 { auth: Auth::None }, AddressList::V4(&v4))
        } else {
            (
                Format::V3 {
                    ipv4_checksum: Checksum::PseudoHeader,
                },
                AddressList::V6(&v6),
            )
        };
        let repr = AdvertRepr {
            format,
            vrid: Vrid::new(51).unwrap(),
            priority: Priority::DEFAULT,
            interval: AdvertInterval::DEFAULT,
            addresses: list,
        };
        written += black_box(repr.emit(&ip, &mut out)).unwrap();
    }
    let during = calls() - before;

    assert_eq!(during, 0);
    assert_eq!(accepted, 85);
    assert!(addresses > 300 && written > 85_000);
    // The counter does count.
    let before = calls();
    drop(black_box(vec![0_u8; 100]));
    assert_eq!(calls() - before, 2);
}
