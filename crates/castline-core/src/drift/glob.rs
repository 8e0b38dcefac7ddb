use std::{fmt, str::FromStr};

use crate::{Error, Result, error::shown};

/// Bytes of a pattern that are read.
const MAX_TEXT: usize = 4096;

/// A pattern for paths, matched against the whole path from the root, byte for byte where a name is not UTF-8.
///
/// `*` is any part of a name, `?` one character of it, `[a-z]` one of these and `[!a-z]` one of all others; none of them
/// matches `/`. `**` between slashes is any number of folders, none as well; at the end it is all that is below. `\`
/// takes the next character as it is. A leading `/` may be left out. A folder's pattern is not its content's:
/// `var/log` matches one path, `var/log/**` what is below it. `/` is the root alone.
///
/// ```
/// use castline_core::drift::Glob;
///
/// let glob: Glob = "/var/**/*.log".parse()?;
/// assert!(glob.matches(b"var/log/nginx/access.log") && glob.matches(b"var/boot.log"));
/// assert!(!glob.matches(b"var/log/access.log.1"));
/// # Ok::<(), castline_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Glob {
    text: Box<str>,
    parts: Vec<Part>,
}

/// What stands between two slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// `**`
    Folders,
    Name(Vec<Token>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Char(u32),
    Any,
    Some,
    Class { negated: bool, ranges: Vec<(u32, u32)> },
}

impl Glob {
    /// Whether the pattern stands for `path`: names joined by `/`, without one at the start.
    pub fn matches(&self, path: &[u8]) -> bool {
        let names: Vec<&[u8]> = if path.is_empty() { vec![] } else { path.split(|&b| b == b'/').collect() };
        wild(
            &self.parts,
            &names,
            |part| *part == Part::Folders,
            |part, name| match part {
                Part::Folders => false,
                Part::Name(tokens) => {
                    let characters = characters(name);
                    wild(tokens, &characters, |token| *token == Token::Any, |token, &c| token.takes(c))
                }
            },
        )
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Token {
    fn takes(&self, character: u32) -> bool {
        match self {
            Self::Char(own) => *own == character,
            Self::Any | Self::Some => true,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&character)) != *negated
            }
        }
    }
}

/// Matches a sequence with wildcards: only the last wildcard is ever taken back, so the time is at most the product of
/// both lengths.
fn wild<P, T>(
    pattern: &[P],
    items: &[T],
    is_wildcard: impl Fn(&P) -> bool,
    takes: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut p, mut i) = (0, 0);
    let mut back = None;
    while i < items.len() {
        if p < pattern.len() && is_wildcard(&pattern[p]) {
            back = Some((p + 1, i));
            p += 1;
        } else if p < pattern.len() && takes(&pattern[p], &items[i]) {
            (p, i) = (p + 1, i + 1);
        } else if let Some((after, from)) = back {
            back = Some((after, from + 1));
            (p, i) = (after, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(is_wildcard)
}

/// The characters of a name. A byte that is part of none stands for itself, above all characters.
fn characters(name: &[u8]) -> Vec<u32> {
    let mut all = Vec::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        all.extend(chunk.valid().chars().map(u32::from));
        all.extend(chunk.invalid().iter().map(|&byte| 0x11_0000 + u32::from(byte)));
    }
    all
}

impl FromStr for Glob {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bad = |position, reason| Error::InvalidGlob { input: shown(text), position, reason };
        if text.len() > MAX_TEXT {
            return Err(bad(MAX_TEXT, "longer than 4,096 bytes"));
        }
        let start = usize::from(text.starts_with('/'));
        if text == "/" {
            return Ok(Self { text: text.into(), parts: Vec::new() });
        }
        if text.is_empty() {
            return Err(bad(0, "it names nothing; `/**` is everything below the root"));
        }
        let mut parts = Vec::new();
        let mut tokens = Vec::new();
        let mut began = start;
        let mut rest = text[start..].char_indices().map(|(at, c)| (at + start, c)).peekable();
        while let Some((at, character)) = rest.next() {
            tokens.push(match character {
                '/' => {
                    parts.push(
                        part(&text[began..at], std::mem::take(&mut tokens)).map_err(|r| bad(began, r))?,
                    );
                    began = at + 1;
                    continue;
                }
                '*' => Token::Any,
                '?' => Token::Some,
                '\\' => match rest.next() {
                    Some((_, escaped)) => Token::Char(escaped.into()),
                    None => return Err(bad(at, "nothing follows the `\\`")),
                },
                '[' => class(&mut rest).map_err(|reason| bad(at, reason))?,
                other => Token::Char(other.into()),
            });
        }
        parts.push(part(&text[began..], tokens).map_err(|reason| bad(began, reason))?);
        if parts.last() == Some(&Part::Folders) {
            // What is below a folder, and not the folder.
            parts.push(Part::Name(vec![Token::Any]));
        }
        Ok(Self { text: text.into(), parts })
    }
}

fn part(text: &str, tokens: Vec<Token>) -> Result<Part, &'static str> {
    match text {
        "" => Err("there is no name; write `/**` for what is below a folder"),
        "**" => Ok(Part::Folders),
        "." | ".." => Err("`.` and `..` are in no path"),
        _ if tokens.windows(2).any(|pair| pair == [Token::Any, Token::Any]) => {
            Err("`**` must stand alone between slashes")
        }
        _ => Ok(Part::Name(tokens)),
    }
}

fn class(rest: &mut std::iter::Peekable<impl Iterator<Item = (usize, char)>>) -> Result<Token, &'static str> {
    const OPEN: &str = "the `[` is never closed";
    let negated = rest.next_if(|(_, c)| matches!(c, '!' | '^')).is_some();
    let mut ranges = Vec::new();
    loop {
        let low = match rest.next().ok_or(OPEN)?.1 {
            // A `]` that comes first is one of the characters.
            ']' if !ranges.is_empty() => return Ok(Token::Class { negated, ranges }),
            '/' => return Err("a `/` inside of `[…]`"),
            '\\' => rest.next().ok_or(OPEN)?.1,
            other => other,
        };
        let mut high = low;
        if rest.next_if(|(_, c)| *c == '-').is_some() {
            match rest.peek().ok_or(OPEN)?.1 {
                ']' => ranges.push(('-'.into(), '-'.into())),
                '/' => return Err("a `/` inside of `[…]`"),
                _ => high = rest.next().ok_or(OPEN)?.1,
            }
        }
        if high < low {
            return Err("a range that ends before it starts");
        }
        ranges.push((low.into(), high.into()));
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Glob({})", self.text)
    }
}

impl serde::Serialize for Glob {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pattern_matches_whole_paths_and_no_others() {
        for (pattern, matched, others) in [
            ("etc/hosts", "etc/hosts", "etc etc/hosts/x x/etc/hosts etc/hostsx"),
            ("/etc/hosts", "etc/hosts", "hosts"),
            ("etc/*.conf", "etc/a.conf etc/.conf", "etc/a.confx etc/a/b.conf a.conf"),
            ("*", "etc bin", "etc/hosts"),
            ("**", "etc etc/hosts a/b/c", ""),
            ("var/**", "var/log var/log/a", "var vary/log"),
            ("var/**/cache", "var/cache var/a/cache var/a/b/cache", "var cache var/cache/x"),
            ("**/*.pyc", "a.pyc usr/lib/x/a.pyc", "a.py usr/a.pyc/b"),
            ("a/**/b/**/c", "a/b/c a/x/b/y/z/c a/b/b/c", "a/c a/b"),
            ("tmp/?", "tmp/a tmp/ü", "tmp/ab tmp"),
            ("tmp/[a-cx]", "tmp/b tmp/x", "tmp/d tmp/bb"),
            ("tmp/[!a-c]", "tmp/d tmp/ü", "tmp/a"),
            ("tmp/[]-]", "tmp/] tmp/-", "tmp/a"),
            (r"tmp/\*", "tmp/*", "tmp/a"),
            ("*a*a*b", "aab xaxaxb", "aa ab"),
        ] {
            let glob: Glob = pattern.parse().expect(pattern);
            for path in matched.split_whitespace() {
                assert!(glob.matches(path.as_bytes()), "{pattern} should match {path}");
            }
            for path in others.split_whitespace() {
                assert!(!glob.matches(path.as_bytes()), "{pattern} should not match {path}");
            }
            assert!(!glob.matches(b""), "{pattern} matches the root");
        }
        let root: Glob = "/".parse().expect("valid");
        assert!(root.matches(b"") && !root.matches(b"a"));
        assert!("tmp/?".parse::<Glob>().expect("valid").matches(b"tmp/\xff"));
    }

    #[test]
    fn what_is_no_pattern_is_said_with_its_place() {
        for (pattern, position, reason) in [
            ("", 0, "names nothing"),
            ("a/", 2, "no name"),
            ("a//b", 2, "no name"),
            ("a/../b", 2, "in no path"),
            ("a/x**", 2, "stand alone"),
            ("a/[b", 2, "never closed"),
            ("[b-a]", 0, "ends before"),
            ("[a/b]", 0, "inside"),
            ("a\\", 1, "nothing follows"),
        ] {
            match pattern.parse::<Glob>() {
                Err(Error::InvalidGlob { position: found, reason: why, .. }) => {
                    assert_eq!(found, position, "{pattern}");
                    assert!(why.contains(reason), "{pattern}: {why}");
                }
                other => panic!("{pattern}: {other:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn a_path_with_its_signs_escaped_matches_itself_alone(path in "[a-c*?\\[\\]!.\\\\]{1,6}x(/[a-c*?]{1,4}y){0,3}", other in "[a-c/x]{1,12}") {
            let escaped: String = path.chars().flat_map(|c| (c != '/').then_some('\\').into_iter().chain([c])).collect();
            let glob: Glob = escaped.parse().expect("valid");
            prop_assert!(glob.matches(path.as_bytes()));
            prop_assert_eq!(glob.matches(other.as_bytes()), path == other);
        }

        #[test]
        fn no_pattern_and_no_path_makes_it_fail(pattern in "[a-b*?/\\[\\]\\\\!-]{0,24}", path in any::<Vec<u8>>()) {
            if let Ok(glob) = pattern.parse::<Glob>() {
                let _ = glob.matches(&path);
            }
        }
    }
}
