//! Pages of a search, and all of one as a table.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{Extensions, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{Archive, Query as Words, Refused};
use crate::archive::csv;
use crate::archive::day::Row;
use crate::archive::search::{Cursor, Hit, PAGE_ROWS, Query};
use crate::archive::viewer::{Act, ActKind, Viewer};
use crate::clock::now;
use crate::failure::{Failure, FailureKind};
use crate::port::Browsing;
use crate::shelves::{Asked, Look};

/// Rows of a table that are looked for at once.
const ROWS_AT_ONCE: usize = 5_000;
/// Where a table that is asked for in pieces goes on.
const NEXT: HeaderName = HeaderName::from_static("callreel-next");

type Pairs = Words<Vec<(String, String)>>;

/// What a search is asked, apart from which page.
struct Search {
    query: Query,
    after: Option<Cursor>,
    most: Option<usize>,
    look: Look,
    /// As it is noted.
    words: String,
}

impl Search {
    fn read(pairs: &[(String, String)]) -> Result<Self, Refused> {
        let refused = |told: String| Refused::new(StatusCode::BAD_REQUEST, &told);
        let words = || {
            pairs
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
        };
        let mut search = Self {
            query: Query::from_pairs(words()).map_err(refused)?,
            after: None,
            most: None,
            look: Look::IfStale,
            words: String::new(),
        };
        for (name, value) in words().filter(|(_, value)| !value.is_empty()) {
            match name {
                "after" => search.after = Some(value.parse().map_err(refused)?),
                "most" => {
                    let most = value.parse().ok().filter(|most: &usize| *most > 0);
                    let told = || refused(format!("most: it must be a number, 1 to {PAGE_ROWS}"));
                    search.most = Some(most.ok_or_else(told)?);
                }
                "look" if value == "anew" => search.look = Look::Anew,
                _ => {
                    let space = if search.words.is_empty() { "" } else { " " };
                    search.words += &format!("{space}{name}={value}");
                }
            }
        }
        Ok(search)
    }
}

/// A page of rows.
pub(super) async fn page<S: Browsing + Send + Sync + 'static>(
    State(archive): State<Arc<Archive<S>>>,
    extensions: Extensions,
    Words(pairs): Pairs,
) -> Result<Json<Value>, Refused> {
    let viewer = archive.viewer(&extensions)?;
    let search = Search::read(&pairs)?;
    let act = Act::search(ActKind::Search, &search.words);
    archive.noted(&viewer, &act).await?;
    let asked = Asked {
        query: &search.query,
        after: search.after.as_ref(),
        most: search.most.unwrap_or(PAGE_ROWS).min(PAGE_ROWS),
        look: search.look,
    };
    let found = archive.shelves.search(&asked, &viewer, now()).await?;
    let rows: Vec<_> = found
        .hits
        .iter()
        .map(|(key, row)| keyed(key, row))
        .collect();
    Ok(Json(json!({
        "me": archive.me(&viewer),
        "rows": rows,
        "next": found.next.as_ref().map(ToString::to_string),
        "back_to": found.next.as_ref().map(|next| next.time().to_rfc3339()),
        "problems": found.problems,
    })))
}

/// A row with the key of its verdict.
pub(super) fn keyed(key: &str, row: &Row) -> Value {
    json!({"key": key, "row": row})
}

/// All rows, as a table for spreadsheets. One that cannot be made to its end breaks off, so
/// that nobody takes a part of it for all. Who asks for so many rows gets a piece of it, and
/// where the next one begins: an answer of a function has 6 MB at the most.
pub(super) async fn table<S: Browsing + Send + Sync + 'static>(
    State(archive): State<Arc<Archive<S>>>,
    extensions: Extensions,
    Words(pairs): Pairs,
) -> Result<Response, Refused> {
    let viewer = archive.viewer(&extensions)?;
    let Search {
        query,
        after,
        most,
        words,
        ..
    } = Search::read(&pairs)?;
    let act = Act::search(ActKind::Export, &words);
    archive.noted(&viewer, &act).await?;
    let heading = match after {
        None => csv::heading(),
        Some(_) => String::new(),
    };
    let mut table = Table {
        archive,
        viewer,
        query,
        most: most.map_or(ROWS_AT_ONCE, |most| most.min(ROWS_AT_ONCE)),
        next: Some(after),
    };
    // What goes wrong at once is told in words.
    let first = table.next_lines().await?.unwrap_or_default();
    let first = format!("{heading}{first}");
    let next = most.and_then(|_| table.next.take()).flatten();
    let rest = stream::unfold(table, |mut table| async move {
        let lines = table.next_lines().await.transpose()?;
        Some((lines.map(Bytes::from), table))
    });
    let first = stream::iter([Ok(Bytes::from(first))]);
    let body = Body::from_stream(futures_util::StreamExt::chain(first, rest));
    let mut answer = body.into_response();
    let headers = answer.headers_mut();
    let kind = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
    headers.insert(CONTENT_TYPE, kind);
    let name = HeaderValue::from_static("attachment; filename=\"recordings.csv\"");
    headers.insert(CONTENT_DISPOSITION, name);
    if let Some(next) = next {
        let next = utf8_percent_encode(&next.to_string(), NON_ALPHANUMERIC).to_string();
        if let Ok(next) = HeaderValue::from_str(&next) {
            headers.insert(NEXT, next);
        }
    }
    Ok(answer)
}

struct Table<S> {
    archive: Arc<Archive<S>>,
    viewer: Viewer,
    query: Query,
    most: usize,
    /// Where it goes on: from the beginning, or behind a row; `None` at its end.
    next: Option<Option<Cursor>>,
}

impl<S: Browsing + Send + Sync + 'static> Table<S> {
    async fn next_lines(&mut self) -> Result<Option<String>, Failure> {
        let Some(after) = self.next.take() else {
            return Ok(None);
        };
        let asked = Asked {
            query: &self.query,
            after: after.as_ref(),
            most: self.most,
            look: Look::IfStale,
        };
        let shelves = &self.archive.shelves;
        let found = shelves.search(&asked, &self.viewer, now()).await?;
        if let Some(problem) = found.problems.into_iter().next() {
            return Err(Failure::new(
                FailureKind::ReadFailed,
                shelves.prefix(),
                problem,
            ));
        }
        self.next = found.next.map(Some);
        let lines = found.hits.iter().map(|(key, row)| {
            let folder = key.strip_suffix(&*row.verdict).unwrap_or_default();
            csv::row(&Hit::new(folder, row))
        });
        Ok(Some(lines.collect()))
    }
}
