use super::*;

/// LANG-06.
#[test]
fn booleans_are_six_lower_case_words() {
    for (word, expected) in [
        ("on", Some(true)),
        ("true", Some(true)),
        ("yes", Some(true)),
        ("off", Some(false)),
        ("false", Some(false)),
        ("no", Some(false)),
        ("On", None),
        ("1", None),
        ("", None),
    ] {
        assert_eq!(parse_bool(word), expected, "{word}");
    }
}

/// LANG-07: exact to the microsecond; a binary fraction could not hold 0.1.
#[test]
fn seconds_are_exact_to_the_microsecond() {
    for (word, micros) in [
        ("0", 0),
        ("1", 1_000_000),
        ("0.5", 500_000),
        (".25", 250_000),
        ("2.", 2_000_000),
        ("+1", 1_000_000),
        ("0.1", 100_000),
        ("2.71828", 2_718_280),
        ("0.000001", 1),
        ("4294.967295", 4_294_967_295),
        ("1.0000000", 1_000_000),
        ("007", 7_000_000),
    ] {
        assert_eq!(
            parse_seconds(word),
            Ok(Duration::from_micros(micros)),
            "{word}"
        );
    }
}

/// LANG-07.
#[test]
fn what_is_no_time_says_why() {
    for (word, expected) in [
        ("", TimeError::NotANumber),
        (".", TimeError::NotANumber),
        ("1s", TimeError::NotANumber),
        ("1e3", TimeError::NotANumber),
        ("1.2.3", TimeError::NotANumber),
        ("١", TimeError::NotANumber),
        ("-1", TimeError::Negative),
        ("0.0000001", TimeError::TooFine),
        ("99999999999999999999", TimeError::TooLarge),
        ("18446744073709.551616", TimeError::TooLarge),
    ] {
        assert_eq!(parse_seconds(word), Err(expected), "{word}");
    }
    assert!(parse_seconds("18446744073709.551615").is_ok());
}

#[test]
fn milliseconds_have_three_places() {
    assert_eq!(parse_milliseconds("1.5"), Ok(Duration::from_micros(1500)));
    assert_eq!(parse_milliseconds("0.001"), Ok(Duration::from_micros(1)));
    assert_eq!(parse_milliseconds("0.0001"), Err(TimeError::TooFine));
}
