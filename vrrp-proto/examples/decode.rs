//! Reads IP packets as hexadecimal digits, one on each line, and prints what VRRP sees in them.
//!
//! ```sh
//! echo 45c0002000010000ff701899c0000201e0000012 3133c8010064a171c0000264 |
//!     cargo run -p vrrp-proto --example decode
//! ```

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use vrrp_proto::{
    Advert, Auth, Checksum, ParseError, ParsePolicy, Priority, split_ipv4, split_ipv6,
};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut code = ExitCode::SUCCESS;
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let digits: String = line
            .chars()
            .filter(|c| !c.is_whitespace() && *c != ':')
            .collect();
        if digits.is_empty() || digits.starts_with('#') {
            continue;
        }
        let Some(packet) = unhex(&digits) else {
            writeln!(out, "not hexadecimal: {line}")?;
            code = ExitCode::FAILURE;
            continue;
        };
        if let Err(error) = describe(&mut out, &packet)? {
            writeln!(out, "not a valid advert: {error} ({})", error.name())?;
            code = ExitCode::FAILURE;
        }
        writeln!(out)?;
    }
    Ok(code)
}

/// Prints the facts of one packet; the inner error is what is wrong with it.
fn describe(out: &mut impl Write, packet: &[u8]) -> io::Result<Result<(), ParseError>> {
    let split = match packet.first().map(|octet| octet >> 4) {
        Some(6) => split_ipv6(packet),
        _ => split_ipv4(packet),
    };
    let (ip, message) = match split {
        Ok(parts) => parts,
        Err(error) => return Ok(Err(error)),
    };
    writeln!(
        out,
        "packet     {} -> {}, hop limit {}",
        ip.source, ip.destination, ip.hop_limit
    )?;
    let advert = match Advert::parse(message, &ip, &ParsePolicy::default()) {
        Ok(advert) => advert,
        Err(error) => return Ok(Err(error)),
    };
    writeln!(
        out,
        "version    {} over {}",
        advert.version(),
        advert.family()
    )?;
    writeln!(out, "router     {}", advert.vrid())?;
    let meaning = match advert.priority() {
        Priority::RELEASE => " (gives up the addresses)",
        Priority::OWNER => " (owns the addresses)",
        _ => "",
    };
    writeln!(out, "priority   {}{meaning}", advert.priority())?;
    writeln!(out, "interval   {}", advert.interval())?;
    let checksum = match advert.checksum() {
        Checksum::MessageOnly => "right, message only",
        Checksum::PseudoHeader => "right, with pseudo header",
        Checksum::OldUnicast => "right, in the old form for unicast",
    };
    writeln!(out, "checksum   {checksum}")?;
    let auth = match advert.auth() {
        Auth::None => "none",
        Auth::Password(_) => "password (not shown)",
        Auth::Ah => "authentication header, which is missing",
    };
    writeln!(out, "auth       {auth}")?;
    for address in advert.addresses() {
        writeln!(out, "address    {address}")?;
    }
    if !advert.reserved_clear() {
        writeln!(out, "remark     reserved bits are set")?;
    }
    Ok(Ok(()))
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = digits
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let (pairs, rest) = digits.as_deref()?.as_chunks::<2>();
    rest.is_empty()
        .then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}
