//! Words that mean the same everywhere: booleans and times.

use std::time::Duration;

use thiserror::Error;

/// The meaning of a boolean word (LANG-06): `on`, `true`, `yes` or `off`, `false`, `no`, in lower case.
#[must_use]
pub fn parse_bool(word: &str) -> Option<bool> {
    match word {
        "on" | "true" | "yes" => Some(true),
        "off" | "false" | "no" => Some(false),
        _ => None,
    }
}

/// Why a word is not a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TimeError {
    /// Not of the form `digits[.digits]`.
    #[error("not a decimal number")]
    NotANumber,
    /// It starts with a minus sign.
    #[error("a time cannot be negative")]
    Negative,
    /// Finer than a microsecond: more digits behind the point than can be kept, and not zero.
    #[error("finer than one microsecond")]
    TooFine,
    /// More seconds than fit into 64 bits of microseconds.
    #[error("too large")]
    TooLarge,
}

/// Decimal seconds, exact to the microsecond (LANG-07): `1`, `0.5`, `.25`, `2.`.
///
/// # Errors
///
/// [`TimeError`] if the word is no such number. Zero is accepted: ranges are the caller's business.
pub fn parse_seconds(word: &str) -> Result<Duration, TimeError> {
    scaled(word, 6).map(Duration::from_micros)
}

/// Decimal milliseconds, exact to the microsecond.
///
/// # Errors
///
/// As [`parse_seconds`].
pub fn parse_milliseconds(word: &str) -> Result<Duration, TimeError> {
    scaled(word, 3).map(Duration::from_micros)
}

/// `word` times ten to the power of `places`, as an integer.
fn scaled(word: &str, places: u32) -> Result<u64, TimeError> {
    let digits = word.strip_prefix('+').unwrap_or(word);
    // Nearly all times are a few whole seconds.
    if digits.starts_with(|first: char| first.is_ascii_digit())
        && let Ok(whole) = digits.parse::<u16>()
    {
        return Ok(u64::from(whole) * 10_u64.pow(places));
    }
    if digits.starts_with('-') {
        return Err(TimeError::Negative);
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
        return Err(TimeError::NotANumber);
    }
    let places = usize::try_from(places).unwrap_or(0);
    let (kept, rest) = fraction.split_at(fraction.len().min(places));
    if rest.bytes().any(|digit| digit != b'0') {
        return Err(TimeError::TooFine);
    }
    let padding = std::iter::repeat_n(b'0', places - kept.len());
    let mut value = 0_u64;
    for digit in whole.bytes().chain(kept.bytes()).chain(padding) {
        let next = value
            .checked_mul(10)
            .and_then(|v| v.checked_add(u64::from(digit - b'0')));
        value = next.ok_or(TimeError::TooLarge)?;
    }
    Ok(value)
}

#[cfg(test)]
mod tests;
