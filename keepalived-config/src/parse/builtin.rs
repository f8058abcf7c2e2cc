//! The names that are defined without being defined: `${_PWD}` and its relatives (LANG-13).

use crate::include;
use crate::source::Source;

/// A series of random numbers that depends on nothing but its start (splitmix64).
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `least` to `most`, both included.
    fn between(&mut self, least: u32, most: u32) -> u64 {
        let width = u64::from(most - least) + 1;
        u64::from(least) + self.next() % width
    }
}

/// What the built-ins need to know.
pub(super) struct Surroundings<'a> {
    pub(super) source: &'a dyn Source,
    /// Path of the file being read.
    pub(super) path: &'a str,
    pub(super) instance: Option<&'a str>,
    pub(super) random: &'a mut Random,
}

impl Surroundings<'_> {
    /// The value of `name`; absent if it is no built-in.
    pub(super) fn value(&mut self, name: &str, arguments: &str) -> Option<Result<String, String>> {
        if !name.starts_with('_') {
            return None;
        }
        let words: Vec<&str> = arguments.split_ascii_whitespace().collect();
        let value = match (name, words.as_slice()) {
            ("_PWD", []) => Ok(self.directory()),
            ("_INSTANCE", []) => match self.instance {
                Some(name) => Ok(name.to_owned()),
                None => Err("there is no instance name for `_INSTANCE`".to_owned()),
            },
            ("_HASH", []) => Ok("#".to_owned()),
            ("_BANG", []) => Ok("!".to_owned()),
            ("_RANDOM", limits) => self.random(limits),
            ("_ENV", [variable]) => self.environment(variable),
            ("_ENV", _) => Err("`_ENV` takes the name of one variable".to_owned()),
            ("_PWD" | "_INSTANCE" | "_HASH" | "_BANG", _) => {
                Err(format!("`{name}` takes no arguments"))
            }
            _ => return None,
        };
        Some(value)
    }

    fn directory(&self) -> String {
        let path = self.source.absolute(self.path);
        match include::directory(&path) {
            "" => ".".to_owned(),
            directory => directory.to_owned(),
        }
    }

    fn random(&mut self, limits: &[&str]) -> Result<String, String> {
        let number = |text: &str| {
            text.parse::<u32>()
                .map_err(|_| format!("`{text}` is no number from 0 to {}", u32::MAX))
        };
        let (least, most) = match limits {
            [] => (0, 32767),
            [least] => (number(least)?, 32767),
            [least, most] => (number(least)?, number(most)?),
            _ => return Err("`_RANDOM` takes at most a least and a greatest number".to_owned()),
        };
        if most < least {
            return Err(format!(
                "`_RANDOM` cannot choose between {least} and {most}: the least comes first"
            ));
        }
        Ok(self.random.between(least, most).to_string())
    }

    fn environment(&self, variable: &str) -> Result<String, String> {
        match self.source.env(variable) {
            None => Err(format!("the environment variable `{variable}` is not set")),
            // A line feed would let the environment write lines of configuration.
            Some(value) if value.contains(|c: char| c.is_control()) => Err(format!(
                "the environment variable `{variable}` has control characters"
            )),
            Some(value) => Ok(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LANG-13: both ends can come out, and nothing outside.
    #[test]
    fn random_numbers_keep_their_limits() {
        let mut random = Random::new(7);
        let drawn: Vec<u64> = (0..200).map(|_| random.between(3, 5)).collect();
        assert!(drawn.iter().all(|n| (3..=5).contains(n)));
        assert!((3..=5).all(|n| drawn.contains(&n)));
        let _ = random.between(0, u32::MAX);
        assert_eq!(random.between(9, 9), 9);
    }
}
