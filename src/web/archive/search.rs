//! Pages of a search, and all of one as a table.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Query as Words, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{Extensions, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{Archive, Refused};
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
/// Rows of a piece of a table at the most. Lambda gives no answer of more than 6 MB, and a row
/// takes some 100 bytes of it.
const PIECE_ROWS: usize = 20_000;
/// Where a table goes on that was asked for in pieces: what the next one is to be asked with as
/// `after`, escaped as in an address. Of the last piece there is none.
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

/// All rows, as a table for spreadsheets; or with `most`, a piece of it. One that cannot be made
/// to its end breaks off, so that nobody takes a part of it for all.
pub(super) async fn table<S: Browsing + Send + Sync + 'static>(
    State(archive): State<Arc<Archive<S>>>,
    extensions: Extensions,
    Words(pairs): Pairs,
) -> Result<Response, Refused> {
    let viewer = archive.viewer(&extensions)?;
    let Search {
        query,
        after,
        words,
        most,
        ..
    } = Search::read(&pairs)?;
    let act = Act::search(ActKind::Export, &words);
    archive.noted(&viewer, &act).await?;
    let heading = match after {
        Some(_) => String::new(),
        None => csv::heading(),
    };
    let mut table = Table {
        archive,
        viewer,
        query,
        next: Some(after),
    };
    if let Some(most) = most {
        let piece = table.piece(most.min(PIECE_ROWS)).await?;
        let mut answer = as_file(Body::from(format!("{heading}{piece}")));
        if let Some(Some(next)) = &table.next {
            let next = utf8_percent_encode(&next.to_string(), NON_ALPHANUMERIC).to_string();
            let next = HeaderValue::from_str(&next).ok();
            answer.headers_mut().extend(next.map(|next| (NEXT, next)));
        }
        return Ok(answer);
    }
    // What goes wrong at once is told in words.
    let first = table.next_lines(ROWS_AT_ONCE).await?;
    let first = format!(
        "{heading}{}",
        first.map_or_else(String::new, |(lines, _)| lines)
    );
    let rest = stream::unfold(table, |mut table| async move {
        let lines = table.next_lines(ROWS_AT_ONCE).await.transpose()?;
        Some((lines.map(|(lines, _)| Bytes::from(lines)), table))
    });
    let first = stream::iter([Ok(Bytes::from(first))]);
    let body = Body::from_stream(futures_util::StreamExt::chain(first, rest));
    Ok(as_file(body))
}

/// A table as a browser keeps it.
fn as_file(body: Body) -> Response {
    let mut answer = body.into_response();
    let headers = answer.headers_mut();
    let kind = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
    headers.insert(CONTENT_TYPE, kind);
    let name = HeaderValue::from_static("attachment; filename=\"recordings.csv\"");
    headers.insert(CONTENT_DISPOSITION, name);
    answer
}

struct Table<S> {
    archive: Arc<Archive<S>>,
    viewer: Viewer,
    query: Query,
    /// Where it goes on: from the beginning, or behind a row; `None` at its end.
    next: Option<Option<Cursor>>,
}

impl<S: Browsing + Send + Sync + 'static> Table<S> {
    /// So many lines, unless it ends before.
    async fn piece(&mut self, most: usize) -> Result<String, Failure> {
        let (mut piece, mut left) = (String::new(), most);
        while left > 0
            && let Some((lines, count)) = self.next_lines(left.min(ROWS_AT_ONCE)).await?
        {
            piece += &lines;
            left -= count;
        }
        Ok(piece)
    }

    /// The next lines, and how many they are.
    async fn next_lines(&mut self, most: usize) -> Result<Option<(String, usize)>, Failure> {
        let Some(after) = self.next.take() else {
            return Ok(None);
        };
        let asked = Asked {
            query: &self.query,
            after: after.as_ref(),
            most,
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
        let count = found.hits.len();
        let lines = found.hits.iter().map(|(key, row)| {
            let folder = key.strip_suffix(&*row.verdict).unwrap_or_default();
            csv::row(&Hit::new(folder, row))
        });
        Ok(Some((lines.collect(), count)))
    }
}
