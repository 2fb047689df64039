//! The version of the entity that an answer holds.

use crate::ResponseValue;

/// Access to the header `ETag`, for the `If-Match` of the next change.
pub trait Etag {
    /// The entity's version, if the answer has one.
    fn etag(&self) -> Option<&str>;
}

impl<T> Etag for ResponseValue<T> {
    fn etag(&self) -> Option<&str> {
        self.headers().get("etag")?.to_str().ok()
    }
}
