//! One test for each daemon.

/// Makes of functions that take a [`Kind`](crate::Kind) live tests in a module for each of those kinds, with the comments
/// that stand above their names there.
#[macro_export]
macro_rules! for_kinds {
    ($($kind:ident = $value:ident { $($(#[$doc:meta])* $test:ident;)* })*) => {$(
        mod $kind {
            $(
                $(#[$doc])*
                #[test]
                #[ignore = "live: cargo xtask live"]
                fn $test() {
                    $crate::require_live();
                    super::$test($crate::Kind::$value);
                }
            )*
        }
    )*};
}
