//! The name tables of iproute2: names for routing tables, protocols, scopes, realms, groups of links
//! and types of service (STAT-11).

use std::collections::HashMap;

use crate::source::Source;

/// Names and their numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    tables: HashMap<String, u32>,
    protocols: HashMap<String, u32>,
    scopes: HashMap<String, u32>,
    realms: HashMap<String, u32>,
    groups: HashMap<String, u32>,
    types_of_service: HashMap<String, u32>,
}

/// Which table a name is looked up in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    Tables,
    Protocols,
    Scopes,
    Realms,
    Groups,
    TypesOfService,
}

/// Where the distribution puts its tables. Older ones have only the directory of the administrator.
pub(crate) const USR: &str = "/usr/share/iproute2";
/// Where the administrator puts his.
pub(crate) const ETC: &str = "/etc/iproute2";

/// Names that there are without any file.
const TABLES: [(&str, u32); 4] = [
    ("unspec", 0),
    ("default", 253),
    ("main", 254),
    ("local", 255),
];
const PROTOCOLS: [(&str, u32); 8] = [
    ("unspec", 0),
    ("redirect", 1),
    ("kernel", 2),
    ("boot", 3),
    ("static", 4),
    ("ra", 9),
    ("dhcp", 16),
    ("keepalived", 18),
];
const SCOPES: [(&str, u32); 5] = [
    ("global", 0),
    ("nowhere", 255),
    ("host", 254),
    ("link", 253),
    ("site", 200),
];

impl Names {
    /// Reads the tables: those of the administrator come before those of the distribution. STAT-11.
    pub(crate) fn read(source: &mut dyn Source, usr: &str, etc: &str) -> Self {
        let mut table = |file: &str, built_in: &[(&str, u32)]| {
            let mut names: HashMap<String, u32> = built_in
                .iter()
                .map(|(name, number)| ((*name).to_owned(), *number))
                .collect();
            // The whole file of the administrator stands for that of the distribution.
            let main = [etc, usr].iter().find_map(|directory| {
                let path = format!("{directory}/{file}");
                source.read(&path, None).ok()
            });
            take(&mut names, main.as_deref().unwrap_or_default());
            for directory in [usr, etc] {
                for path in source.glob(&format!("{directory}/{file}.d/*.conf")) {
                    let bytes = source.read(&path, None).unwrap_or_default();
                    take(&mut names, &bytes);
                }
            }
            names
        };
        Self {
            tables: table("rt_tables", &TABLES),
            protocols: table("rt_protos", &PROTOCOLS),
            scopes: table("rt_scopes", &SCOPES),
            realms: table("rt_realms", &[]),
            groups: table("group", &[("default", 0)]),
            types_of_service: table("rt_dsfield", &[]),
        }
    }

    /// The number for a name, or for a number in decimal, hexadecimal or octal notation.
    pub(crate) fn number(&self, table: Table, text: &str) -> Option<u32> {
        let names = match table {
            Table::Tables => &self.tables,
            Table::Protocols => &self.protocols,
            Table::Scopes => &self.scopes,
            Table::Realms => &self.realms,
            Table::Groups => &self.groups,
            Table::TypesOfService => &self.types_of_service,
        };
        // As for iproute2, what can be a number is one.
        unsigned(text)
            .and_then(|number| u32::try_from(number).ok())
            .or_else(|| names.get(text).copied())
    }
}

/// A number as C reads it: `10`, `0x0a`, `012`.
pub(crate) fn unsigned(text: &str) -> Option<u64> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = match (hex, text.strip_prefix('0')) {
        (Some(digits), _) => (digits, 16),
        (None, Some(digits)) if !digits.is_empty() => (digits, 8),
        _ => (text, 10),
    };
    // A sign would be taken by the parser of the standard library.
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain
        .then(|| u64::from_str_radix(digits, radix).ok())
        .flatten()
}

/// Lines of a number and a name; the rest is comments.
fn take(names: &mut HashMap<String, u32>, bytes: &[u8]) {
    for line in String::from_utf8_lossy(bytes).lines() {
        let mut words = line.split_ascii_whitespace();
        if let (Some(number), Some(name)) = (words.next(), words.next())
            && !number.starts_with('#')
            && let Some(number) = unsigned(number).and_then(|n| u32::try_from(n).ok())
        {
            names.insert(name.to_owned(), number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::MemorySource;

    /// STAT-11.
    #[test]
    fn names_of_the_administrator_come_before_those_of_the_distribution() {
        let mut source = MemorySource::new()
            .with_file("/usr/ip/rt_tables", "# all\n5\tmine\n6 hers # note\n")
            .with_file("/usr/ip/rt_protos", "0x0c bird\n")
            .with_file("/usr/ip/rt_tables.d/a.conf", "9 more\n")
            .with_file("/etc/ip/rt_tables", "7 mine\n")
            .with_file("/etc/ip/rt_tables.d/a.conf", "10 more\n");
        let names = Names::read(&mut source, "/usr/ip", "/etc/ip");
        for (table, text, number) in [
            (Table::Tables, "mine", Some(7)),
            (Table::Tables, "hers", None),
            (Table::Tables, "more", Some(10)),
            (Table::Tables, "main", Some(254)),
            (Table::Tables, "100000", Some(100_000)),
            (Table::Tables, "0x10", Some(16)),
            (Table::Tables, "010", Some(8)),
            (Table::Tables, "+5", None),
            (Table::Tables, "4294967296", None),
            (Table::Protocols, "bird", Some(12)),
            (Table::Scopes, "link", Some(253)),
            (Table::Groups, "default", Some(0)),
        ] {
            assert_eq!(names.number(table, text), number, "{text}");
        }
    }
}
