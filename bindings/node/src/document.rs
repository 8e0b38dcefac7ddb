//! Documents: values that JSON says wholly, with one canonical form and its digest. JavaScript holds them as handles.

use castline::{Document as _, Fleet, ProviderImage, Release, plan::Plan, policy::Policy};
use napi::bindgen_prelude::{BigInt, ClassInstance, Either, Uint8Array};
use napi_derive::napi;

use crate::{
    error::{OrThrow as _, Result, of_code},
    verify::VerifiedImage,
    work::{bytes, json, value},
};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Fleet(Fleet),
    Release(Release),
    Policy(Policy),
    Plan(Plan),
}

/// The same of whichever kind a document is.
macro_rules! each {
    ($value:expr, $inner:ident => $result:expr) => {
        match $value {
            Value::Fleet($inner) => $result,
            Value::Release($inner) => $result,
            Value::Policy($inner) => $result,
            Value::Plan($inner) => $result,
        }
    };
}

/// A fleet, a release, a policy or a plan.
#[napi]
#[derive(Clone, Debug)]
pub struct Document(pub(crate) Value);

/// A text, or bytes in UTF-8.
pub type Text = Either<String, Uint8Array>;

pub(crate) fn raw(text: &Text) -> &[u8] {
    match text {
        Either::A(text) => text.as_bytes(),
        Either::B(bytes) => bytes,
    }
}

#[napi]
impl Document {
    /// Reads one of a kind, `Fleet`, `Release`, `Policy` or `Plan`, from JSON in any form.
    #[napi(factory, catch_unwind)]
    pub fn read(kind: String, text: Text) -> Result<Self> {
        let raw = raw(&text);
        let value = match &*kind {
            "Fleet" => Value::Fleet(Fleet::from_json(raw).or_throw()?),
            "Release" => Value::Release(Release::from_json(raw).or_throw()?),
            "Policy" => Value::Policy(Policy::from_json(raw).or_throw()?),
            "Plan" => Value::Plan(Plan::from_json(raw).or_throw()?),
            other => return Err(of_code("INTERNAL", format!("there are no documents of kind {other}"))),
        };
        Ok(Self(value))
    }

    /// So many copies of a verified image.
    #[napi(factory, catch_unwind)]
    pub fn release(service: String, image: &VerifiedImage, replicas: BigInt) -> Result<Self> {
        let release = Release::new(service, &image.0, count(replicas)?).checked().or_throw()?;
        Ok(Self(Value::Release(release)))
    }

    /// So many copies of an image that only its provider has: `{"provider", "id", "provenance"}`.
    #[napi(factory, catch_unwind)]
    pub fn provider_release(service: String, image: String, replicas: BigInt) -> Result<Self> {
        let image: ProviderImage = value("image", &image)?;
        Release::of_provider_image(service, image, count(replicas)?)
            .map(|made| Self(Value::Release(made)))
            .or_throw()
    }

    /// A release with so many copies.
    #[napi(catch_unwind)]
    pub fn with_replicas(&self, replicas: BigInt) -> Result<Self> {
        let release = self.as_release()?.clone().with_replicas(count(replicas)?).checked().or_throw()?;
        Ok(Self(Value::Release(release)))
    }

    /// What an instance of a release is.
    #[napi(catch_unwind)]
    pub fn revision(&self) -> Result<String> {
        Ok(self.as_release()?.revision().to_string())
    }

    /// Its JSON, compact.
    #[napi(catch_unwind)]
    pub fn json(&self) -> Result<String> {
        each!(&self.0, inner => json(inner))
    }

    /// Its form for people: indented JSON.
    #[napi(catch_unwind)]
    pub fn pretty(&self) -> String {
        each!(&self.0, inner => inner.to_json())
    }

    /// Its canonical form (RFC 8785), of which the digest is.
    #[napi(catch_unwind)]
    pub fn canonical(&self) -> Uint8Array {
        bytes(each!(&self.0, inner => inner.to_canonical()))
    }

    /// The digest of its canonical form.
    #[napi(catch_unwind)]
    pub fn digest(&self) -> String {
        each!(&self.0, inner => inner.digest()).to_string()
    }

    /// Whether both say the same.
    #[napi(catch_unwind)]
    pub fn equals(&self, other: &Document) -> bool {
        self.0 == other.0
    }

    /// How many waves a plan has.
    #[napi(catch_unwind)]
    pub fn waves(&self) -> Result<u32> {
        Ok(self.as_plan()?.waves())
    }

    /// Whether there is nothing to do in a plan.
    #[napi(catch_unwind)]
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.as_plan()?.is_empty())
    }

    /// A plan's replacements in their order, as JSON.
    #[napi(catch_unwind)]
    pub fn replacements(&self) -> Result<String> {
        json(&self.as_plan()?.replacements().collect::<Vec<_>>())
    }
}

/// A number of instances.
pub(crate) fn count(number: BigInt) -> Result<u64> {
    match number.get_u64() {
        (false, number, true) => Ok(number),
        _ => Err(of_code("RANGE", "a number of instances is from 0 to 2^64 - 1")),
    }
}

/// The value of a document of a kind, or what to say where it is another.
macro_rules! narrowed {
    ($name:ident, $kind:ident) => {
        impl Document {
            pub(crate) fn $name(&self) -> Result<&$kind> {
                match &self.0 {
                    Value::$kind(inner) => Ok(inner),
                    _ => Err(of_code("TYPE", concat!("this is no ", stringify!($kind)))),
                }
            }
        }
    };
}
narrowed!(as_fleet, Fleet);
narrowed!(as_release, Release);
narrowed!(as_policy, Policy);
narrowed!(as_plan, Plan);

/// What is to become of services: fleet, release and policy of each, one after the other.
pub(crate) fn targets(documents: &[ClassInstance<'_, Document>]) -> Result<Vec<castline::plan::Target>> {
    let target = |three: &[ClassInstance<'_, Document>]| {
        let [fleet, release, policy] = three else {
            return Err(of_code("INTERNAL", "a target has three documents"));
        };
        Ok(castline::plan::Target {
            fleet: fleet.as_fleet()?.clone(),
            release: release.as_release()?.clone(),
            policy: policy.as_policy()?.clone(),
        })
    };
    documents.chunks(3).map(target).collect()
}

/// Releases to go back to.
pub(crate) fn releases(documents: &[ClassInstance<'_, Document>]) -> Result<Vec<Release>> {
    documents.iter().map(|document| document.as_release().cloned()).collect()
}
