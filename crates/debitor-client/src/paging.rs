//! Whole lists: page after page along `@odata.nextLink`, as a stream.
//!
//! `stream` of a list's builder gives the entities, `pages` the pages that they came on. Nothing is
//! sent before the first item is asked for, and a page only once the one before it is used up. Each
//! page is asked for with the headers of the first.
//!
//! A stream ends after its first error. A link is such an error, an [`Error::Custom`], and nothing
//! is sent, if it leads anywhere but below the base URL of the client, or to a page that has been.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use reqwest::{Request, Url};
use thiserror::Error as ThisError;

use crate::bounds::{self, Outside};
use crate::{Client, ClientInfo, Error, ResponseValue};

/// A stream of the items of a list, of which the first error is the last item.
pub type Paged<'a, T, E> = BoxStream<'a, Result<T, Error<E>>>;

/// A part of a list, as one answer holds it.
pub trait Page {
    /// What is listed.
    type Entity;

    /// The address of the next page; the last has none.
    fn next_link(&self) -> Option<&str>;

    /// The entities of this page.
    fn into_entities(self) -> Vec<Self::Entity>;
}

/// Why a link is not followed.
#[derive(Debug, ThisError)]
enum Refused {
    #[error("`{0}` is no address")]
    Unreadable(String),
    #[error("`{0}` is not below the base URL: {1}")]
    Outside(Url, Outside),
    #[error("`{0}` leads to a page that has been")]
    Repeated(Url),
}

impl<E> From<Refused> for Error<E> {
    fn from(refused: Refused) -> Self {
        Self::Custom(format!("the next link is not followed: {refused}"))
    }
}

/// The pages from the one that `first` asks for; the generated builders call it.
#[doc(hidden)]
pub fn pages<'a, P, E, A, F>(
    client: &'a Client,
    first: Result<Request, Error<E>>,
    exchange: F,
) -> Paged<'a, ResponseValue<P>, E>
where
    P: Page + Send + 'a,
    E: Send + 'a,
    A: Future<Output = Result<ResponseValue<P>, Error<E>>> + Send + 'a,
    F: Fn(&'a Client, Request) -> A + Send + 'a,
{
    let mut visited = Visited::default();
    if let Ok(request) = &first {
        visited.is_new(request.url());
    }
    let walk = Walk {
        client,
        exchange,
        next: Some(first),
        visited,
    };
    stream::unfold(walk, Walk::step).boxed()
}

/// The entities of the pages; the generated builders call it.
#[doc(hidden)]
pub fn entities<'a, P, E>(pages: Paged<'a, ResponseValue<P>, E>) -> Paged<'a, P::Entity, E>
where
    P: Page + Send + 'a,
    P::Entity: Send,
    E: Send + 'a,
{
    let entities = |page: ResponseValue<P>| {
        let entities = page.into_inner().into_entities();
        stream::iter(entities.into_iter().map(Ok))
    };
    pages.map_ok(entities).try_flatten().boxed()
}

/// The way along the links.
struct Walk<'a, E, F> {
    client: &'a Client,
    exchange: F,
    /// The request of the next page, or why there is none; `None` at the end.
    next: Option<Result<Request, Error<E>>>,
    visited: Visited,
}

impl<'a, E, F> Walk<'a, E, F> {
    /// The next page and the rest of the way; an error leaves no rest.
    async fn step<P, A>(mut self) -> Option<(Result<ResponseValue<P>, Error<E>>, Self)>
    where
        P: Page,
        A: Future<Output = Result<ResponseValue<P>, Error<E>>>,
        F: Fn(&'a Client, Request) -> A,
    {
        let request = match self.next.take()? {
            Ok(request) => request,
            Err(error) => return Some((Err(error), self)),
        };
        let asked = copy(&request);
        let page = (self.exchange)(self.client, request).await;
        if let Some(link) = page.as_ref().ok().and_then(|page| page.next_link()) {
            self.next = Some(self.follow(asked, link).map_err(Error::from));
        }
        Some((page, self))
    }

    /// The request that asked for a page, made one for the page that is linked from it.
    fn follow(&mut self, mut asked: Request, link: &str) -> Result<Request, Refused> {
        let unreadable = |_| Refused::Unreadable(link.escape_debug().to_string());
        let mut url = asked.url().join(link).map_err(unreadable)?;
        url.set_fragment(None);
        let base = Url::parse(self.client.baseurl()).map_err(unreadable)?;
        bounds::check(&base, &url).map_err(|outside| Refused::Outside(url.clone(), outside))?;
        if !self.visited.is_new(&url) {
            return Err(Refused::Repeated(url));
        }
        *asked.url_mut() = url;
        Ok(asked)
    }
}

/// The request of a list again, which has no body.
fn copy(request: &Request) -> Request {
    let mut copy = Request::new(request.method().clone(), request.url().clone());
    copy.headers_mut().clone_from(request.headers());
    copy
}

/// The pages that have been, eight bytes each, so that a list of any length can be walked.
#[derive(Default)]
struct Visited {
    hasher: RandomState,
    pages: HashSet<u64>,
}

impl Visited {
    /// Remembers the page, and tells whether it was not yet known.
    fn is_new(&mut self, url: &Url) -> bool {
        self.pages.insert(self.hasher.hash_one(url))
    }
}
