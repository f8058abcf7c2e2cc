//! `~SEQ`, `~SEQx` and `~LST`: lines that are read once per value (LANG-14, LANG-15).

/// What a repeated line starts with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// A number series.
    Series {
        variable: String,
        first: i64,
        step: i64,
        last: i64,
        hexadecimal: bool,
    },
    /// Rows of values, one column per variable.
    List {
        variables: Vec<String>,
        rows: Vec<Vec<String>>,
    },
}

impl Repeat {
    /// How often the line is read.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Series {
                first, step, last, ..
            } => {
                let distance = i128::from(*last) - i128::from(*first);
                let count = distance / i128::from(*step) + 1;
                u64::try_from(count).unwrap_or(u64::MAX)
            }
            Self::List { rows, .. } => rows.len() as u64,
        }
    }

    /// The variables and their values in round `index`.
    pub(crate) fn round(&self, index: u64) -> Vec<(&str, String)> {
        match self {
            Self::Series {
                variable,
                first,
                step,
                hexadecimal,
                ..
            } => {
                let value = i128::from(*first) + i128::from(*step) * i128::from(index);
                let text = if *hexadecimal {
                    format!("{value:x}")
                } else {
                    value.to_string()
                };
                vec![(variable, text)]
            }
            Self::List { variables, rows } => {
                let row = usize::try_from(index)
                    .ok()
                    .and_then(|index| rows.get(index));
                let values = row.into_iter().flatten().cloned();
                variables.iter().map(String::as_str).zip(values).collect()
            }
        }
    }
}

/// What is wrong with a specification, as a sentence.
type Wrong = String;

/// The words a repeated line can start with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Decimal,
    Hexadecimal,
    List,
}

/// Finds `~SEQ(…)` at the start of `text`: its kind, the range between the parentheses, and the
/// offset of the rest.
pub(crate) fn find(text: &str) -> Result<(Kind, usize, usize, usize), Wrong> {
    let name_end = text[1..].find(|c: char| !c.is_ascii_alphanumeric());
    let name_end = name_end.map_or(text.len(), |length| length + 1);
    let kind = match &text[1..name_end] {
        "SEQ" => Kind::Decimal,
        "SEQx" => Kind::Hexadecimal,
        "LST" => Kind::List,
        _ => return Err("only `~SEQ`, `~SEQx` and `~LST` can follow a `~`".to_owned()),
    };
    let open = crate::lex::skip_blanks(text, name_end);
    if text.as_bytes().get(open) != Some(&b'(') {
        return Err(format!("`{}` must be followed by `(`", &text[..name_end]));
    }
    match text[open..].find(')') {
        Some(length) => Ok((kind, open + 1, open + length, open + length + 1)),
        None => Err("the `(` is not closed on this line".to_owned()),
    }
}

/// Reads what stands between the parentheses.
pub(crate) fn read(kind: Kind, inside: &str) -> Result<Repeat, Wrong> {
    match kind {
        Kind::List => list(inside),
        Kind::Decimal => series(inside, false),
        Kind::Hexadecimal => series(inside, true),
    }
}

fn series(inside: &str, hexadecimal: bool) -> Result<Repeat, Wrong> {
    let parts: Vec<&str> = inside.split(',').map(str::trim).collect();
    let (variable, numbers) = match parts.as_slice() {
        [variable, numbers @ ..] if (1..=3).contains(&numbers.len()) => (variable, numbers),
        _ => return Err("expected `(VARIABLE, [START, [STEP,]] END)`".to_owned()),
    };
    let variable = name(variable)?;
    let numbers = numbers
        .iter()
        .map(|text| number(text))
        .collect::<Result<Vec<_>, _>>()?;
    let (first, step, last) = match *numbers.as_slice() {
        [last] => {
            let direction = if last < 0 { -1 } else { 1 };
            (direction, direction, last)
        }
        [first, last] => (first, if last < first { -1 } else { 1 }, last),
        [first, step, last] => (first, step, last),
        _ => return Err("expected at most START, STEP and END".to_owned()),
    };
    if step == 0 {
        return Err("the step cannot be 0".to_owned());
    }
    if (last < first && step > 0) || (last > first && step < 0) {
        return Err(format!("steps of {step} never lead from {first} to {last}"));
    }
    if hexadecimal && (first < 0 || last < 0) {
        return Err("`~SEQx` counts only numbers from 0".to_owned());
    }
    Ok(Repeat::Series {
        variable,
        first,
        step,
        last,
        hexadecimal,
    })
}

fn list(inside: &str) -> Result<Repeat, Wrong> {
    let mut groups = groups(inside)?.into_iter();
    let (variables, tuple) = match groups.next() {
        Some(Group::One(word)) => (vec![name(&word)?], false),
        Some(Group::Tuple(words)) => (
            words
                .iter()
                .map(|word| name(word))
                .collect::<Result<Vec<_>, _>>()?,
            true,
        ),
        None => return Err("expected `(VARIABLE, VALUE, …)`".to_owned()),
    };
    let mut rows = Vec::new();
    for group in groups {
        let row = match group {
            Group::One(word) => vec![word],
            Group::Tuple(words) if tuple => words,
            Group::Tuple(_) => return Err("one variable cannot take several values".to_owned()),
        };
        if row.len() > variables.len() {
            return Err(format!(
                "{} values for {} variable{}",
                row.len(),
                variables.len(),
                if variables.len() == 1 { "" } else { "s" }
            ));
        }
        // What is missing at the end of a row is empty.
        rows.push(
            row.into_iter()
                .chain(std::iter::repeat(String::new()))
                .take(variables.len())
                .collect(),
        );
    }
    if rows.is_empty() {
        return Err("the list has no values".to_owned());
    }
    Ok(Repeat::List { variables, rows })
}

enum Group {
    One(String),
    Tuple(Vec<String>),
}

/// Splits at commas; `{a,b}` is one group.
fn groups(inside: &str) -> Result<Vec<Group>, Wrong> {
    let mut found = Vec::new();
    let mut rest = inside.trim();
    while !rest.is_empty() {
        let after = if let Some(tuple) = rest.strip_prefix('{') {
            let close = tuple.find('}').ok_or("a `{` in the list is not closed")?;
            found.push(Group::Tuple(
                tuple[..close]
                    .split(',')
                    .map(value)
                    .collect::<Result<Vec<_>, _>>()?,
            ));
            tuple[close + 1..].trim_start()
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            found.push(Group::One(value(&rest[..end])?));
            &rest[end..]
        };
        rest = match after.strip_prefix(',') {
            Some(next) if next.trim().is_empty() => {
                found.push(Group::One(String::new()));
                ""
            }
            Some(next) => next.trim_start(),
            None if after.is_empty() => "",
            None => return Err("values must be separated by commas".to_owned()),
        };
    }
    Ok(found)
}

fn value(text: &str) -> Result<String, Wrong> {
    let text = text.trim();
    if text.contains(|c: char| c.is_ascii_whitespace() || matches!(c, '{' | '}' | '(' | '"')) {
        return Err(format!(
            "`{text}` is not one value: blanks, quotes and brackets cannot be in it"
        ));
    }
    Ok(text.to_owned())
}

fn name(text: &str) -> Result<String, Wrong> {
    match crate::substitute::name_end(text, 0) {
        Some(end) if end == text.len() => Ok(text.to_owned()),
        _ => Err(format!(
            "`{text}` is not a name: letters, digits and `_`, not a digit first"
        )),
    }
}

/// Decimal, or `0x` hexadecimal, or octal after a `0`, with an optional sign.
fn number(text: &str) -> Result<i64, Wrong> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"))
    {
        Some(digits) => (16, digits),
        None if digits.len() > 1 && digits.starts_with('0') => (8, &digits[1..]),
        None => (10, digits),
    };
    let wrong = || format!("`{text}` is not a whole number");
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    i64::from_str_radix(&format!("{sign}{digits}"), radix).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(kind: Kind, inside: &str) -> Vec<String> {
        let repeat = read(kind, inside).expect("valid");
        (0..repeat.len())
            .map(|index| {
                let values: Vec<String> = repeat.round(index).into_iter().map(|(_, v)| v).collect();
                values.join("/")
            })
            .collect()
    }

    /// LANG-14; the values were compared with Keepalived 2.2.7.
    #[test]
    fn series_count_up_and_down() {
        for (inside, expected) in [
            ("I,1,3", "1 2 3"),
            ("I,3", "1 2 3"),
            ("I,3,1", "3 2 1"),
            ("I,1,2,6", "1 3 5"),
            ("I,-3", "-1 -2 -3"),
            (" I , 0x10 , 0x11 ", "16 17"),
            ("K,01,03", "1 2 3"),
            ("K,5,1,5", "5"),
        ] {
            assert_eq!(texts(Kind::Decimal, inside).join(" "), expected, "{inside}");
        }
        assert_eq!(texts(Kind::Hexadecimal, "I,0x0f,0x11").join(" "), "f 10 11");
        assert_eq!(texts(Kind::Hexadecimal, "I,9,12").join(" "), "9 a b c");
    }

    /// LANG-14.
    #[test]
    fn impossible_series_are_refused() {
        for inside in [
            "K,2,1,1",
            "K,1,2,0",
            "K,a,b",
            "K",
            "",
            ",1,2",
            "K,1,2,3,4",
            "K,08,010",
            "K,-",
            "1,2",
        ] {
            assert!(read(Kind::Decimal, inside).is_err(), "{inside}");
        }
        assert!(read(Kind::Hexadecimal, "K,2,-2").is_err());
    }

    /// The whole range of numbers, without overflow on the way.
    #[test]
    fn the_longest_series_can_be_counted() {
        let inside = "I,-9223372036854775808,9223372036854775807";
        let repeat = read(Kind::Decimal, inside).expect("valid");
        assert_eq!(repeat.len(), u64::MAX);
        let _ = repeat.round(u64::MAX);
        let down = read(
            Kind::Decimal,
            "I,9223372036854775807,-9223372036854775808,-9223372036854775808",
        );
        assert_eq!(down.expect("valid").len(), 2);
    }

    /// LANG-15; the values were compared with Keepalived 2.2.7.
    #[test]
    fn lists_and_tuples_give_their_values() {
        for (inside, expected) in [
            ("I,a,b", "a b"),
            ("{I,J},{a,b},{c,d}", "a/b c/d"),
            ("{K},{a},{b}", "a b"),
            ("{K,L},a,b", "a/ b/"),
            ("{K,L},{a,},{,b}", "a/ /b"),
            ("{K,L},{a},{,b}", "a/ /b"),
            (" K ,d", "d"),
        ] {
            assert_eq!(texts(Kind::List, inside).join(" "), expected, "{inside}");
        }
        assert_eq!(texts(Kind::List, "K,,b"), ["", "b"]);
        assert_eq!(texts(Kind::List, "K,b,"), ["b", ""]);
    }

    /// LANG-15.
    #[test]
    fn impossible_lists_are_refused() {
        for inside in [
            "K",
            "",
            "{K,L},{a},{b,c,d}",
            "K,{a,b}",
            "K,a b",
            "K,\"a\"",
            "{K,L",
            "{K}x,a",
            "1,a",
        ] {
            assert!(read(Kind::List, inside).is_err(), "{inside}");
        }
    }
}
