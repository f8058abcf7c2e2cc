//! What can be kept: the tables of one name.

use std::fmt::{Debug, Write as _};

use ipvs::Marks;
use netlink_vip::Firewall;
use netlink_vip::nftables::Family;

/// The tables of one name, for both families, as text for `nft -f`.
pub(crate) trait Ruleset: Clone + Debug + PartialEq + Send + 'static {
    /// Their name.
    fn table(&self) -> &str;
    /// The same under this name.
    fn named(&self, table: &str) -> Self;
    /// Name of a chain in each of them, by which they are known for ours.
    fn owner(&self) -> &str;
    /// There are to be none.
    fn is_empty(&self) -> bool;
    /// Makes them what they are to be, whatever is there under their name.
    fn transaction(&self) -> String;
    /// From `before`, which is in force, to this.
    fn change(&self, before: &Self) -> String;
}

/// Which field has the owner.
macro_rules! ruleset {
    ($rules:ty, $owner:ident) => {
        impl Ruleset for $rules {
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

ruleset!(Marks, owner);
ruleset!(Firewall, mark);

/// One transaction that removes these tables, which are there.
pub(super) fn deletion<'a>(tables: impl IntoIterator<Item = (Family, &'a str)>) -> String {
    let mut out = String::new();
    for (family, table) in tables {
        let _ = writeln!(out, "delete table {family} {table}");
    }
    out
}
