//! What a registry asks for when it answers 401: `WWW-Authenticate` (RFC 9110, 11.6.1).

/// A scheme with its parameters. Names are in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    pub(super) scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The challenges in one header, in their order. What is malformed ends the list.
pub(super) fn parse(header: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let Some(word) = token(rest) else { return challenges };
        let after = rest[word.len()..].trim_start_matches([' ', '\t']);
        let value = after.strip_prefix('=').map(|after| after.trim_start_matches([' ', '\t']));
        match (value.and_then(value_of), challenges.last_mut()) {
            (Some((value, remaining)), Some(challenge)) => {
                challenge.parameters.push((word.to_ascii_lowercase(), value));
                rest = remaining;
            }
            (None, _) if !after.starts_with('=') => {
                challenges.push(Challenge { scheme: word.to_ascii_lowercase(), parameters: Vec::new() });
                rest = after;
            }
            _ => return challenges,
        }
    }
}

fn token(text: &str) -> Option<&str> {
    let end = text.find(|character: char| {
        !(character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character))
    });
    Some(&text[..end.unwrap_or(text.len())]).filter(|token| !token.is_empty())
}

/// A token or a quoted string, and what follows it.
fn value_of(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let value = token(text)?;
        return Some((value.to_owned(), &text[value.len()..]));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn schemes_and_parameters_are_told_apart() {
        let challenges = parse(
            r#"Basic realm="a, \"b\"", Bearer realm = "https://auth.example/token",service=registry.example,scope="repository:a/b:pull,push",error="insufficient_scope""#,
        );
        assert_eq!(challenges.len(), 2);
        assert_eq!((&*challenges[0].scheme, challenges[0].parameter("realm")), ("basic", Some("a, \"b\"")));
        assert_eq!(challenges[1].scheme, "bearer");
        assert_eq!(challenges[1].parameter("realm"), Some("https://auth.example/token"));
        assert_eq!(challenges[1].parameter("service"), Some("registry.example"));
        assert_eq!(challenges[1].parameter("scope"), Some("repository:a/b:pull,push"));
        assert_eq!(challenges[1].parameter("absent"), None);
    }

    #[test]
    fn what_is_malformed_ends_the_list() {
        for (header, schemes) in
            [("", 0), ("Negotiate", 1), ("=x", 0), (r#"Bearer realm="x"#, 1), ("Basic, Bearer", 2)]
        {
            assert_eq!(parse(header).len(), schemes, "{header}");
        }
    }

    proptest! {
        #[test]
        fn parsing_ends_and_never_panics(header in ".*") {
            prop_assert!(parse(&header).len() <= header.len());
        }
    }
}
