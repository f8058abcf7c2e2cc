//! The colours, in light and in dark, and what stands on what.

/// Name of the CSS variable, light, dark.
pub(super) const COLOURS: [(&str, [u8; 3], [u8; 3]); 24] = [
    ("page", rgb(0xffffff), rgb(0x0d1117)),
    ("card", rgb(0xf3f5f8), rgb(0x171d26)),
    ("text", rgb(0x1b1f24), rgb(0xe6edf3)),
    ("muted", rgb(0x525b65), rgb(0x9da7b3)),
    ("link", rgb(0x0550ae), rgb(0x6cb2ff)),
    ("line", rgb(0xd0d7de), rgb(0x30363d)),
    ("edge", rgb(0x6a737d), rgb(0x8b949e)),
    ("focus", rgb(0xb3005e), rgb(0xffd33d)),
    ("good", rgb(0x0b6b30), rgb(0x56d364)),
    ("bad", rgb(0xa40e26), rgb(0xff8a80)),
    ("master", rgb(0x0a4f9e), rgb(0x63adf2)),
    ("master-text", rgb(0xffffff), rgb(0x0d1117)),
    ("backup", rgb(0xd6e6f7), rgb(0x1d3a57)),
    ("backup-text", rgb(0x16324f), rgb(0xdcebfa)),
    ("fault", rgb(0xffdfae), rgb(0x5a3a00)),
    ("fault-line", rgb(0xb35900), rgb(0xf0a13a)),
    ("fault-text", rgb(0x4a2500), rgb(0xffedd2)),
    ("waiting", rgb(0xece4f6), rgb(0x33284a)),
    ("waiting-line", rgb(0x7a4fb0), rgb(0xb79be0)),
    ("waiting-text", rgb(0x3c2260), rgb(0xeee4fb)),
    ("off", rgb(0xe9ebee), rgb(0x20262e)),
    ("off-text", rgb(0x4b535c), rgb(0xb1bac4)),
    ("outage", rgb(0xa40e26), rgb(0xff8a80)),
    ("outage-text", rgb(0xffffff), rgb(0x1c0508)),
];

/// Texts and what is behind them.
#[cfg(test)]
pub(super) const TEXTS: [(&str, &str); 19] = [
    ("text", "page"),
    ("text", "card"),
    ("muted", "page"),
    ("muted", "card"),
    ("link", "page"),
    ("link", "card"),
    ("good", "page"),
    ("good", "card"),
    ("bad", "page"),
    ("bad", "card"),
    ("master-text", "master"),
    ("backup-text", "backup"),
    ("fault-text", "fault"),
    ("waiting-text", "waiting"),
    ("off-text", "off"),
    ("outage-text", "outage"),
    // Marks of incidents: a number on the colour of the text.
    ("page", "text"),
    ("focus", "page"),
    ("focus", "card"),
];

/// What is drawn without words, and what it has to stand out from.
#[cfg(test)]
pub(super) const SHAPES: [(&str, &str); 9] = [
    ("edge", "page"),
    ("edge", "card"),
    ("edge", "backup"),
    ("edge", "off"),
    ("master", "page"),
    ("outage", "page"),
    ("fault-line", "fault"),
    ("waiting-line", "waiting"),
    ("text", "page"),
];

const fn rgb(colour: u32) -> [u8; 3] {
    let [_, red, green, blue] = colour.to_be_bytes();
    [red, green, blue]
}

/// `#0a4f9e`.
pub(super) fn css([red, green, blue]: [u8; 3]) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colour(name: &str, dark: bool) -> [u8; 3] {
        let (_, light, night) = COLOURS
            .into_iter()
            .find(|(known, ..)| *known == name)
            .unwrap();
        if dark { night } else { light }
    }

    /// Relative luminance and contrast as WCAG 2.1 defines them.
    fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
        let channel = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        let luminance = |[red, green, blue]: [u8; 3]| {
            0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue)
        };
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn black_on_white_has_the_contrast_of_the_standard() {
        let found = contrast([0; 3], [255; 3]);
        assert!((found - 21.0).abs() < 0.01, "{found}");
    }

    /// WCAG 2.1 AA: 1.4.3 and 1.4.11.
    #[test]
    fn every_text_and_every_shape_can_be_told_from_what_is_behind_it() {
        for dark in [false, true] {
            for (pairs, least) in [(TEXTS.as_slice(), 4.5), (SHAPES.as_slice(), 3.0)] {
                for (front, behind) in pairs {
                    let found = contrast(colour(front, dark), colour(behind, dark));
                    assert!(
                        found >= least,
                        "{front} on {behind}, dark {dark}: {found:.2}"
                    );
                }
            }
        }
    }
}
