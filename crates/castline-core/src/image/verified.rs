use std::ops::Deref;

use super::Image;

/// A value whose every byte was checked.
///
/// Only a verification makes one, so a function that takes a `Verified<Image>` cannot be handed an image that
/// nobody looked at. The one way around is [`Image::assume_verified`], which asks for a reason and keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Verified<T> {
    value: T,
    assumed: Option<Box<str>>,
}

impl<T> Verified<T> {
    pub(crate) const fn by_verification(value: T) -> Self {
        Self { value, assumed: None }
    }

    /// Why it was taken on trust, when it was not verified here.
    pub fn assumed(&self) -> Option<&str> {
        self.assumed.as_deref()
    }

    /// The value itself.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl Image {
    /// Takes the image on trust, for `reason`, where another system has verified it. The reason stays with the
    /// value and is shown wherever it is used.
    #[must_use]
    pub fn assume_verified(self, reason: impl Into<Box<str>>) -> Verified<Self> {
        Verified { value: self, assumed: Some(reason.into()) }
    }
}
