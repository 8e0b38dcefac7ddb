//! Numbers of bytes, read and written for people.

const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];

/// `4096`, `64MiB`, `1 TiB`.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let unit = text[digits..].trim();
    let power =
        if unit.is_empty() { 0 } else { UNITS.iter().position(|known| known.eq_ignore_ascii_case(unit))? };
    number.checked_mul(1u64.checked_shl(10 * u32::try_from(power).ok()?)?)
}

/// `576.0 MiB`.
pub(crate) fn shown(bytes: u64) -> String {
    let mut unit = 0;
    while unit + 1 < UNITS.len() && bytes >> (10 * (unit + 1)) > 0 {
        unit += 1;
    }
    if unit == 0 {
        return format!("{bytes} B");
    }
    let divisor = 1u128 << (10 * unit);
    let tenths = (u128::from(bytes) * 10 + divisor / 2) / divisor;
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        for (text, bytes) in [("0", 0), ("4096", 4096), ("64MiB", 64 << 20), ("1 tib", 1 << 40), ("7B", 7)] {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
        for text in ["", "MiB", "-1", "1.5GiB", "1MB", "99999999999999999999", "99999999999TiB"] {
            assert_eq!(parse(text), None, "{text}");
        }
        for (bytes, text) in [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (603_979_776, "576.0 MiB")] {
            assert_eq!(shown(bytes), text);
        }
    }
}
