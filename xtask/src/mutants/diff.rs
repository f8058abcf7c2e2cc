//! The list that `cargo mutants --list --diff` prints, and one of its changes made in a text.

/// One small change of one file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mutant {
    /// With its place: `bfd/src/timing.rs:40:9: replace + with - in detection`.
    pub(super) name: String,
    pub(super) file: String,
    /// The first line that the diff shows, from 1.
    first: usize,
    /// Lines as the diff has them, with the sign in front.
    lines: Vec<String>,
}

impl Mutant {
    /// Whether programs that were built with the code as it was fit to the changed one. A constant may be
    /// the length of an array, what `impl` stands for is another type with another value, and the methods of a generic
    /// type are made in the programs.
    pub(super) fn fits_programs(&self) -> bool {
        let in_a_function = [" in ", " -> ", " with ()"];
        !["-> impl", "<P>"]
            .iter()
            .any(|word| self.name.contains(word))
            && in_a_function.iter().any(|word| self.name.contains(word))
    }
}

/// Reads the list. Each mutant is a line with its name, and a diff of one hunk that begins with two lines of its own.
pub(super) fn read(listed: &str) -> Vec<Mutant> {
    let mut mutants: Vec<Mutant> = Vec::new();
    let mut name = "";
    for line in listed.lines() {
        if let Some(file) = line.strip_prefix("--- ") {
            mutants.push(Mutant {
                name: name.to_owned(),
                file: file.to_owned(),
                first: 0,
                lines: Vec::new(),
            });
        } else if let Some(last) = mutants.last_mut()
            && let Some(place) = line.strip_prefix("@@ -")
        {
            let number = place.split([',', ' ']).next().map(str::parse);
            last.first = number.and_then(Result::ok).unwrap_or(0);
        } else if let Some(last) = mutants.last_mut()
            && line.starts_with([' ', '-', '+'])
            && !line.starts_with("+++ ")
        {
            last.lines.push(line.to_owned());
        } else {
            name = line;
        }
    }
    mutants
}

/// The text with that change; nothing if it is not a change of this text.
pub(super) fn apply(text: &str, mutant: &Mutant) -> Option<String> {
    let before = mutant.first.checked_sub(1)?;
    let mut old = text.lines();
    let mut new: Vec<&str> = old.by_ref().take(before).collect();
    for line in &mutant.lines {
        let (sign, line) = line.split_at(1);
        if sign != "+" && old.next() != Some(line) {
            return None;
        }
        if sign != "-" {
            new.push(line);
        }
    }
    new.extend(old);
    Some(new.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = "\
a/src/lib.rs:2:9: replace + with - in sum
--- a/src/lib.rs
+++ replace + with - in sum
@@ -1,3 +1,3 @@
 fn sum(a: u8, b: u8) -> u8 {
-    a + b
+    a - /* ~ changed by cargo-mutants ~ */ b
 }

a/src/lib.rs:6:5: replace all -> u8 with 0
--- a/src/lib.rs
+++ replace all -> u8 with 0
@@ -5,4 +5,3 @@
 fn all() -> u8 {
-    let two = 2;
-    two
+    0
 }
";
    const TEXT: &str = "fn sum(a: u8, b: u8) -> u8 {\n    a + b\n}\n\nfn all() -> u8 {\n    \
                        let two = 2;\n    two\n}\n";

    #[test]
    fn each_mutant_has_its_name_and_its_change() {
        let mutants = read(LISTED);
        let names: Vec<&str> = mutants.iter().map(|mutant| &*mutant.name).collect();
        assert_eq!(
            names,
            [
                "a/src/lib.rs:2:9: replace + with - in sum",
                "a/src/lib.rs:6:5: replace all -> u8 with 0"
            ]
        );
        let changed: Vec<_> = mutants.iter().map(|mutant| apply(TEXT, mutant)).collect();
        let first = TEXT.replace("a + b", "a - /* ~ changed by cargo-mutants ~ */ b");
        let second = TEXT.replace("    let two = 2;\n    two\n", "    0\n");
        assert_eq!(changed, [Some(first), Some(second)]);
    }

    #[test]
    fn a_constant_an_iterator_and_what_is_generic_need_programs_that_are_built_anew() {
        let named = |name: &str| Mutant {
            name: name.to_owned(),
            file: String::new(),
            first: 1,
            lines: Vec::new(),
        };
        for (name, fit) in [
            ("a.rs:1:9: replace + with - in sum", true),
            ("a.rs:1:9: replace all -> u8 with 0", true),
            ("a.rs:1:9: replace forget with ()", true),
            ("a.rs:1:9: replace + with -", false),
            ("a.rs:1:9: replace < with <= in Checker<P>::failed", false),
            (
                "a.rs:1:9: replace ids -> impl Iterator<Item = u8> with ::std::iter::empty()",
                false,
            ),
        ] {
            assert_eq!(named(name).fits_programs(), fit, "{name}");
        }
    }

    #[test]
    fn a_change_of_another_text_is_not_made() {
        let mutants = read(LISTED);
        assert_eq!(apply(&TEXT.replace("a + b", "a * b"), &mutants[0]), None);
        assert_eq!(apply("", &mutants[1]), None);
    }
}
