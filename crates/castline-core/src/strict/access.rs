//! What is inside of lists, objects and variants: each is read strictly, and an error gets their names on its way out.

use std::{borrow::Cow, fmt};

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
    value::{BorrowedStrDeserializer, StrDeserializer},
};

use super::{deserializer::Strict, place::Place};

/// A value that is read strictly.
struct Value<'p, S> {
    seed: S,
    place: &'p Place,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Value<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.seed.deserialize(Strict::new(inner, self.place))
    }
}

/// The elements of a list.
pub(super) struct Elements<'p, A> {
    inner: A,
    next: usize,
    place: &'p Place,
}

impl<'p, A> Elements<'p, A> {
    pub(super) const fn new(inner: A, place: &'p Place) -> Self {
        Self { inner, next: 0, place }
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Elements<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let element = self.inner.next_element_seed(Value { seed, place: self.place });
        if element.is_err() {
            self.place.element(self.next);
        }
        self.next += 1;
        element
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

/// The members of an object.
pub(super) struct Members<'de, 'p, A> {
    inner: A,
    /// That of the member whose value comes next; borrowed wherever the document has it as it is, so that it costs nothing.
    name: Cow<'de, str>,
    place: &'p Place,
}

impl<'p, A> Members<'_, 'p, A> {
    pub(super) const fn new(inner: A, place: &'p Place) -> Self {
        Self { inner, name: Cow::Borrowed(""), place }
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<'de, '_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_key_seed(Name { seed, name: &mut self.name })
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let value = self.inner.next_value_seed(Value { seed, place: self.place });
        if value.is_err() {
            self.place.member(&self.name);
        }
        value
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

/// A name that is noted while it is read.
struct Name<'n, 'de, S> {
    seed: S,
    name: &'n mut Cow<'de, str>,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Name<'_, 'de, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        inner.deserialize_str(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Name<'_, 'de, S> {
    type Value = S::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<S::Value, E> {
        *self.name = Cow::Borrowed(name);
        self.seed.deserialize(BorrowedStrDeserializer::new(name))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<S::Value, E> {
        *self.name = Cow::Owned(name.to_owned());
        self.seed.deserialize(StrDeserializer::new(name))
    }
}

/// The variant of an enum, and what it has.
pub(super) struct Variants<'p, A> {
    inner: A,
    place: &'p Place,
}

impl<'p, A> Variants<'p, A> {
    pub(super) const fn new(inner: A, place: &'p Place) -> Self {
        Self { inner, place }
    }
}

impl<'de, 'p, A: EnumAccess<'de>> EnumAccess<'de> for Variants<'p, A> {
    type Error = A::Error;
    type Variant = Variant<'de, 'p, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let mut name = Cow::Borrowed("");
        let (value, inner) = self.inner.variant_seed(Name { seed, name: &mut name })?;
        Ok((value, Variant { inner, name, place: self.place }))
    }
}

/// What a variant has. JSON has it as the only member of an object, which the variant names.
pub(super) struct Variant<'de, 'p, A> {
    inner: A,
    name: Cow<'de, str>,
    place: &'p Place,
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Variant<'de, '_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        let value = self.inner.newtype_variant_seed(Value { seed, place: self.place });
        if value.is_err() {
            self.place.member(&self.name);
        }
        value
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.newtype_variant_seed(Tuple { length, visitor })
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.newtype_variant_seed(Struct { fields, visitor })
    }
}

/// What a variant with members has, read as a value of its own: the reader itself would take an array for it.
struct Struct<V> {
    fields: &'static [&'static str],
    visitor: V,
}

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Struct<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        inner.deserialize_struct("", self.fields, self.visitor)
    }
}

struct Tuple<V> {
    length: usize,
    visitor: V,
}

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Tuple<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        inner.deserialize_tuple(self.length, self.visitor)
    }
}
