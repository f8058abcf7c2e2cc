#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::advert_parse::run(data));
