//! Values that several commands take.

use castline::{Limits, Platform, Platforms};

use crate::size;

pub(super) fn platforms(text: &str) -> Result<Platforms, castline::Error> {
    if text == "all" { Ok(Platforms::All) } else { text.parse::<Platform>().map(Platforms::One) }
}

pub(super) fn limit(text: &str) -> Result<(String, u64), String> {
    let (name, number) = text.split_once('=').ok_or("write `NAME=NUMBER`")?;
    let number =
        size::parse(number).ok_or_else(|| format!("`{number}` is no number like 4096, 64MiB or 1TiB"))?;
    match Limits::default().with(name, number) {
        Some(_) => Ok((name.to_owned(), number)),
        None => Err(format!("no limit is called `{name}`; there are: {}", Limits::NAMES.join(", "))),
    }
}
