//! A strict reader of markup: what it takes, every browser and every XML parser takes.

/// Elements that end by themselves.
const VOID: [&str; 3] = ["!DOCTYPE", "!--", "?xml"];

/// The values of all attributes of this name.
pub(super) fn attributes(page: &str, name: &str) -> impl Iterator<Item = String> {
    let start = format!(" {name}=\"");
    let values: Vec<String> = page
        .split(&start)
        .skip(1)
        .filter_map(|rest| rest.split('"').next().map(str::to_owned))
        .collect();
    values.into_iter()
}

/// Every element is closed in its place, every attribute quoted, every `&` the beginning of an entity
/// that XML knows.
pub(super) fn well_formed(page: &str) -> Result<(), String> {
    let mut open: Vec<String> = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        let (text, tag) = rest.split_at(at);
        entities(text)?;
        let end = tag_end(tag).ok_or_else(|| format!("no end: {}", head(tag)))?;
        let inside = &tag[1..end];
        rest = &tag[end + 1..];
        if VOID.iter().any(|word| inside.starts_with(word)) {
            continue;
        }
        if let Some(name) = inside.strip_prefix('/') {
            if open.pop().as_deref() != Some(name) {
                return Err(format!("</{name}> closes something else"));
            }
            continue;
        }
        let (inside, closed) = match inside.strip_suffix('/') {
            Some(inside) => (inside, true),
            None => (inside, false),
        };
        let name: String = inside
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        if name.is_empty() {
            return Err(format!("no name: {}", head(tag)));
        }
        quoted(&inside[name.len()..])?;
        if !closed {
            open.push(name);
        }
    }
    entities(rest)?;
    match open.pop() {
        None => Ok(()),
        Some(name) => Err(format!("<{name}> is not closed")),
    }
}

fn head(text: &str) -> String {
    text.chars().take(60).collect()
}

/// The `>` that ends a tag: not one in quotes.
fn tag_end(tag: &str) -> Option<usize> {
    let mut inside = false;
    tag.char_indices().find_map(|(at, c)| {
        if c == '"' {
            inside = !inside;
        }
        (c == '>' && !inside).then_some(at)
    })
}

/// ` name="value"`, any number of times, each name once.
fn quoted(mut attributes: &str) -> Result<(), String> {
    let mut seen = Vec::new();
    loop {
        let text = attributes.trim_start();
        if text.is_empty() {
            return Ok(());
        }
        if text.len() == attributes.len() {
            return Err(format!("no blank in front of {}", head(text)));
        }
        let (name, rest) = text
            .split_once("=\"")
            .ok_or_else(|| format!("not quoted: {}", head(text)))?;
        let fine = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if !name.chars().all(fine) || seen.contains(&name) {
            return Err(format!("attribute {name}"));
        }
        seen.push(name);
        let (value, rest) = rest
            .split_once('"')
            .ok_or_else(|| format!("no end: {}", head(text)))?;
        if value.contains('<') {
            return Err(format!("< in {name}"));
        }
        entities(value)?;
        attributes = rest;
    }
}

fn entities(text: &str) -> Result<(), String> {
    for rest in text.split('&').skip(1) {
        let known = ["amp;", "lt;", "gt;", "quot;", "#39;"];
        if !known.iter().any(|entity| rest.starts_with(entity)) {
            return Err(format!("&{}", head(rest)));
        }
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(format!("a control character in {}", head(text)));
    }
    Ok(())
}
