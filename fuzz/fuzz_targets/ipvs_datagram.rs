#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::ipvs_datagram::run(data));
