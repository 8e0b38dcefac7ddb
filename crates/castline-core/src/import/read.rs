//! Reading members of the types that they should have, with the place in each message.

use std::{collections::BTreeMap, fmt};

use crate::{Time, json, json::Json, shown};

/// Why a document cannot be read, with the place.
pub(super) type Reason = String;

static NULL: Json = Json::Null;

/// A value and its place in the document.
#[derive(Clone, Copy)]
pub(super) struct At<'p, 'j> {
    pub(super) json: &'j Json,
    place: Place<'p>,
}

#[derive(Clone, Copy)]
enum Place<'p> {
    Root(&'p str),
    Member(&'p Place<'p>, &'p str),
    Item(&'p Place<'p>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root(name) => f.write_str(name),
            Self::Member(Self::Root(""), key) => write!(f, "{}", shown(key)),
            Self::Member(parent, key) => write!(f, "{parent}.{}", shown(key)),
            Self::Item(parent, position) => write!(f, "{parent}[{position}]"),
        }
    }
}

/// Reads documents. The place of each is its name, or nothing where there is only one.
pub(super) fn documents(documents: &[&[u8]]) -> Result<Vec<(String, Json)>, Reason> {
    let alone = documents.len() == 1;
    let read = |(position, bytes): (usize, &&[u8])| {
        let name = if alone { String::new() } else { format!("document {}", position + 1) };
        match json::value(bytes) {
            Ok(json) => Ok((name, json)),
            Err(fault) if alone => Err(fault.message),
            Err(fault) => Err(format!("{name}: {}", fault.message)),
        }
    };
    documents.iter().enumerate().map(read).collect()
}

impl<'p, 'j> At<'p, 'j> {
    pub(super) const fn root(name: &'p str, json: &'j Json) -> Self {
        Self { json, place: Place::Root(name) }
    }

    pub(super) fn place(&self) -> String {
        self.place.to_string()
    }

    /// The reason, with the place.
    pub(super) fn fault(&self, reason: impl fmt::Display) -> Reason {
        match self.place {
            Place::Root("") => reason.to_string(),
            _ => format!("{}: {reason}", self.place),
        }
    }

    fn is_not(&self, wanted: &str) -> Reason {
        self.fault(format_args!("{}, not {wanted}", self.json.kind()))
    }

    /// The member, unless it is absent or `null`.
    pub(super) fn member<'s>(&'s self, key: &'s str) -> Option<At<'s, 'j>> {
        let json = self.json.member(key)?;
        Some(At { json, place: Place::Member(&self.place, key) })
    }

    /// The object in this member; one without members where there is none.
    pub(super) fn object<'s>(&'s self, key: &'s str) -> Result<At<'s, 'j>, Reason> {
        let Some(at) = self.member(key) else {
            return Ok(At { json: &NULL, place: Place::Member(&self.place, key) });
        };
        at.as_object()
    }

    pub(super) fn as_object(self) -> Result<Self, Reason> {
        if matches!(self.json, Json::Object(_)) { Ok(self) } else { Err(self.is_not("an object")) }
    }

    /// The items of the array in this member; none where there is no such member.
    pub(super) fn items<'s>(&'s self, key: &'s str) -> Result<Vec<Item<'s, 'j>>, Reason> {
        let Some(at) = self.member(key) else { return Ok(Vec::new()) };
        let Json::Array(items) = at.json else { return Err(at.is_not("an array")) };
        let item = |(position, json)| Item { json, array: at.place, position };
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// The items of this array.
    pub(super) fn as_items(&self) -> Result<Vec<Item<'_, 'j>>, Reason> {
        let Json::Array(items) = self.json else { return Err(self.is_not("an array")) };
        let item = |(position, json)| Item { json, array: self.place, position };
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// The text in this member. An empty one counts as absent.
    pub(super) fn text(&self, key: &str) -> Result<Option<&'j str>, Reason> {
        let Some(at) = self.member(key) else { return Ok(None) };
        at.as_text().map(|text| Some(text).filter(|text| !text.is_empty()))
    }

    pub(super) fn as_text(&self) -> Result<&'j str, Reason> {
        self.json.text().ok_or_else(|| self.is_not("a string"))
    }

    /// The text in this member, which must be there.
    pub(super) fn required(&self, key: &str) -> Result<&'j str, Reason> {
        self.text(key)?.ok_or_else(|| self.fault(format_args!("there is no `{key}`")))
    }

    pub(super) fn boolean(&self, key: &str) -> Result<Option<bool>, Reason> {
        let Some(at) = self.member(key) else { return Ok(None) };
        match at.json {
            Json::Bool(value) => Ok(Some(*value)),
            _ => Err(at.is_not("a boolean")),
        }
    }

    pub(super) fn integer(&self, key: &str) -> Result<Option<i64>, Reason> {
        let Some(at) = self.member(key) else { return Ok(None) };
        match at.json {
            Json::Number(number) => {
                number.as_i64().map(Some).ok_or_else(|| at.fault(format_args!("{number} is no whole number")))
            }
            _ => Err(at.is_not("a number")),
        }
    }

    /// A whole number that is not negative and fits into 32 bits with a sign, as Kubernetes' and AWS' counts do.
    pub(super) fn count(&self, key: &str) -> Result<Option<u64>, Reason> {
        let Some(number) = self.integer(key)? else { return Ok(None) };
        match i32::try_from(number).ok().and_then(|number| u64::try_from(number).ok()) {
            Some(count) => Ok(Some(count)),
            None => {
                Err(self
                    .fault(format_args!("`{key}` is {number}, which is no number of seconds or instances")))
            }
        }
    }

    /// A moment. Go's zero time, the first second of year 1, counts as absent.
    pub(super) fn time(&self, key: &str) -> Result<Option<Time>, Reason> {
        let Some(text) = self.text(key)?.filter(|text| !text.starts_with("0001-01-01T00:00:00")) else {
            return Ok(None);
        };
        let place = Place::Member(&self.place, key);
        text.parse().map(Some).map_err(|error: crate::Error| format!("{place}: {error}"))
    }

    /// Texts by key; none where there is no such member.
    pub(super) fn texts(&self, key: &str) -> Result<BTreeMap<String, String>, Reason> {
        let object = self.object(key)?;
        let Json::Object(members) = object.json else { return Ok(BTreeMap::new()) };
        let mut texts = BTreeMap::new();
        for (name, _) in members {
            if let Some(at) = object.member(name) {
                texts.insert(name.clone(), at.as_text()?.to_owned());
            }
        }
        Ok(texts)
    }

    /// A list of texts; `None` where there is no such member.
    pub(super) fn words(&self, key: &str) -> Result<Option<Vec<String>>, Reason> {
        if self.member(key).is_none() {
            return Ok(None);
        }
        let word = |item: &Item<'_, 'j>| item.at().as_text().map(str::to_owned);
        self.items(key)?.iter().map(word).collect::<Result<_, _>>().map(Some)
    }
}

/// One of an array.
pub(super) struct Item<'p, 'j> {
    json: &'j Json,
    array: Place<'p>,
    position: usize,
}

impl<'j> Item<'_, 'j> {
    pub(super) fn at(&self) -> At<'_, 'j> {
        At { json: self.json, place: Place::Item(&self.array, self.position) }
    }
}
