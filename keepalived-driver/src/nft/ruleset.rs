//! What can be kept: the tables of one name.

use std::fmt::Debug;

use ipvs::Marks;
use netlink_vip::Firewall;
use netlink_vip::nftables::{Family, removal};

/// The tables of one name, one for each family that has rules, as text for `nft -f`.
pub(crate) trait Ruleset: Clone + Debug + PartialEq + Send + 'static {
    /// Which keyword gives them another name.
    const KEYWORD: &'static str;

    /// Their name.
    fn table(&self) -> &str;
    /// The same under this name.
    fn named(&self, table: &str) -> Self;
    /// Name of a chain in each of them, by which they are known for ours.
    fn owner(&self) -> &str;
    /// The families there are to be a table for.
    fn families(&self) -> Vec<Family>;
    /// There are to be none.
    fn is_empty(&self) -> bool;
    /// Makes them what they are to be, whatever is there under their name. A family without one is left alone.
    fn transaction(&self) -> String;
    /// From `before`, which is in force, to this.
    fn change(&self, before: &Self) -> String;
}

/// Which field has the owner.
macro_rules! ruleset {
    ($rules:ty, $owner:ident, $keyword:literal, $family:expr) => {
        impl Ruleset for $rules {
            const KEYWORD: &'static str = $keyword;

            fn families(&self) -> Vec<Family> {
                Self::families(self).into_iter().map($family).collect()
            }

            fn table(&self) -> &str {
                &self.table
            }

            fn named(&self, table: &str) -> Self {
                let mut renamed = self.clone();
                table.clone_into(&mut renamed.table);
                renamed
            }

            fn owner(&self) -> &str {
                &self.$owner
            }

            fn is_empty(&self) -> bool {
                Self::is_empty(self)
            }

            fn transaction(&self) -> String {
                Self::transaction(self)
            }

            fn change(&self, before: &Self) -> String {
                Self::change(self, before)
            }
        }
    };
}

ruleset!(Marks, owner, "nftables_ipvs", |family| match family {
    ipvs::Family::Ipv4 => Family::Ip,
    ipvs::Family::Ipv6 => Family::Ip6,
});
ruleset!(Firewall, mark, "nftables", |family| family);

/// One transaction that removes these tables, whether or not they are still there.
pub(super) fn deletion<'a>(tables: impl IntoIterator<Item = (Family, &'a str)>) -> String {
    let tables = tables.into_iter();
    tables
        .map(|(family, table)| removal(family, table))
        .collect()
}
